// Frames into packets: one encoder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "data/libav.hpp"

namespace afterglow {

/// Which encoder makes a film and how.
struct EncoderChoice {
  const char* encoder;
  std::vector<std::pair<const char*, const char*>> options;
};

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

/// Throws RunError (DiskFull, if it is that): the film `shown` could not be written, for libav's
/// reason.
[[noreturn]] void refuse_writing(const std::filesystem::path& shown, int code);

/// Encodes the frames of a film, or of a part of one.
class FilmEncoder {
 public:
  using Sink = std::function<void(AVPacket&)>;

  /// global_header: what the decoder needs first goes to the container's header, not into the
  /// packets. Messages call the film `shown`. Throws InputError when the encoder is missing or does
  /// not take such pictures.
  FilmEncoder(std::filesystem::path shown, const EncoderChoice& choice,
              const VideoParameters& parameters, bool global_header);

  /// Encodes a frame; pts in VideoParameters::time_base, made strictly increasing; pkt_duration,
  /// when positive, in the same unit. `sink` gets what is ready, in order of decoding, in
  /// time_base(). Throws RunError.
  void write(AVFrame& frame, const Sink& sink);
  /// Ends the film: `sink` gets the rest. Throws RunError.
  void finish(const Sink& sink) { encode(nullptr, sink); }

  const AVCodecContext& codec() const { return *codec_; }
  AVRational time_base() const { return codec_->time_base; }

 private:
  void encode(const AVFrame* frame, const Sink& sink);

  std::filesystem::path shown_;
  libav::CodecPtr codec_;
  libav::PacketPtr packet_;
  std::map<std::int64_t, std::int64_t> durations_;  // by pts, of frames inside the encoder
  std::int64_t last_pts_ = AV_NOPTS_VALUE;
};

}  // namespace afterglow
