#include "data/batches.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <set>
#include <thread>

#include "base/error.hpp"
#include "dataset_maker.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

using Catch::Matchers::Contains;

constexpr int kSide = 4;
constexpr std::size_t kFrame = kSide * kSide * 3;
const std::vector<TestClip> kClips = {{"a", 10}, {"b", 4}, {"held", 5, Split::kTest}, {"c", 7}};

std::size_t clip_number(const std::string& id) {
  const auto found = std::find_if(kClips.begin(), kClips.end(),
                                  [&](const TestClip& clip) { return clip.id == id; });
  return static_cast<std::size_t>(found - kClips.begin());
}

/// True when frame `row` of an array is this very frame of the dataset.
bool holds(const std::vector<std::uint8_t>& values, std::size_t row, std::size_t clip,
           std::int64_t frame, bool truth) {
  for (std::size_t i = 0; i < kFrame; ++i) {
    if (values.at(row * kFrame + i) != test_byte(clip, frame, truth, i)) {
      return false;
    }
  }
  return true;
}

std::vector<Batch> collect(BatchProducer& producer) {
  std::vector<Batch> batches;
  while (auto batch = producer.next()) batches.push_back(std::move(*batch));
  return batches;
}

class TestSet {
 public:
  TestSet() {
    make_dataset(folder_.path() / "data.h5", kClips, kSide);
    dataset_ = std::make_shared<const Dataset>(folder_.path() / "data.h5");
  }
  const std::shared_ptr<const Dataset>& dataset() const { return dataset_; }
  std::vector<Batch> batches(const BatchOptions& options, const BatchPosition& start = {}) const {
    BatchProducer producer(dataset_, options, start);
    return collect(producer);
  }

 private:
  TemporaryFolder folder_;
  std::shared_ptr<const Dataset> dataset_;
};

bool same(const Batch& a, const Batch& b) {
  return a.position == b.position && a.clip == b.clip && a.frames == b.frames &&
         a.clip_starts == b.clip_starts && a.current == b.current && a.previous == b.previous &&
         a.truth == b.truth && a.context == b.context;
}

}  // namespace

TEST_CASE("sequential batches hold consecutive frames of one clip, the short last one too") {
  const TestSet set;
  BatchOptions options;
  options.batch = 4;
  options.order = BatchOrder::kSequential;
  BatchProducer producer(set.dataset(), options);
  CHECK(producer.batches_per_epoch() == 6);
  CHECK(producer.frames_per_epoch() == 21);
  std::string places;
  for (const Batch& batch : collect(producer)) {
    places += " " + batch.clip + std::to_string(batch.frames.front()) + "+" +
              std::to_string(batch.count());
  }
  CHECK(places == " a0+4 a4+4 a8+2 b0+4 c0+4 c4+3");
  CHECK_FALSE(producer.next());
}

TEST_CASE("current, previous, truth and context are the frames they should be") {
  const TestSet set;
  const int context = GENERATE(0, 1, 2, 6);
  const int size = GENERATE(1, 3, 16);
  CAPTURE(context, size);
  BatchOptions options;
  options.batch = size;
  options.context = context;
  options.order = GENERATE(BatchOrder::kSequential, BatchOrder::kShuffledClips);
  for (const Batch& batch : set.batches(options)) {
    const std::size_t clip = clip_number(batch.clip);
    CAPTURE(batch.clip, batch.frames);
    REQUIRE(batch.current.size() == batch.frames.size() * kFrame);
    REQUIRE(batch.previous.size() == batch.current.size());
    REQUIRE(batch.truth.size() == batch.current.size());
    for (std::size_t i = 0; i < batch.frames.size(); ++i) {
      const std::int64_t t = batch.frames[i];
      CHECK(t == batch.frames[0] + static_cast<std::int64_t>(i));
      CHECK(batch.clip_starts[i] == (t == 0 ? 1 : 0));
      CHECK(holds(batch.current, i, clip, t, false));
      CHECK(holds(batch.previous, i, clip, t == 0 ? 0 : t - 1, false));
      CHECK(holds(batch.truth, i, clip, t, true));
    }
    const std::int64_t before = std::min<std::int64_t>(context, batch.frames[0]);
    REQUIRE(batch.context.size() == static_cast<std::size_t>(before) * kFrame);
    for (std::int64_t i = 0; i < before; ++i) {
      CHECK(holds(batch.context, static_cast<std::size_t>(i), clip, batch.frames[0] - before + i,
                  false));
    }
  }
}

TEST_CASE("shuffled clips: every epoch another order of clips, each clip in order") {
  const TestSet set;
  BatchOptions options;
  options.batch = 4;
  options.epochs = 12;
  std::set<std::string> orders;
  std::vector<std::string> order(12);
  std::string last;
  std::int64_t expected = 0;
  for (const Batch& batch : set.batches(options)) {
    if (batch.clip != last || batch.frames.front() == 0) expected = 0;
    CHECK(batch.frames.front() == expected);
    expected = batch.frames.back() + 1;
    last = batch.clip;
    order[static_cast<std::size_t>(batch.position.epoch)] += batch.clip;
    CHECK(batch.clip != "held");
  }
  orders.insert(order.begin(), order.end());
  CHECK(orders.size() > 2);
  for (std::string text : order) {
    std::sort(text.begin(), text.end());
    CHECK(text == "aaabcc");
  }
}

