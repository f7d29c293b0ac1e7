// A film file under construction: one encoder, one container, and what is copied from another film.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/film_container.hpp"
#include "data/film_encoder.hpp"
#include "data/frames.hpp"
#include "data/libav.hpp"

namespace afterglow {

/// The container and encoders of a film's extension.
struct FilmFormat {
  const char* container;
  EncoderChoice lossy;
  EncoderChoice lossless_rgb;
  EncoderChoice lossless_yuv;
  AVPixelFormat rgb_pixels;  // of lossless_rgb
  int ticks_per_second;      // the container's finest times; 0: a constant rate only
  bool keeps_rotation;
};

/// The format of .mp4 .mov .mkv .avi .webm (case ignored); null for anything else.
const FilmFormat* find_film_format(const std::filesystem::path& path);

/// The same, but throws InputError for anything else.
const FilmFormat& film_format(const std::filesystem::path& path);

/// How a codec encodes YCbCr in a film of this extension. Throws InputError when such films cannot
/// hold it, naming those that can.
const EncoderChoice& yuv_encoder(const std::filesystem::path& path, VideoCodec codec);

class VideoFile {
 public:
  /// Throws InputError when the file cannot be made, or the container cannot hold what it is given.
  VideoFile(const std::filesystem::path& path, const EncoderChoice& choice,
            const VideoParameters& parameters);
  /// The same in a container by libav's name, with the encoder's first words where they are wanted.
  VideoFile(const std::filesystem::path& path, const char* container, const EncoderChoice& choice,
            const VideoParameters& parameters, bool global_header);

  /// Encodes a frame; see FilmEncoder::write. Throws RunError.
  void write(AVFrame& frame) { encoder_.write(frame, to_container()); }
  /// What of VideoParameters::streams_from is left out, a line each.
  std::vector<std::string> left_out() const { return container_.left_out(); }
  /// Ends the film and gives it its final name. Throws RunError.
  void commit() {
    encoder_.finish(to_container());
    container_.commit();
  }

 private:
  FilmEncoder::Sink to_container() {
    return [this](AVPacket& packet) { container_.write(packet); };
  }

  FilmEncoder encoder_;
  FilmContainer container_;
};

}  // namespace afterglow
