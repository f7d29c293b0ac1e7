// A film file under construction: one encoder, one container, and copied sound.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/output_file.hpp"
#include "data/audio_copy.hpp"
#include "data/frames.hpp"
#include "data/libav.hpp"

namespace afterglow {

/// Which encoder makes a film and how.
struct EncoderChoice {
  const char* encoder;
  std::vector<std::pair<const char*, const char*>> options;
};

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

/// Everything about a film's picture that the encoder and the container need to know.
struct VideoParameters {
  AVPixelFormat format = AV_PIX_FMT_NONE;
  int width = 0;
  int height = 0;
  AVRational time_base{1, 25};  // of the frames' pts
  AVRational frame_rate{25, 1};
  AVRational sample_aspect{0, 1};  // 0: unknown
  AVColorSpace matrix = AVCOL_SPC_UNSPECIFIED;
  AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
  AVColorPrimaries primaries = AVCOL_PRI_UNSPECIFIED;
  AVColorTransferCharacteristic transfer = AVCOL_TRC_UNSPECIFIED;
  AVChromaLocation chroma_location = AVCHROMA_LOC_UNSPECIFIED;
  std::vector<std::uint8_t> display_matrix;  // side data as libav codes it; empty: none
  AVDictionary* metadata = nullptr;          // borrowed
  std::filesystem::path audio_from;          // empty: silent
};

/// True when the named encoder takes this pixel format at this size.
bool encoder_takes(const EncoderChoice& choice, AVPixelFormat format, int width, int height);

class VideoFile {
 public:
  /// Throws InputError when the file cannot be made, or the container cannot hold what it is given.
  VideoFile(const std::filesystem::path& path, const EncoderChoice& choice,
            const VideoParameters& parameters);
  VideoFile(const VideoFile&) = delete;
  VideoFile& operator=(const VideoFile&) = delete;

  /// Encodes a frame; pts in VideoParameters::time_base, made strictly increasing;
  /// pkt_duration, when positive, in the same unit. Throws RunError.
  void write(AVFrame& frame);
  /// Ends the film and gives it its final name. Throws RunError.
  void commit();

 private:
  void make_encoder(const EncoderChoice& choice, const VideoParameters& parameters);
  void make_stream(const VideoParameters& parameters);
  void encode(const AVFrame* frame);
  [[noreturn]] void failed(int code) const;

  OutputFile output_;
  libav::OutputPtr container_;
  libav::CodecPtr encoder_;
  libav::PacketPtr packet_;
  std::optional<AudioCopy> audio_;
  AVStream* stream_ = nullptr;                      // owned by container_
  std::map<std::int64_t, std::int64_t> durations_;  // by pts, of frames inside the encoder
  std::int64_t last_pts_ = AV_NOPTS_VALUE;
};

}  // namespace afterglow
