// Decoded frames of a film's best video stream, in order of presentation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "data/libav.hpp"

namespace afterglow {

/// A film opened for reading.
///
/// A stream that breaks is an InputError that names the file and the frame, never a shorter film:
/// an error of the demuxer or decoder, a packet cut off, a frame that the decoder could only guess.
/// Errors before the first whole frame are passed over, as recordings of broadcasts begin so.
/// What libav itself does not report (FFV1's checksums) goes unseen.
class VideoDecoder {
 public:
  /// Throws InputError when the file is missing, empty, no film, visibly cut off
  /// (data/cut_off.hpp), or has no video stream that can be decoded.
  explicit VideoDecoder(const std::filesystem::path& path);

  /// The next frame, or null at the end. Its colour is settled (data/pixels.hpp), its pts is in
  /// time_base() and greater than the one before. Throws InputError when the stream is broken, or
  /// its size or pixel format changes.
  libav::FramePtr read();

  /// Goes to a frame from which decoding can begin, shown at `pts` (in time_base()) or before, and
  /// gives it out; read() goes on behind it. Null where container or codec leave any doubt that the
  /// frames from there on are those that a reader from the front sees: then this decoder is spent.
  /// To be called once, behind the first frame. Throws InputError when the stream is broken there.
  libav::FramePtr seek(std::int64_t pts);

  const AVFormatContext& container() const { return *input_; }
  const AVStream& stream() const { return *stream_; }
  AVRational time_base() const { return stream_->time_base; }
  /// Average frames per second, 25 where the container does not say.
  AVRational frame_rate() const { return frame_rate_; }
  bool has_audio() const;

 private:
  libav::FramePtr decode();
  bool is_lead_in(int code) const;
  bool feed();
  libav::FramePtr decode_key_frame();
  void settle(AVFrame& frame);
  [[noreturn]] void broken(const std::string& why) const;

  std::string name_;
  libav::InputPtr input_;
  libav::CodecPtr codec_;
  libav::PacketPtr packet_;
  AVStream* stream_ = nullptr;  // owned by input_
  AVRational frame_rate_{25, 1};
  std::int64_t frames_ = 0;  // given out so far, or since seek()
  bool sought_ = false;      // seek() was called
  std::int64_t first_pts_ = AV_NOPTS_VALUE;
  std::int64_t last_pts_ = AV_NOPTS_VALUE;
  int width_ = 0, height_ = 0, format_ = AV_PIX_FMT_NONE;
};

}  // namespace afterglow
