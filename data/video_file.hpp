// A film file under construction: one encoder, one container, and what is copied from another film.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/output_file.hpp"
#include "data/frames.hpp"
#include "data/libav.hpp"
#include "data/stream_copy.hpp"

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

/// How a codec encodes YCbCr in a film of this extension. Throws InputError when such films cannot
/// hold it, naming those that can.
const EncoderChoice& yuv_encoder(const std::filesystem::path& path, VideoCodec codec);

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
  AVDictionary* metadata = nullptr;          // of the film; borrowed
  AVDictionary* track_metadata = nullptr;    // of the picture's track; borrowed
  int disposition = 0;                       // AV_DISPOSITION_..., of the picture's track
  std::filesystem::path streams_from;        // sound, subtitles, ...: StreamCopy; empty: none
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
  /// What of VideoParameters::streams_from is left out, a line each.
  std::vector<std::string> left_out() const;

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
  std::optional<StreamCopy> streams_;
  AVStream* stream_ = nullptr;                      // owned by container_
  std::map<std::int64_t, std::int64_t> durations_;  // by pts, of frames inside the encoder
  std::int64_t last_pts_ = AV_NOPTS_VALUE;
};

}  // namespace afterglow
