#include "data/film_planes.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/error.hpp"
#include "data/resample.hpp"

namespace afterglow {
namespace {

constexpr YCbCrCoding kRgbCoding{Matrix::kBt601, true, 8};  // of sources that are RGB

bool is_rgb(const FilmFrame::Content& content) {
  return !content.frame || layout_of(AVPixelFormat(content.frame->format)) == PixelLayout::kRgb;
}

/// How the frame's luma is coded, or would be.
YCbCrCoding luma_coding(const FilmFrame::Content& content) {
  return is_rgb(content) ? kRgbCoding : coding_of(*content.frame);
}

/// Resizes one plane, first along x, then along y.
std::vector<float> resize_plane(const std::vector<float>& plane, int from_width,
                                const ResampleAxis& across, const ResampleAxis& down) {
  const std::size_t width = across.taps.size();
  const std::size_t rows = plane.size() / std::size_t(from_width);
  std::vector<float> narrow(rows * width);
  for (std::size_t y = 0; y < rows; ++y) {
    const float* const row = plane.data() + y * std::size_t(from_width);
    for (std::size_t x = 0; x < width; ++x) {
      const float* sample = row + across.taps[x].first;
      double sum = 0;
      for (const std::uint32_t weight : across.taps[x].weights) sum += weight * double(*sample++);
      narrow[y * width + x] = float(sum / double(across.sum));
    }
  }
  std::vector<float> result(down.taps.size() * width);
  for (std::size_t y = 0; y < down.taps.size(); ++y) {
    float* const out = result.data() + y * width;
    const float* row = narrow.data() + std::size_t(down.taps[y].first) * width;
    for (const std::uint32_t weight : down.taps[y].weights) {
      const float share = float(double(weight) / double(down.sum));
      for (std::size_t x = 0; x < width; ++x) out[x] += share * row[x];
      row += width;
    }
  }
  return result;
}

template <typename Sample>
void store_plane(const std::vector<float>& values, int width, int height, float largest,
                 std::uint8_t* data, int linesize) {
  const float* value = values.data();
  for (int y = 0; y < height; ++y) {
    Sample* const row = reinterpret_cast<Sample*>(data + std::ptrdiff_t(y) * linesize);
    for (int x = 0; x < width; ++x) {
      row[x] = Sample(int(std::clamp(*value++ + 0.5F, 0.0F, largest)));  // 0 and above: a floor
    }
  }
}

void store_samples(const std::vector<float>& values, const YCbCrCoding& coding, int width,
                   int height, std::uint8_t* data, int linesize) {
  const auto store = coding.bits == 8 ? store_plane<std::uint8_t> : store_plane<std::uint16_t>;
  store(values, width, height, float((1 << coding.bits) - 1), data, linesize);
}

/// Coded black, and white above it.
double luma_black(const YCbCrCoding& coding) {
  return coding.full_range ? 0 : 16 << (coding.bits - 8);
}

double luma_span(const YCbCrCoding& coding) {
  return coding.full_range ? (1 << coding.bits) - 1 : 219 << (coding.bits - 8);
}

/// The frame's luma as numbers, (height, width).
std::vector<float> luma_values(const FilmFrame& frame) {
  std::vector<float> values;
  values.reserve(std::size_t(frame.width()) * std::size_t(frame.height()));
  const AVFrame& source = *frame.content().frame;
  const bool bytes = bits_of(AVPixelFormat(source.format)) == 8;
  for (int y = 0; y < source.height; ++y) {
    const std::uint8_t* const row = source.data[0] + std::ptrdiff_t(y) * source.linesize[0];
    for (int x = 0; x < source.width; ++x) {
      values.push_back(bytes ? float(row[x])
                             : float(reinterpret_cast<const std::uint16_t*>(row)[x]));
    }
  }
  return values;
}

std::vector<float> rounded_luma(const Picture& picture) {
  std::vector<float> values;
  values.reserve(picture.rgb.size() / 3);
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    values.push_back(to_byte(luma(picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2])));
  }
  return values;
}

}  // namespace

std::array<float, 3> FilmFrame::luma_weights() const {
  return map_to_ycbcr({luma_coding(*content_).matrix, true, 8}).scale[0];
}

