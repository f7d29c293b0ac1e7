#include "data/split.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "base/error.hpp"
#include "base/random.hpp"

namespace afterglow {
namespace {

constexpr std::size_t kFewestToSplit = 3;  // one each for train, val and test

/// A clip id's split by request, noting where each was named.
class Assignment {
 public:
  Assignment(const std::vector<std::string>& ids, const std::vector<std::string>& lost)
      : lost_(lost) {
    for (const std::string& id : ids) splits_[id] = nullptr;
  }

  void assign(const std::string& id, Split split, const std::string& subject) {
    const auto found = splits_.find(id);
    if (found == splits_.end()) {
      if (std::find(lost_.begin(), lost_.end(), id) != lost_.end()) return;
      std::string known;
      for (const auto& [name, unused] : splits_) known += (known.empty() ? "" : ", ") + name;
      throw InputError(subject, "there is no clip '" + id + "'", "the clips are " + known);
    }
    if (found->second != nullptr) {
      throw InputError(subject, "clip '" + id + "' is named twice", "name each clip once");
    }
    found->second = &kAll[static_cast<std::size_t>(split)];
  }

  const Split* find(const std::string& id) const { return splits_.at(id); }

 private:
  static constexpr Split kAll[] = {Split::kTrain, Split::kVal, Split::kTest};
  std::map<std::string, const Split*> splits_;
  const std::vector<std::string>& lost_;
};

void read_split_file(const std::filesystem::path& path, Assignment& assignment) {
  std::ifstream stream(path);
  if (!stream) throw InputError(path.string(), "cannot be read", "give an existing text file");
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    const std::string subject = path.string() + " line " + std::to_string(number);
    std::istringstream words(line.substr(0, line.find('#')));
    std::string id;
    std::string split;
    std::string rest;
    if (!(words >> id)) continue;
    if (!(words >> split) || words >> rest) {
      throw InputError(subject, "is not a clip and its split", "write `id train|val|test`");
    }
    assignment.assign(id, parse_split(split, subject), subject);
  }
}

std::vector<Split> split_by_hash(const std::vector<std::string>& ids, std::uint64_t seed) {
  std::vector<Split> splits(ids.size(), Split::kTrain);
  if (ids.size() < kFewestToSplit) return splits;
  std::vector<std::size_t> ranking(ids.size());
  std::vector<std::uint64_t> hashes(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ranking[i] = i;
    hashes[i] = stable_hash(ids[i].data(), ids[i].size(), seed);
  }
  std::sort(ranking.begin(), ranking.end(), [&](std::size_t a, std::size_t b) {
    return hashes[a] != hashes[b] ? hashes[a] < hashes[b] : ids[a] < ids[b];
  });
  const std::size_t tenth = std::max<std::size_t>(1, (ids.size() + 5) / 10);
  for (std::size_t rank = 0; rank < 2 * tenth; ++rank) {
    splits[ranking[rank]] = rank < tenth ? Split::kTest : Split::kVal;
  }
  return splits;
}

}  // namespace

std::string split_name(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kVal:
      return "val";
    case Split::kTest:
      return "test";
  }
  return {};
}

Split parse_split(const std::string& text, const std::string& subject) {
  for (const Split split : {Split::kTrain, Split::kVal, Split::kTest}) {
    if (text == split_name(split)) return split;
  }
  throw InputError(subject, "'" + text + "' is not a split", "use train, val or test");
}

std::vector<Split> split_clips(const std::vector<std::string>& ids, const SplitRequest& request,
                               const std::vector<std::string>& lost) {
  const bool listed = !request.test.empty() || !request.val.empty();
  if (request.file.empty() && !listed) return split_by_hash(ids, request.seed);
  Assignment assignment(ids, lost);
  if (!request.file.empty()) read_split_file(request.file, assignment);
  for (const std::string& id : request.test) assignment.assign(id, Split::kTest, "--test");
  for (const std::string& id : request.val) assignment.assign(id, Split::kVal, "--val");
  std::vector<Split> splits;
  for (const std::string& id : ids) {
    const Split* split = assignment.find(id);
    if (split == nullptr && !request.file.empty()) {
      throw InputError(request.file.string(), "says nothing about clip '" + id + "'",
                       "add a line `" + id + " train|val|test`");
    }
    splits.push_back(split == nullptr ? Split::kTrain : *split);
  }
  return splits;
}

}  // namespace afterglow
