#include "data/film_encoder.hpp"

#include <algorithm>
#include <new>

#include "base/error.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

constexpr int kLeastH265Width = 64;  // x265 3.5 breaks the heap with less

}  // namespace

bool encoder_takes(const EncoderChoice& choice, AVPixelFormat format, int width, int height) {
  const AVCodec* const codec = avcodec_find_encoder_by_name(choice.encoder);
  if (codec == nullptr || codec->pix_fmts == nullptr) return false;
  const AVPixelFormat* known = codec->pix_fmts;
  while (*known != AV_PIX_FMT_NONE && *known != format) ++known;
  if (*known == AV_PIX_FMT_NONE) return false;
  if (codec->id != AV_CODEC_ID_H264 && codec->id != AV_CODEC_ID_HEVC) return true;
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(format);  // these need whole chroma samples
  return width % (1 << d.log2_chroma_w) == 0 && height % (1 << d.log2_chroma_h) == 0;
}

void refuse_writing(const std::filesystem::path& shown, int code) {
  const std::string problem = shown.string() + ": could not be written: " + libav::error_text(code);
  if (code == AVERROR(ENOSPC) || code == AVERROR(EFBIG)) {
    throw DiskFull(problem + "; free some space and run again");
  }
  throw RunError(problem +
                 "; write it elsewhere, as another kind of film, or mend the source with "
                 "`ffmpeg -i IN -c copy OUT`");
}

FilmEncoder::FilmEncoder(std::filesystem::path shown, const EncoderChoice& choice,
                         const VideoParameters& parameters, bool global_header)
    : shown_(std::move(shown)), packet_(libav::make_packet()) {
  libav::silence();
  const AVCodec* const codec = avcodec_find_encoder_by_name(choice.encoder);
  if (codec == nullptr) {
    throw InputError(
        shown_.string(),
        std::string("needs the encoder ") + choice.encoder + ", which this libavcodec lacks",
        "choose another kind of film");
  }
  if (codec->id == AV_CODEC_ID_HEVC && parameters.width < kLeastH265Width) {
    throw InputError(
        shown_.string(),
        "cannot be encoded as h265 at " + size_text(parameters.width, parameters.height),
        "choose another --codec for films so small");
  }
  codec_.reset(avcodec_alloc_context3(codec));
  if (!codec_) throw std::bad_alloc();
  AVCodecContext& encoder = *codec_;
  encoder.width = parameters.width;
  encoder.height = parameters.height;
  encoder.pix_fmt = parameters.format;
  encoder.time_base = parameters.time_base;
  encoder.framerate = parameters.frame_rate;
  encoder.sample_aspect_ratio = parameters.sample_aspect;
  encoder.colorspace = parameters.matrix;
  encoder.color_range = parameters.range;
  encoder.color_primaries = parameters.primaries;
  encoder.color_trc = parameters.transfer;
  encoder.chroma_sample_location = parameters.chroma_location;
  encoder.thread_count = 0;
  if (global_header) encoder.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  AVDictionary* options = nullptr;
  for (const auto& [name, value] : choice.options) av_dict_set(&options, name, value, 0);
  const int code = avcodec_open2(&encoder, codec, &options);
  av_dict_free(&options);
  if (code < 0) {
    throw InputError(shown_.string(),
                     "cannot be encoded at " + size_text(parameters.width, parameters.height) +
                         ": " + libav::error_text(code),
                     "choose another kind of film");
  }
}

void FilmEncoder::write(AVFrame& frame, const Sink& sink) {
  if (last_pts_ != AV_NOPTS_VALUE) frame.pts = std::max(frame.pts, last_pts_ + 1);
  last_pts_ = frame.pts;
  if (frame.pkt_duration > 0) durations_[frame.pts] = frame.pkt_duration;
  frame.pict_type = AV_PICTURE_TYPE_NONE;
  encode(&frame, sink);
}

void FilmEncoder::encode(const AVFrame* frame, const Sink& sink) {
  if (const int code = avcodec_send_frame(codec_.get(), frame); code < 0) {
    refuse_writing(shown_, code);
  }
  while (true) {
    const int code = avcodec_receive_packet(codec_.get(), packet_.get());
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
    if (code < 0) refuse_writing(shown_, code);
    if (const auto duration = durations_.find(packet_->pts); duration != durations_.end()) {
      packet_->duration = duration->second;
      durations_.erase(duration);
    }
    sink(*packet_);
  }
}

}  // namespace afterglow