TEST_CASE(
    "shuffled frames: the frames of a clip in random order, each once, previous by the clip") {
  const TestSet set;
  BatchOptions options;
  options.batch = 4;
  options.order = BatchOrder::kShuffledFrames;
  options.context = 2;
  std::multiset<std::pair<std::string, std::int64_t>> seen;
  bool out_of_order = false;
  for (const Batch& batch : set.batches(options)) {
    const std::size_t clip = clip_number(batch.clip);
    CHECK(batch.context.empty());
    for (std::size_t i = 0; i < batch.frames.size(); ++i) {
      const std::int64_t t = batch.frames[i];
      seen.emplace(batch.clip, t);
      out_of_order = out_of_order || (i > 0 && t != batch.frames[i - 1] + 1);
      CHECK(batch.clip_starts[i] == (i == 0 ? 1 : 0));
      CHECK(holds(batch.current, i, clip, t, false));
      CHECK(holds(batch.previous, i, clip, t == 0 ? 0 : t - 1, false));
      CHECK(holds(batch.truth, i, clip, t, true));
    }
  }
  CHECK(out_of_order);
  CHECK(seen.size() == 21);
  CHECK(std::set(seen.begin(), seen.end()).size() == 21);
}

TEST_CASE("beginning at a position gives what an uninterrupted run would have given") {
  const TestSet set;
  BatchOptions options;
  options.batch = 3;
  options.epochs = 3;
  options.order =
      GENERATE(BatchOrder::kSequential, BatchOrder::kShuffledClips, BatchOrder::kShuffledFrames);
  const std::vector<Batch> all = set.batches(options);
  for (std::size_t first = 0; first < all.size(); first += 5) {
    const std::vector<Batch> rest = set.batches(options, all[first].position);
    REQUIRE(rest.size() == all.size() - first);
    for (std::size_t i = 0; i < rest.size(); ++i) CHECK(same(rest[i], all[first + i]));
  }
}

TEST_CASE("a slow or an impatient consumer sees the same batches", "[threads]") {
  const TestSet set;
  BatchOptions options;
  options.batch = 5;
  options.epochs = 2;
  const std::vector<Batch> quick = set.batches(options);
  BatchProducer producer(set.dataset(), options);
  for (const Batch& batch : quick) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    CHECK(same(*producer.next(), batch));
  }
  CHECK_FALSE(producer.next());
  for (int taken = 0; taken < 4; ++taken) {  // left with batches waiting
    BatchProducer abandoned(set.dataset(), options);
    for (int i = 0; i < taken; ++i) CHECK(abandoned.next());
  }
}

TEST_CASE("what breaks in the thread is thrown by next, again and again", "[threads]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "data.h5";
  make_dataset(path, {{"a", 200}}, 64);
  const auto dataset = std::make_shared<const Dataset>(path);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  BatchProducer producer(dataset, {});
  CHECK_THROWS_WITH(
      [&] {
        while (producer.next()) continue;
      }(),
      Contains(path.string()));
  CHECK_THROWS_AS(producer.next(), InputError);
}

TEST_CASE("impossible batches are refused") {
  const TestSet set;
  BatchOptions options;
  options.batch = 0;
  CHECK_THROWS_WITH(BatchProducer(set.dataset(), options), Contains("--batch"));
  options = {};
  options.split = Split::kVal;
  CHECK_THROWS_WITH(BatchProducer(set.dataset(), options), Contains("no clips in split 'val'"));
}

TEST_CASE("orders have names") {
  for (const BatchOrder order :
       {BatchOrder::kSequential, BatchOrder::kShuffledClips, BatchOrder::kShuffledFrames}) {
    CHECK(parse_batch_order(batch_order_name(order), "--order") == order);
  }
  CHECK_THROWS_WITH(parse_batch_order("random", "--order"), Contains("--order: 'random'"));
}

TEST_CASE("flow comes along with batches, as it is or as a mask of what is nearly still") {
  const TemporaryFolder folder;
  make_dataset(folder.path() / "data.h5", kClips, kSide, true);
  const auto dataset = std::make_shared<const Dataset>(folder.path() / "data.h5");
  BatchOptions options;
  options.batch = 3;
  options.flow = GENERATE(BatchFlow::kNone, BatchFlow::kStill, BatchFlow::kAll);
  BatchProducer producer(dataset, options);
  std::size_t still = 0, moving = 0;
  for (const Batch& batch : collect(producer)) {
    if (options.flow == BatchFlow::kNone) {
      CHECK(batch.flow.empty());
      continue;
    }
    const std::size_t values = 2 * kSide * kSide;
    REQUIRE(batch.flow.size() == batch.frames.size() * values);
    for (std::size_t i = 0; i < batch.flow.size(); i += 2) {
      const std::vector<float> all =
          test_flow(kSide, clip_number(batch.clip), batch.frames[i / values]);
      const float u = all[i % values], v = all[i % values + 1];
      float expected_u = u, expected_v = v;
      if (options.flow == BatchFlow::kStill) {
        const bool is_still = std::hypot(u, v) <= 1;
        ++(is_still ? still : moving);
        expected_u = expected_v = is_still ? 0 : std::numeric_limits<float>::quiet_NaN();
      }
      CHECK((std::isnan(expected_u) ? std::isnan(batch.flow[i]) : batch.flow[i] == expected_u));
      CHECK((std::isnan(expected_v) ? std::isnan(batch.flow[i + 1])
                                    : batch.flow[i + 1] == expected_v));
    }
  }
  if (options.flow == BatchFlow::kStill) CHECK((still > 0 && moving > 0));
}

}  // namespace afterglow
