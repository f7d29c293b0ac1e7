// Clips by name, wherever they lie: films, folders of pictures, datasets, results.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/frames.hpp"

namespace afterglow {

/// What a dataset is asked for: its true frames, their gray version, or the per-frame colorized
/// input. kResult is read from result files.
enum class Part { kTruth, kGray, kBaseline, kResult };

/// A clip that can be opened, as often as wanted.
struct Sequence {
  std::string id;
  std::string name;          // for messages: the file, with the clip when it holds several
  bool one_of_many = false;  // from a dataset or result file, which may hold more than is asked for
  std::function<std::unique_ptr<FrameReader>()> open;
};

/// The clips of these files: each film and each folder of pictures is one, under its stem; a folder
/// of films holds one per film; an .h5 file has its own ids. Results are rounded and clamped.
/// Throws InputError when an .h5 file cannot be used; films are not looked at before they are
/// opened.
std::vector<Sequence> list_sequences(const std::vector<std::filesystem::path>& paths, Part part);

/// The sequence for each of the wanted ones: the only one where one is wanted and one is there;
/// else as films are paired (data/pairing.hpp), by equal id, what is left by equal trailing id.
/// Throws InputError, naming `option`, when one has no partner, or two could have the same or it
/// several.
std::vector<Sequence> match_sequences(const std::vector<Sequence>& wanted,
                                      const std::vector<Sequence>& candidates,
                                      const std::string& option);

}  // namespace afterglow
