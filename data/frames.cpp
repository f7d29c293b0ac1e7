#include "data/frames.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>

#include "base/error.hpp"
#include "base/output_file.hpp"
#include "data/film.hpp"
#include "data/names.hpp"
#include "data/picture_folder.hpp"
#include "data/pixels.hpp"
#include "data/video_file.hpp"

namespace afterglow {
namespace {

/// A film or folder, each frame converted to RGB.
class FilmFrames : public FrameReader {
 public:
  explicit FilmFrames(const std::filesystem::path& path) : film_(path) {}
  const FramesInfo& info() const override { return film_.info(); }
  std::optional<Frame> read() override {
    const std::optional<FilmFrame> frame = film_.read();
    if (!frame) return std::nullopt;
    return Frame{frame->picture(), frame->index(), frame->seconds()};
  }

 private:
  FilmReader film_;
};

void check_size(const Picture& picture, int width, int height) {
  if (picture.width == width && picture.height == height) return;
  throw ShapeError("FrameWriter: a picture of " + size_text(picture.width, picture.height) +
                   " in a film of " + size_text(width, height));
}

/// How RGB is coded in a film of ours.
YCbCrCoding film_coding(AVPixelFormat format) {
  return {Matrix::kBt601, layout_of(format) == PixelLayout::kRgb, bits_of(format)};
}

VideoParameters video_parameters(const std::filesystem::path& path, int width, int height,
                                 double fps, VideoCodec codec) {
  const FilmFormat& format = film_format(path);
  VideoParameters parameters;
  parameters.width = width;
  parameters.height = height;
  parameters.frame_rate = av_d2q(fps, 100000);
  const AVRational rate = parameters.frame_rate;
  // The unit of time divides the frame's duration, so that steady films have exact times.
  const int parts =
      format.ticks_per_second == 0 ? 1 : std::max(1, (100000 + rate.num - 1) / rate.num);
  parameters.time_base = {rate.den, rate.num * parts};
  if (codec == VideoCodec::kLossless) {
    parameters.format = format.rgb_pixels;
    parameters.matrix = AVCOL_SPC_RGB;
    parameters.range = AVCOL_RANGE_JPEG;
  } else {
    const std::array formats = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV422P10LE};
    parameters.format =
        *std::find_if(formats.begin(), formats.end() - 1, [&](AVPixelFormat candidate) {
          return encoder_takes(yuv_encoder(path, codec), candidate, width, height);
        });
    parameters.matrix = AVCOL_SPC_SMPTE170M;
    parameters.range = AVCOL_RANGE_MPEG;
  }
  return parameters;
}

class VideoWriter : public FrameWriter {
 public:
  VideoWriter(const std::filesystem::path& path, const VideoParameters& parameters,
              VideoCodec codec)
      : parameters_(parameters),
        file_(path,
              codec == VideoCodec::kLossless ? film_format(path).lossless_rgb
                                             : yuv_encoder(path, codec),
              parameters),
        scaler_(make_scaler(AV_PIX_FMT_RGB24, {Matrix::kBt601, true, 8}, parameters.format,
                            film_coding(parameters.format), parameters.width, parameters.height)),
        rgb_(libav::make_frame(AV_PIX_FMT_RGB24, parameters.width, parameters.height)) {}

  void write(const Picture& picture, double seconds) override {
    check_size(picture, parameters_.width, parameters_.height);
    const std::size_t row = std::size_t(picture.width) * 3;
    for (int y = 0; y < picture.height; ++y) {
      std::memcpy(rgb_->data[0] + std::ptrdiff_t(y) * rgb_->linesize[0],
                  picture.rgb.data() + std::size_t(y) * row, row);
    }
    const libav::FramePtr frame =
        libav::make_frame(parameters_.format, parameters_.width, parameters_.height);
    sws_scale(scaler_.get(), rgb_->data, rgb_->linesize, 0, picture.height, frame->data,
              frame->linesize);
    frame->colorspace = parameters_.matrix;
    frame->color_range = parameters_.range;
    frame->pts = std::llround(seconds / av_q2d(parameters_.time_base));
    frame->pkt_duration = av_rescale_q(1, av_inv_q(parameters_.frame_rate), parameters_.time_base);
    file_.write(*frame);
  }

  void commit() override { file_.commit(); }

 private:
  VideoParameters parameters_;
  VideoFile file_;
  libav::ScalerPtr scaler_;
  libav::FramePtr rgb_;
};

class FolderWriter : public FrameWriter {
 public:
  FolderWriter(const std::filesystem::path& path, int width, int height)
      : folder_(path), width_(width), height_(height) {
    std::filesystem::create_directory(folder_.temporary());
  }

  void write(const Picture& picture, double) override {
    check_size(picture, width_, height_);
    const std::string name = numbered_picture(count_);
    std::ofstream stream(folder_.temporary() / name, std::ios::binary);
    stream << encode_picture(name, picture);
    stream.close();  // commit() syncs it
    if (!stream) {
      throw DiskFull((folder_.path() / name).string() +
                     ": could not be written whole; free some space and run again");
    }
    ++count_;
  }

  void commit() override { folder_.commit(); }

 private:
  OutputFile folder_;
  int width_, height_;
  std::int64_t count_ = 0;
};

}  // namespace

std::unique_ptr<FrameReader> open_frames(const std::filesystem::path& path) {
  return std::make_unique<FilmFrames>(path);
}

std::unique_ptr<FrameWriter> create_frames(const std::filesystem::path& path, int width, int height,
                                           double fps, VideoCodec codec) {
  if (!path.has_extension()) {
    require_replaceable(path);
    return std::make_unique<FolderWriter>(path, width, height);
  }
  return std::make_unique<VideoWriter>(path, video_parameters(path, width, height, fps, codec),
                                       codec);
}

}  // namespace afterglow
