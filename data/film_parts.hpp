// A film made part by part: each part is encoded by itself and lies whole in a folder, until all
// are joined without encoding anything again. So a job that is killed goes on behind its last part.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/video_file.hpp"

namespace afterglow {

class FilmParts {
 public:
  /// Finds the finished parts in the folder, which is made with the first one. container: libav's
  /// name of that of the film to come; the rest: as VideoFile takes it. `parameters` borrows: what
  /// it names must outlive this. Throws InputError when what tells of a part cannot be read.
  FilmParts(std::filesystem::path folder, const char* container, const EncoderChoice& choice,
            const VideoParameters& parameters);

  /// Frames in finished parts.
  std::int64_t frames() const { return frames_; }

  /// Adds a frame to the part under construction, which it begins if need be. Throws InputError and
  /// RunError as VideoFile does.
  void write(AVFrame& frame);
  /// Finishes the part under construction, if there is one. Throws RunError.
  void end_part();

  /// Makes the film of the finished parts: their packets behind each other, with what is copied
  /// from VideoParameters::streams_from. Frames keep their times and last until the next. Returns
  /// what FilmContainer::left_out() tells in the end. Throws InputError when parts are missing or
  /// damaged, RunError when the film cannot be written.
  std::vector<std::string> join(const std::filesystem::path& path) const;

 private:
  std::filesystem::path video(std::int64_t part) const;
  std::filesystem::path facts(std::int64_t part) const;

  std::filesystem::path folder_;
  const char* container_;
  EncoderChoice choice_;
  VideoParameters parameters_;  // of the film
  std::int64_t frames_ = 0, parts_ = 0;
  std::int64_t last_time_ = 0;        // of the last frame, in VideoParameters::time_base
  std::int64_t last_duration_ = 0;    // in the same unit
  std::optional<VideoFile> current_;  // the part under construction
  std::int64_t current_frames_ = 0;
};

}  // namespace afterglow
