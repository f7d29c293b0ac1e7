// What every user of FFmpeg's libav* in this room needs: owners for its objects, its errors as
// text, and its silence. Included by data's own .cpp files only.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace afterglow::libav {

/// Calls libav's own release function, which takes the address of the pointer.
template <auto release>
struct Release {
  template <typename T>
  void operator()(T* object) const {
    release(&object);
  }
};

struct ReleaseOutput {
  void operator()(AVFormatContext* context) const;
};
struct ReleaseScaler {
  void operator()(SwsContext* context) const { sws_freeContext(context); }
};

using FramePtr = std::unique_ptr<AVFrame, Release<av_frame_free>>;
using PacketPtr = std::unique_ptr<AVPacket, Release<av_packet_free>>;
using CodecPtr = std::unique_ptr<AVCodecContext, Release<avcodec_free_context>>;
using ParametersPtr = std::unique_ptr<AVCodecParameters, Release<avcodec_parameters_free>>;
using InputPtr = std::unique_ptr<AVFormatContext, Release<avformat_close_input>>;
using OutputPtr = std::unique_ptr<AVFormatContext, ReleaseOutput>;
using ScalerPtr = std::unique_ptr<SwsContext, ReleaseScaler>;

/// Owners of new objects. Throw std::bad_alloc.
FramePtr make_frame();
PacketPtr make_packet();
ParametersPtr make_parameters();
/// A frame with pixels of its own. Throws std::bad_alloc.
FramePtr make_frame(AVPixelFormat format, int width, int height);

/// libav's text for an error code.
std::string error_text(int code);

/// Opens a film for reading and finds its streams; no other protocol than plain files is followed.
/// Silences libav's own log. Throws InputError when the file is missing, empty, or no film.
InputPtr open_input(const std::filesystem::path& path);

/// Microseconds from where a film begins to its end, as its container says; 0: it does not.
std::int64_t length_of(const AVFormatContext& film);

/// What libav opens for a path, whatever characters it has.
std::string file_url(const std::filesystem::path& path);

/// Turns libav's own log off, so that users see our one line only.
void silence();

}  // namespace afterglow::libav
