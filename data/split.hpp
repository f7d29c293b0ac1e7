// Which clips are learnt from, which are watched while learning, and which are kept aside.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace afterglow {

enum class Split { kTrain, kVal, kTest };

/// "train", "val" or "test".
std::string split_name(Split split);

/// The inverse of split_name. Throws InputError(subject, ...) for anything else.
Split parse_split(const std::string& text, const std::string& subject);

/// What the user asked for: a file, or lists, or neither.
struct SplitRequest {
  std::filesystem::path file;     // lines `id train|val|test`; # begins a comment; empty: none
  std::vector<std::string> test;  // ids; with `val`, all others are train
  std::vector<std::string> val;
  std::uint64_t seed = 1;
};

/// The split of each id, in the order given. Without a request, 80/10/10 by rank of
/// stable_hash(id, seed), so independent of the order of the ids: test and val get a tenth each,
/// rounded, and at least one clip each when there are three or more; with fewer all is train.
/// Names in `lost` (of clips that were to be there and could not be used) may be requested and mean
/// nothing. Throws InputError for an id that is not there or named twice, or a file that leaves one
/// out.
std::vector<Split> split_clips(const std::vector<std::string>& ids, const SplitRequest& request,
                               const std::vector<std::string>& lost = {});

}  // namespace afterglow
