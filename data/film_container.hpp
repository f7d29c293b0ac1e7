// Packets into a film file: one container, with what is copied from another film beside them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/output_file.hpp"
#include "data/film_encoder.hpp"
#include "data/libav.hpp"
#include "data/stream_copy.hpp"

namespace afterglow {

/// The container of a film's parts, NUT: it keeps any time base and any of our codecs, but neither
/// decoding times nor durations.
inline constexpr const char* kPartContainer = "nut";

class FilmContainer {
 public:
  /// `format`: libav's name of the container; `stream`: what the packets hold, which come in
  /// `time_base`. Throws InputError when the file cannot be made, or the container cannot hold what
  /// it is given.
  FilmContainer(const std::filesystem::path& path, const char* format,
                const AVCodecParameters& stream, AVRational time_base,
                const VideoParameters& parameters);
  FilmContainer(const FilmContainer&) = delete;
  FilmContainer& operator=(const FilmContainer&) = delete;

  /// True for containers whose header tells the decoder what it needs first.
  static bool wants_global_header(const char* format);

  /// Adds a packet, in order of decoding, and before it what is copied up to its time; takes its
  /// data. Throws RunError.
  void write(AVPacket& packet);
  /// What of VideoParameters::streams_from is left out or gets other times, a line each; all of it
  /// behind commit().
  std::vector<std::string> left_out() const;
  /// Ends the film and gives it its final name. Throws RunError.
  void commit();

 private:
  void make_stream(const AVCodecParameters& stream, const VideoParameters& parameters);
  void require(int code) const;

  OutputFile output_;
  libav::OutputPtr container_;
  std::optional<StreamCopy> streams_;
  AVStream* stream_ = nullptr;  // owned by container_
  AVRational time_base_;
};

}  // namespace afterglow
