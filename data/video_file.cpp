#include "data/video_file.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <string_view>

#include "base/error.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

// crf 14 is visually lossless; that is about 17 of x265's scale, and 15 of VP9's longer one.
const EncoderChoice kH264 = {"libx264", {{"preset", "fast"}, {"crf", "14"}}};
const EncoderChoice kH264Avi = {"libx264", {{"preset", "fast"}, {"crf", "14"}, {"bf", "0"}}};
const EncoderChoice kH264Exact = {"libx264", {{"preset", "veryfast"}, {"qp", "0"}}};
const EncoderChoice kH264ExactAvi = {"libx264", {{"preset", "veryfast"}, {"qp", "0"}, {"bf", "0"}}};
const EncoderChoice kH264Rgb = {"libx264rgb", {{"preset", "veryfast"}, {"qp", "0"}}};
const EncoderChoice kFfv1 = {"ffv1", {{"level", "3"}, {"g", "1"}}};
const EncoderChoice kH265 = {
    "libx265", {{"preset", "fast"}, {"crf", "17"}, {"x265-params", "log-level=none"}}};
const EncoderChoice kProRes = {"prores_ks", {}};
const EncoderChoice kVp9 = {"libvpx-vp9",
                            {{"crf", "15"}, {"b", "0"}, {"deadline", "good"}, {"cpu-used", "4"}}};
const EncoderChoice kVp9Exact = {"libvpx-vp9",
                                 {{"lossless", "1"}, {"deadline", "good"}, {"cpu-used", "4"}}};

/// A codec that some containers alone hold: those in which everybody expects it, and which keep
/// what it does not say of the picture itself (of FFV1, matrix and range).
struct NamedCodec {
  VideoCodec codec;
  const char* name;
  const EncoderChoice& choice;
  std::array<std::string_view, 3> extensions;  // as many as there are
};

const std::array<NamedCodec, 3> kCodecs = {{
    {VideoCodec::kH265, "h265", kH265, {".mp4", ".mov", ".mkv"}},
    {VideoCodec::kFfv1, "ffv1", kFfv1, {".mkv"}},
    {VideoCodec::kProRes, "prores", kProRes, {".mov", ".mkv"}},
}};

/// What a picture's track says of itself that is true of it newly encoded, too.
constexpr std::array<const char*, 4> kKeptOfTrack = {"title", "language", "handler_name",
                                                     "timecode"};

constexpr int kLeastH265Width = 64;  // x265 3.5 breaks the heap with less

struct NamedFormat {
  const char* extension;
  FilmFormat format;
};

// H.264 carries matrix and range itself; FFV1 relies on the container, and AVI has no place for
// them: hence x264 for exact YCbCr in .avi.
const std::array<NamedFormat, 5> kFormats = {{
    {".mp4", {"mp4", kH264, kH264Rgb, kH264Exact, AV_PIX_FMT_RGB24, 100000, true}},
    {".mov", {"mov", kH264, kH264Rgb, kH264Exact, AV_PIX_FMT_RGB24, 100000, true}},
    {".mkv", {"matroska", kH264, kFfv1, kFfv1, AV_PIX_FMT_BGR0, 1000, false}},
    {".avi", {"avi", kH264Avi, kFfv1, kH264ExactAvi, AV_PIX_FMT_BGR0, 0, false}},
    {".webm", {"webm", kVp9, kVp9Exact, kVp9Exact, AV_PIX_FMT_GBRP, 1000, false}},
}};

}  // namespace

const FilmFormat* find_film_format(const std::filesystem::path& path) {
  const std::string extension = lower_extension(path);
  for (const NamedFormat& named : kFormats) {
    if (extension == named.extension) return &named.format;
  }
  return nullptr;
}

const FilmFormat& film_format(const std::filesystem::path& path) {
  if (const FilmFormat* const format = find_film_format(path)) return *format;
  throw InputError(path.string(), "has an extension that is not known",
                   "end it in .mp4, .mkv, .mov, .avi or .webm, or in nothing for a folder of PNG");
}

const EncoderChoice& yuv_encoder(const std::filesystem::path& path, VideoCodec codec) {
  const FilmFormat& format = film_format(path);
  if (codec == VideoCodec::kLossless) return format.lossless_yuv;
  if (codec == VideoCodec::kH264) return format.lossy;
  const NamedCodec& named = *std::find_if(kCodecs.begin(), kCodecs.end(),
                                          [&](const auto& known) { return known.codec == codec; });
  std::string advice;
  for (const std::string_view extension : named.extensions) {
    if (extension.empty()) break;
    if (extension == lower_extension(path)) return named.choice;
    advice += (advice.empty() ? "end it in " : " or ") + std::string(extension);
  }
  throw InputError(path.string(), std::string("cannot hold ") + named.name, advice);
}

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

VideoFile::VideoFile(const std::filesystem::path& path, const EncoderChoice& choice,
                     const VideoParameters& parameters)
    : output_(path), packet_(libav::make_packet()) {
  libav::silence();
  const std::string url = libav::file_url(output_.temporary());
  AVFormatContext* container = nullptr;
  // The context keeps the name: moving the index to the front reads the file again.
  avformat_alloc_output_context2(&container, nullptr, film_format(path).container, url.c_str());
  if (container == nullptr) throw std::bad_alloc();
  container_.reset(container);
  container->flags |= AVFMT_FLAG_BITEXACT;  // no random identifiers: the same film, the same bits
  make_encoder(choice, parameters);
  make_stream(parameters);
  av_dict_copy(&container->metadata, parameters.metadata, 0);
  if (!parameters.streams_from.empty()) {
    streams_.emplace(parameters.streams_from, *container, path.string());
    // Frames do not wait in memory for the next subtitle: what is copied comes in order of time.
    container->max_interleave_delta = AV_TIME_BASE;
  }
  if (const int code = avio_open(&container->pb, url.c_str(), AVIO_FLAG_WRITE); code < 0) {
    throw InputError(path.string(), "cannot be written: " + libav::error_text(code),
                     "choose another output path");
  }
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", "+faststart", 0);
  const int code = avformat_write_header(container, &options);
  av_dict_free(&options);
  if (code < 0) {
    throw InputError(path.string(), "cannot be written as such a film: " + libav::error_text(code),
                     "write a .mkv instead");
  }
}

