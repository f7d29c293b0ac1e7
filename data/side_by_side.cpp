#include "data/side_by_side.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.hpp"
#include "data/film_planes.hpp"
#include "data/film_source.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

struct PlaneSize {
  int width, height;
};

PlaneSize plane_size(const AVFrame& frame, int plane) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(AVPixelFormat(frame.format));
  if (plane == 0) return {frame.width, frame.height};
  return {AV_CEIL_RSHIFT(frame.width, d.log2_chroma_w),
          AV_CEIL_RSHIFT(frame.height, d.log2_chroma_h)};
}

int sample_size(const AVFrame& frame) { return bits_of(AVPixelFormat(frame.format)) > 8 ? 2 : 1; }

std::uint8_t* row_of(const AVFrame& frame, int plane, int y) {
  return frame.data[plane] + std::ptrdiff_t(y) * frame.linesize[plane];
}

/// Copies a plane, to begin at sample x of each row.
void paste(const AVFrame& from, int plane, AVFrame& to, int x) {
  const PlaneSize size = plane_size(from, plane);
  const int bytes = sample_size(from);
  for (int y = 0; y < size.height; ++y) {
    std::memcpy(row_of(to, plane, y) + std::ptrdiff_t(x) * bytes, row_of(from, plane, y),
                std::size_t(size.width) * std::size_t(bytes));
  }
}

void fill_plane(AVFrame& frame, int plane, int value) {
  const PlaneSize size = plane_size(frame, plane);
  for (int y = 0; y < size.height; ++y) {
    std::uint8_t* const row = row_of(frame, plane, y);
    if (sample_size(frame) == 1) {
      std::fill_n(row, size.width, std::uint8_t(value));
    } else {
      std::fill_n(reinterpret_cast<std::uint16_t*>(row), size.width, std::uint16_t(value));
    }
  }
}

int neutral(const YCbCrCoding& coding) { return 1 << (coding.bits - 1); }

}  // namespace

int half_width(AVPixelFormat format, int width) {
  const int step = 1 << av_pix_fmt_desc_get(format)->log2_chroma_w;
  return (width + step - 1) / step * step;
}

void copy_chroma(const FilmFrame& frame, const YCbCrCoding& coding, AVFrame& target) {
  const AVFrame* const source = frame.content().frame.get();
  const PixelLayout layout = source ? layout_of(AVPixelFormat(source->format)) : PixelLayout::kRgb;
  if (layout == PixelLayout::kGray) {
    for (const int plane : {1, 2}) fill_plane(target, plane, neutral(coding));
    return;
  }
  if (layout == PixelLayout::kPlanarYuv && source->format == target.format &&
      source->width == target.width && source->height == target.height &&
      coding_of(*source) == coding) {
    for (const int plane : {1, 2}) paste(*source, plane, target, 0);
    return;
  }
  const PlaneSize size = plane_size(target, 1);
  const Picture small = frame.reduced_picture(size.width, size.height);
  const std::vector<float> rgb(small.rgb.begin(), small.rgb.end());
  fill_chroma({rgb, size.width, size.height}, coding, target);
}

libav::FramePtr side_by_side(const AVFrame& left, const AVFrame& right, const YCbCrCoding& coding) {
  const AVPixelFormat format = AVPixelFormat(left.format);
  const int half = half_width(format, left.width);
  libav::FramePtr both = libav::make_frame(format, 2 * half, left.height);
  const int black = int(std::lround(rgb_to_ycbcr({0, 0, 0}, coding)[0]));
  for (const int plane : {0, 1, 2}) {
    fill_plane(*both, plane, plane == 0 ? black : neutral(coding));
    paste(left, plane, *both, 0);
    paste(right, plane, *both, plane_size(*both, plane).width / 2);
  }
  return both;
}

Picture side_by_side(const Picture& left, const Picture& right) {
  if (left.height != right.height) {
    throw ShapeError("side_by_side: " + size_text(left.width, left.height) + " beside " +
                     size_text(right.width, right.height));
  }
  Picture both(left.width + right.width, left.height);
  std::uint8_t* out = both.rgb.data();
  for (std::size_t y = 0; y < std::size_t(both.height); ++y) {
    for (const Picture* half : {&left, &right}) {
      const std::size_t row = 3 * std::size_t(half->width);
      out = std::copy_n(&half->rgb[y * row], row, out);
    }
  }
  return both;
}

}  // namespace afterglow
