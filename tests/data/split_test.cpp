#include "data/split.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "base/error.hpp"
#include "base/output_file.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

using Catch::Matchers::Contains;

std::vector<std::string> some_ids(int count) {
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) ids.push_back("clip_" + std::to_string(i));
  return ids;
}

std::map<std::string, Split> by_id(const std::vector<std::string>& ids,
                                   const SplitRequest& request) {
  const std::vector<Split> splits = split_clips(ids, request);
  std::map<std::string, Split> map;
  for (std::size_t i = 0; i < ids.size(); ++i) map[ids[i]] = splits[i];
  return map;
}

int count(const std::vector<Split>& splits, Split split) {
  return static_cast<int>(std::count(splits.begin(), splits.end(), split));
}

}  // namespace

TEST_CASE("an unasked split is 80/10/10 with one clip each when there are three") {
  const auto sizes = [](int clips) {
    const std::vector<Split> splits = split_clips(some_ids(clips), {});
    return std::vector<int>{count(splits, Split::kTrain), count(splits, Split::kVal),
                            count(splits, Split::kTest)};
  };
  CHECK(sizes(1) == std::vector<int>{1, 0, 0});
  CHECK(sizes(2) == std::vector<int>{2, 0, 0});
  CHECK(sizes(3) == std::vector<int>{1, 1, 1});
  CHECK(sizes(12) == std::vector<int>{10, 1, 1});
  CHECK(sizes(100) == std::vector<int>{80, 10, 10});
}

TEST_CASE("an unasked split depends on ids and seed, not on their order") {
  std::vector<std::string> ids = some_ids(30);
  const auto forward = by_id(ids, {});
  std::reverse(ids.begin(), ids.end());
  CHECK(by_id(ids, {}) == forward);
  SplitRequest other;
  other.seed = 2;
  CHECK(by_id(ids, other) != forward);
}

TEST_CASE("lists of ids decide, the rest is for training") {
  SplitRequest request;
  request.test = {"clip_3"};
  request.val = {"clip_0", "clip_1"};
  CHECK(split_clips(some_ids(4), request) ==
        std::vector<Split>{Split::kVal, Split::kVal, Split::kTrain, Split::kTest});
  request.val.push_back("clip_3");
  CHECK_THROWS_WITH(split_clips(some_ids(4), request), Contains("'clip_3' is named twice"));
  request.val = {"lake"};
  CHECK_THROWS_WITH(split_clips(some_ids(4), request), Contains("--val: there is no clip 'lake'"));
}

TEST_CASE("a split file decides for every clip") {
  const TemporaryFolder folder;
  SplitRequest request;
  request.file = folder.path() / "split.txt";
  CHECK_THROWS_AS(split_clips(some_ids(2), request), InputError);
  write_text_file(request.file, "# held out\nclip_1 test # best\n\nclip_0\ttrain\n");
  CHECK(split_clips(some_ids(2), request) == std::vector<Split>{Split::kTrain, Split::kTest});
  CHECK_THROWS_WITH(split_clips(some_ids(3), request), Contains("nothing about clip 'clip_2'"));
  write_text_file(request.file, "clip_0 train\nclip_1 tests\n");
  CHECK_THROWS_WITH(split_clips(some_ids(2), request), Contains("split.txt line 2: 'tests'"));
  write_text_file(request.file, "clip_0\n");
  CHECK_THROWS_WITH(split_clips(some_ids(2), request), Contains("line 1"));
  write_text_file(request.file, "clip_0 train val\n");
  CHECK_THROWS_WITH(split_clips(some_ids(2), request), Contains("line 1"));
}

}  // namespace afterglow
