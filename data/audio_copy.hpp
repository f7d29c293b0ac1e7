// The sound of a film, copied packet by packet into another.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/libav.hpp"

namespace afterglow {

/// The audio tracks of a film on their way into an output whose header is not yet written. Holds
/// one packet at a time.
class AudioCopy {
 public:
  /// Adds a stream to `output` for every audio track of `source` (there may be none). Throws
  /// InputError when the output's container cannot hold a track's codec.
  AudioCopy(const std::filesystem::path& source, AVFormatContext& output,
            const std::string& output_name);

  /// Writes the packets that begin up to `seconds` (counted from the source's beginning). Throws
  /// InputError when the source breaks, RunError when the output cannot be written.
  void copy_until(double seconds, AVFormatContext& output);

 private:
  bool fetch();

  std::string source_name_;
  std::string output_name_;
  libav::InputPtr input_;
  libav::PacketPtr packet_;
  std::vector<int> targets_;  // output stream of each input stream; -1: not copied
  bool fetched_ = false;      // packet_ waits for its time
  bool ended_ = true;         // until a track is found
};

}  // namespace afterglow
