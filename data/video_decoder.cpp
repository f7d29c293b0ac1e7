#include "data/video_decoder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <new>

#include "base/error.hpp"
#include "data/cut_off.hpp"
#include "data/names.hpp"
#include "data/pixels.hpp"

namespace afterglow {
namespace {

constexpr std::int64_t kMostPixels = std::int64_t{16384} * 16384;

/// How far before the place tried last to look for a frame to begin at, in turn; 0: at least a unit
/// of time. Some containers come out behind the place that was asked for.
constexpr std::array<double, 5> kSecondsBack = {0, 0, 2, 10, 40};

}  // namespace

VideoDecoder::VideoDecoder(const std::filesystem::path& path)
    : name_(path.string()), input_(libav::open_input(path)), packet_(libav::make_packet()) {
  const AVCodec* decoder = nullptr;
  const int index = av_find_best_stream(input_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
  if (index == AVERROR_DECODER_NOT_FOUND) {
    throw InputError(name_, "has a video codec that cannot be decoded here", "convert it to H.264");
  }
  if (index < 0 || (input_->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC)) {
    throw InputError(name_, "has no video stream", "give a film or a folder of numbered pictures");
  }
  stream_ = input_->streams[index];
  if (is_cut_off(path, *stream_)) {
    throw InputError(name_, "is cut off: the file ends before the film does",
                     "copy it again whole");
  }
  for (unsigned i = 0; i < input_->nb_streams; ++i) {
    if (int(i) != index) input_->streams[i]->discard = AVDISCARD_ALL;
  }
  codec_.reset(avcodec_alloc_context3(decoder));
  if (!codec_) throw std::bad_alloc();
  avcodec_parameters_to_context(codec_.get(), stream_->codecpar);
  codec_->pkt_timebase = stream_->time_base;
  codec_->thread_count = 0;  // as many as there are cores; the result does not depend on it
  // libavcodec's FFV1 copies one frame's state to the next while its thread may still write to it:
  // slices of one frame at a time instead.
  if (decoder->id == AV_CODEC_ID_FFV1) codec_->thread_type = FF_THREAD_SLICE;
  codec_->max_pixels = kMostPixels;
  if (const int code = avcodec_open2(codec_.get(), decoder, nullptr); code < 0) {
    throw InputError(name_, "cannot be decoded: " + libav::error_text(code), "convert it to H.264");
  }
  const AVRational guess = av_guess_frame_rate(input_.get(), stream_, nullptr);
  const AVRational average = stream_->avg_frame_rate;
  if (guess.num > 0 && guess.den > 0) frame_rate_ = guess;
  if (average.num > 0 && average.den > 0) frame_rate_ = average;
}

bool VideoDecoder::has_audio() const {
  return std::any_of(input_->streams, input_->streams + input_->nb_streams, [](AVStream* stream) {
    return stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
  });
}

void VideoDecoder::broken(const std::string& why) const {
  if (sought_) {
    const std::int64_t pts = last_pts_ == AV_NOPTS_VALUE ? first_pts_ : last_pts_;
    std::array<char, 32> seconds{};
    std::snprintf(seconds.data(), seconds.size(), "%.2f",
                  double(pts - first_pts_) * av_q2d(time_base()));
    throw InputError(name_, std::string("is broken behind second ") + seconds.data() + ": " + why,
                     "copy it again whole, or cut it there");
  }
  if (frames_ == 0) {
    throw InputError(name_, "holds no frame that can be decoded: " + why,
                     "check that it was copied whole");
  }
  throw InputError(name_, "is broken after frame " + std::to_string(frames_ - 1) + ": " + why,
                   "copy it again whole, or cut it there");
}

/// True for what a recording that was cut out of a broadcast may begin with: data before the first
/// picture that can be decoded.
bool VideoDecoder::is_lead_in(int code) const {
  return frames_ == 0 && code == AVERROR_INVALIDDATA;
}

/// Sends the decoder the next packet of the stream, or the end. Returns false when the end had
/// been sent before.
bool VideoDecoder::feed() {
  while (true) {
    int code = av_read_frame(input_.get(), packet_.get());
    if (code == AVERROR_EOF) return avcodec_send_packet(codec_.get(), nullptr) >= 0;
    if (code < 0) broken(libav::error_text(code));
    const bool ours = packet_->stream_index == stream_->index;
    const bool corrupt = packet_->flags & AV_PKT_FLAG_CORRUPT;
    code = ours ? avcodec_send_packet(codec_.get(), packet_.get()) : 0;
    av_packet_unref(packet_.get());
    if (!ours) continue;
    if (corrupt && frames_ > 0) broken("the file is cut off");
    if (code < 0 && !is_lead_in(code)) broken(libav::error_text(code));
    return true;
  }
}

libav::FramePtr VideoDecoder::decode() {
  libav::FramePtr frame = libav::make_frame();
  while (true) {
    const int code = avcodec_receive_frame(codec_.get(), frame.get());
    if (code == AVERROR_EOF) return nullptr;
    if (code == AVERROR(EAGAIN)) {
      if (!feed()) return nullptr;
      continue;
    }
    if (code < 0) {
      if (!is_lead_in(code)) broken(libav::error_text(code));
      continue;
    }
    const bool guessed =
        (frame->flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame->decode_error_flags != 0;
    if (!guessed) return frame;
    if (frames_ > 0) broken("the next frame is damaged");
    av_frame_unref(frame.get());
  }
}

void VideoDecoder::settle(AVFrame& frame) {
  const std::string number = std::to_string(frames_);
  if (!settle_colour(frame, codec_->codec_id)) {
    const int matrix = matrix_number(frame.colorspace);
    const bool known = matrix >= 0 && matrix < AVCOL_SPC_NB;
    throw InputError(
        name_,
        "has the colour matrix '" +
            (known ? av_color_space_name(AVColorSpace(matrix)) : std::to_string(matrix)) +
            "', which is not supported",
        "convert it with `ffmpeg -i IN -vf scale=out_color_matrix=bt709 OUT`");
  }
  if (width_ == 0) {
    width_ = frame.width;
    height_ = frame.height;
    format_ = frame.format;
  }
  if (frame.width != width_ || frame.height != height_) {
    throw InputError(name_,
                     "changes its size from " + size_text(width_, height_) + " to " +
                         size_text(frame.width, frame.height) + " at frame " + number,
                     "cut it there");
  }
  if (frame.format != format_) {
    throw InputError(name_, "changes its pixel format at frame " + number, "cut it there");
  }
  const std::int64_t duration =
      std::max<std::int64_t>(1, av_rescale_q(1, av_inv_q(frame_rate_), stream_->time_base));
  const bool first = last_pts_ == AV_NOPTS_VALUE;
  frame.pts = frame.best_effort_timestamp;
  if (frame.pts == AV_NOPTS_VALUE) frame.pts = first ? 0 : last_pts_ + duration;
  if (!first) frame.pts = std::max(frame.pts, last_pts_ + 1);
  if (frame.pkt_duration <= 0) frame.pkt_duration = duration;
  last_pts_ = frame.pts;
  if (first_pts_ == AV_NOPTS_VALUE) first_pts_ = frame.pts;
}

libav::FramePtr VideoDecoder::read() {
  libav::FramePtr frame = decode();
  if (frame) {
    settle(*frame);
    ++frames_;
  } else if (frames_ == 0) {
    broken("it ends before the first frame");
  }
  return frame;
}

/// Null at the end, or when a frame's time is a guess, which may differ from that of a reader from
/// the front.
libav::FramePtr VideoDecoder::decode_key_frame() {
  libav::FramePtr frame = decode();
  while (frame && frame->pts != AV_NOPTS_VALUE && frame->key_frame == 0) frame = decode();
  return frame && frame->pts != AV_NOPTS_VALUE ? std::move(frame) : nullptr;
}

libav::FramePtr VideoDecoder::seek(std::int64_t pts) {
  // Such formats are packets without times, find their way by what was read already, or may begin
  // their times anew on the way: recordings of broadcasts, and films that were joined by `cat`.
  constexpr int kGuessing = AVFMT_NOTIMESTAMPS | AVFMT_GENERIC_INDEX | AVFMT_TS_DISCONT;
  if ((input_->iformat->flags & kGuessing) != 0) return nullptr;
  sought_ = true;
  std::int64_t place = pts + 1;
  for (const double seconds : kSecondsBack) {
    place -= std::max<std::int64_t>(1, std::llround(seconds / av_q2d(time_base())));
    if (avformat_seek_file(input_.get(), stream_->index, INT64_MIN, place, place, 0) < 0) break;
    avcodec_flush_buffers(codec_.get());
    frames_ = 0;
    last_pts_ = AV_NOPTS_VALUE;
    // What is shown before a key frame may lean on frames that were not read, and libavcodec's
    // H.264 keeps some behind the first to itself, where that is none that forgets all before.
    const libav::FramePtr first = decode_key_frame();
    if (!first) continue;
    if (first->pts <= first_pts_) break;
    libav::FramePtr second = decode_key_frame();
    if (second && second->pts <= pts) {
      settle(*second);
      ++frames_;
      return second;
    }
    place = std::min(place, first->pts);
  }
  return nullptr;
}

}  // namespace afterglow
