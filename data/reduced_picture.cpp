#include "data/reduced_picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "data/colour.hpp"
#include "data/pixels.hpp"
#include "data/resample.hpp"

namespace afterglow {
namespace {

/// One plane of a frame at another size, row by row.
class ReducedPlane {
 public:
  ReducedPlane(const AVFrame& frame, int plane, int width, int height)
      : data_(frame.data[plane]), linesize_(frame.linesize[plane]) {
    const auto format = AVPixelFormat(frame.format);
    const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(format);
    wide_ = bits_of(format) > 8;
    const int columns = plane == 0 ? frame.width : AV_CEIL_RSHIFT(frame.width, d.log2_chroma_w);
    const int rows = plane == 0 ? frame.height : AV_CEIL_RSHIFT(frame.height, d.log2_chroma_h);
    across_ = make_axis(columns, width);
    down_ = make_axis(rows, height);
    sums_.resize(std::size_t(columns));
    row_.resize(std::size_t(width));
  }

  /// Row y of the result, until the next call.
  const std::vector<float>& row(int y) {
    if (wide_) {
      add_rows<std::uint16_t>(down_.taps[std::size_t(y)]);
    } else {
      add_rows<std::uint8_t>(down_.taps[std::size_t(y)]);
    }
    resize_sums();
    return row_;
  }

 private:
  template <typename Sample>
  void add_rows(const Taps& taps) {
    std::fill(sums_.begin(), sums_.end(), 0.0F);
    const std::uint8_t* row = data_ + std::ptrdiff_t(taps.first) * linesize_;
    for (const std::uint32_t weight : taps.weights) {
      const auto* const samples = reinterpret_cast<const Sample*>(row);
      const float share = float(weight) / float(down_.sum);
      for (std::size_t x = 0; x < sums_.size(); ++x) sums_[x] += share * float(samples[x]);
      row += linesize_;
    }
  }

  void resize_sums() {
    const std::size_t width = row_.size();
    if (sums_.size() % width == 0) {  // means of whole samples
      const std::size_t factor = sums_.size() / width;
      const float share = 1 / float(factor);
      std::fill(row_.begin(), row_.end(), 0.0F);
      for (std::size_t k = 0; k < factor; ++k) {
        for (std::size_t x = 0; x < width; ++x) row_[x] += share * sums_[x * factor + k];
      }
      return;
    }
    for (std::size_t x = 0; x < width; ++x) {
      const float* from = sums_.data() + across_.taps[x].first;
      float sum = 0;
      for (const std::uint32_t weight : across_.taps[x].weights) sum += float(weight) * *from++;
      row_[x] = sum / float(across_.sum);
    }
  }

  const std::uint8_t* data_;
  int linesize_;
  bool wide_;  // samples of 16 bits
  ResampleAxis across_, down_;
  std::vector<float> sums_;  // over rows
  std::vector<float> row_;
};

/// One channel of a row of RGB, rounded.
void fill_channel(const std::array<float, 3>& scale, float offset, const std::vector<float>& y,
                  const std::vector<float>& cb, const std::vector<float>& cr,
                  std::vector<std::uint8_t>& row) {
  for (std::size_t x = 0; x < row.size(); ++x) {
    const float value = offset + 0.5F + scale[0] * y[x] + scale[1] * cb[x] + scale[2] * cr[x];
    const float positive = value > 0 ? value : 0;
    row[x] = std::uint8_t(int(positive < 255 ? positive : 255));
  }
}

}  // namespace

Picture reduced_picture(const AVFrame& frame, int width, int height) {
  const YCbCrCoding coding = coding_of(frame);
  const ColourMap map = map_to_rgb(coding);
  const auto columns = std::size_t(width);
  const bool gray = layout_of(AVPixelFormat(frame.format)) == PixelLayout::kGray;
  const std::vector<float> centre(columns, std::ldexp(128.0F, coding.bits - 8));
  std::vector<ReducedPlane> planes;
  for (int plane = 0; plane < (gray ? 1 : 3); ++plane) {
    planes.emplace_back(frame, plane, width, height);
  }
  std::array<std::vector<std::uint8_t>, 3> rgb;  // of a row
  rgb.fill(std::vector<std::uint8_t>(columns));
  Picture picture(width, height);
  std::uint8_t* to = picture.rgb.data();
  for (int y = 0; y < height; ++y) {
    const std::vector<float>& luma = planes[0].row(y);
    const std::vector<float>& cb = gray ? centre : planes[1].row(y);
    const std::vector<float>& cr = gray ? centre : planes[2].row(y);
    for (std::size_t c = 0; c < 3; ++c) {
      fill_channel(map.scale[c], map.offset[c], luma, cb, cr, rgb[c]);
    }
    for (std::size_t x = 0; x < columns; ++x, to += 3) {
      to[0] = rgb[0][x];
      to[1] = rgb[1][x];
      to[2] = rgb[2][x];
    }
  }
  return picture;
}

}  // namespace afterglow