ChromaPlanes resized_chroma(const RgbView& rgb, const YCbCrCoding& coding, int width, int height) {
  const std::size_t pixels = std::size_t(rgb.width) * std::size_t(rgb.height);
  if (rgb.width <= 0 || rgb.height <= 0 || rgb.values.size() != pixels * 3) {
    throw ShapeError("FilmWriter: " + std::to_string(rgb.values.size()) +
                     " values are not an RGB picture of " + std::to_string(rgb.width) + "x" +
                     std::to_string(rgb.height));
  }
  ChromaPlanes small{std::vector<float>(pixels), std::vector<float>(pixels)};
  const ColourMap map = map_to_ycbcr(coding);
  const auto& to_cb = map.scale[1];
  const auto& to_cr = map.scale[2];
  for (std::size_t i = 0; i < pixels; ++i) {
    const float red = std::clamp(rgb.values[i * 3], 0.0F, 255.0F);
    const float green = std::clamp(rgb.values[i * 3 + 1], 0.0F, 255.0F);
    const float blue = std::clamp(rgb.values[i * 3 + 2], 0.0F, 255.0F);
    small.cb[i] = map.offset[1] + to_cb[0] * red + to_cb[1] * green + to_cb[2] * blue;
    small.cr[i] = map.offset[2] + to_cr[0] * red + to_cr[1] * green + to_cr[2] * blue;
  }
  if (rgb.width == width && rgb.height == height) return small;
  const ResampleAxis across = make_axis(rgb.width, width);
  const ResampleAxis down = make_axis(rgb.height, height);
  return {resize_plane(small.cb, rgb.width, across, down),
          resize_plane(small.cr, rgb.width, across, down)};
}

void copy_luma(const FilmFrame& frame, const YCbCrCoding& coding, AVFrame& target) {
  const bool from_rgb = is_rgb(frame.content());
  const YCbCrCoding from = luma_coding(frame.content());
  if (from_rgb || from.full_range != coding.full_range || from.bits != coding.bits) {
    std::vector<float> y = from_rgb ? rounded_luma(frame.picture()) : luma_values(frame);
    const double scale = luma_span(coding) / luma_span(from);
    for (float& value : y) {
      value = float(luma_black(coding) + scale * (double{value} - luma_black(from)));
    }
    store_samples(y, coding, target.width, target.height, target.data[0], target.linesize[0]);
    return;
  }
  const AVFrame& source = *frame.content().frame;
  const std::size_t sample = bits_of(AVPixelFormat(source.format)) > 8 ? 2 : 1;
  for (int y = 0; y < source.height; ++y) {
    std::memcpy(target.data[0] + std::ptrdiff_t(y) * target.linesize[0],
                source.data[0] + std::ptrdiff_t(y) * source.linesize[0],
                std::size_t(source.width) * sample);
  }
}

void fill_chroma(const RgbView& rgb, const YCbCrCoding& coding, AVFrame& target) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(AVPixelFormat(target.format));
  const int width = AV_CEIL_RSHIFT(target.width, d.log2_chroma_w);
  const int height = AV_CEIL_RSHIFT(target.height, d.log2_chroma_h);
  const ChromaPlanes planes = resized_chroma(rgb, coding, width, height);
  store_samples(planes.cb, coding, width, height, target.data[1], target.linesize[1]);
  store_samples(planes.cr, coding, width, height, target.data[2], target.linesize[2]);
}

Picture recoloured_picture(const FilmFrame& frame, const RgbView& rgb) {
  const bool from_rgb = is_rgb(frame.content());
  const YCbCrCoding coding = luma_coding(frame.content());
  const std::vector<float> y = from_rgb ? rounded_luma(frame.picture()) : luma_values(frame);
  const ChromaPlanes chroma = resized_chroma(rgb, coding, frame.width(), frame.height());
  Picture picture(frame.width(), frame.height());
  for (std::size_t i = 0; i < y.size(); ++i) {
    const Triple colour = ycbcr_to_rgb({y[i], chroma.cb[i], chroma.cr[i]}, coding);
    for (std::size_t c = 0; c < 3; ++c) picture.rgb[i * 3 + c] = to_byte(colour[c]);
  }
  return picture;
}

}  // namespace afterglow