void VideoFile::make_encoder(const EncoderChoice& choice, const VideoParameters& parameters) {
  const AVCodec* const codec = avcodec_find_encoder_by_name(choice.encoder);
  if (codec == nullptr) {
    throw InputError(
        output_.path().string(),
        std::string("needs the encoder ") + choice.encoder + ", which this libavcodec lacks",
        "choose another kind of film");
  }
  if (codec->id == AV_CODEC_ID_HEVC && parameters.width < kLeastH265Width) {
    throw InputError(
        output_.path().string(),
        "cannot be encoded as h265 at " + size_text(parameters.width, parameters.height),
        "choose another --codec for films so small");
  }
  encoder_.reset(avcodec_alloc_context3(codec));
  if (!encoder_) throw std::bad_alloc();
  AVCodecContext& encoder = *encoder_;
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
  if (container_->oformat->flags & AVFMT_GLOBALHEADER) {
    encoder.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }
  AVDictionary* options = nullptr;
  for (const auto& [name, value] : choice.options) av_dict_set(&options, name, value, 0);
  const int code = avcodec_open2(&encoder, codec, &options);
  av_dict_free(&options);
  if (code < 0) {
    throw InputError(output_.path().string(),
                     "cannot be encoded at " + size_text(parameters.width, parameters.height) +
                         ": " + libav::error_text(code),
                     "choose another kind of film");
  }
}

void VideoFile::make_stream(const VideoParameters& parameters) {
  stream_ = avformat_new_stream(container_.get(), nullptr);
  if (stream_ == nullptr ||
      avcodec_parameters_from_context(stream_->codecpar, encoder_.get()) < 0) {
    throw std::bad_alloc();
  }
  // Apple's players know H.265 in .mp4 and .mov by this name alone.
  if (encoder_->codec_id == AV_CODEC_ID_HEVC && film_format(output_.path()).keeps_rotation) {
    stream_->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');
  }
  stream_->time_base = encoder_->time_base;
  stream_->avg_frame_rate = parameters.frame_rate;
  stream_->sample_aspect_ratio = parameters.sample_aspect;
  stream_->disposition = parameters.disposition;
  for (const char* key : kKeptOfTrack) {
    const AVDictionaryEntry* const entry = av_dict_get(parameters.track_metadata, key, nullptr, 0);
    if (entry != nullptr) av_dict_set(&stream_->metadata, key, entry->value, 0);
  }
  if (!parameters.display_matrix.empty()) {
    std::uint8_t* const data = av_stream_new_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX,
                                                       parameters.display_matrix.size());
    if (data == nullptr) throw std::bad_alloc();
    std::copy(parameters.display_matrix.begin(), parameters.display_matrix.end(), data);
  }
}

void VideoFile::failed(int code) const {
  throw RunError(output_.path().string() + ": could not be written: " + libav::error_text(code) +
                 (code == AVERROR(ENOSPC) || code == AVERROR(EFBIG)
                      ? "; free some space and run again"
                      : "; write it elsewhere, or as another kind of film"));
}

void VideoFile::write(AVFrame& frame) {
  if (last_pts_ != AV_NOPTS_VALUE) frame.pts = std::max(frame.pts, last_pts_ + 1);
  last_pts_ = frame.pts;
  if (frame.pkt_duration > 0) durations_[frame.pts] = frame.pkt_duration;
  frame.pict_type = AV_PICTURE_TYPE_NONE;
  encode(&frame);
}

void VideoFile::encode(const AVFrame* frame) {
  if (const int code = avcodec_send_frame(encoder_.get(), frame); code < 0) failed(code);
  while (true) {
    int code = avcodec_receive_packet(encoder_.get(), packet_.get());
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
    if (code < 0) failed(code);
    if (const auto duration = durations_.find(packet_->pts); duration != durations_.end()) {
      packet_->duration = duration->second;
      durations_.erase(duration);
    }
    if (streams_) {
      streams_->copy_until(double(packet_->dts) * av_q2d(encoder_->time_base), *container_);
    }
    packet_->stream_index = stream_->index;
    av_packet_rescale_ts(packet_.get(), encoder_->time_base, stream_->time_base);
    code = av_interleaved_write_frame(container_.get(), packet_.get());
    if (code < 0) failed(code);
    if (container_->pb->error < 0) failed(container_->pb->error);
  }
}

std::vector<std::string> VideoFile::left_out() const {
  return streams_ ? streams_->left_out() : std::vector<std::string>();
}

void VideoFile::commit() {
  encode(nullptr);
  if (streams_) streams_->copy_until(std::numeric_limits<double>::infinity(), *container_);
  if (const int code = av_write_trailer(container_.get()); code < 0) failed(code);
  if (container_->pb->error < 0) failed(container_->pb->error);
  if (const int code = avio_closep(&container_->pb); code < 0) failed(code);
  output_.commit();
}

}  // namespace afterglow
