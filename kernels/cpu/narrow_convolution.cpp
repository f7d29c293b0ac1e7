#include "kernels/cpu/narrow_convolution.hpp"

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/panel_product.hpp"
#include "kernels/cpu/strips.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/narrow_convolution.cpp"
#include "kernels/cpu/simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace afterglow::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;  // of which K is a multiple
using V = hn::Vec<D>;

// A row of dx: dy, relu and dx are of one picture.
struct Row {
  const ConvolutionShape& s;
  const float* dy;
  const float* relu;  // may be null
  const float* w;
  float* dx;
  std::int32_t y;
};

// `Pixels` neighbours from column x on, all of which have the same taps. Sums stay in registers.
template <std::size_t Channels, std::size_t Pixels, bool Masked>
void narrow_pixels(const Row& row, std::int32_t x) {
  const D d;
  const ConvolutionShape& s = row.s;
  const std::size_t lanes = hn::Lanes(d), k = std::size_t(s.k);
  V sums[Pixels][Channels];
#pragma GCC unroll 4
  for (std::size_t p = 0; p < Pixels; ++p) {
#pragma GCC unroll 4
    for (std::size_t c = 0; c < Channels; ++c) sums[p][c] = hn::Zero(d);
  }
  // Output o reads pixel x through tap x + pad - o.
  const std::int32_t above = row.y + s.pad_top, left = x + s.pad_left;
  for (std::int32_t ty = std::max(0, above - s.oh + 1); ty <= std::min(s.kh - 1, above); ++ty) {
    for (std::int32_t tx = std::max(0, left - s.ow + 1); tx <= std::min(s.kw - 1, left); ++tx) {
      const std::size_t from =
          (std::size_t(above - ty) * std::size_t(s.ow) + std::size_t(left - tx)) * k;
      const float* const w = row.w + std::size_t(ty * s.kw + tx) * Channels * k;
      for (std::size_t i = 0; i < k; i += lanes) {
        V weights[Channels];
#pragma GCC unroll 4
        for (std::size_t c = 0; c < Channels; ++c) weights[c] = hn::LoadU(d, w + c * k + i);
#pragma GCC unroll 4
        for (std::size_t p = 0; p < Pixels; ++p) {
          V values = hn::LoadU(d, row.dy + from + p * k + i);
          if (Masked) {
            const V before = hn::LoadU(d, row.relu + from + p * k + i);
            values = hn::IfThenElseZero(hn::Gt(before, hn::Zero(d)), values);
          }
#pragma GCC unroll 4
          for (std::size_t c = 0; c < Channels; ++c)
            sums[p][c] = hn::MulAdd(values, weights[c], sums[p][c]);
        }
      }
    }
  }
  float* const to = row.dx + (std::size_t(row.y) * std::size_t(s.w) + std::size_t(x)) * Channels;
#pragma GCC unroll 4
  for (std::size_t p = 0; p < Pixels; ++p) {
#pragma GCC unroll 4
    for (std::size_t c = 0; c < Channels; ++c)
      to[p * Channels + c] = hn::GetLane(hn::SumOfLanes(d, sums[p][c]));
  }
}

template <std::size_t Channels, bool Masked>
void narrow_row(const Row& row) {
  // Sums and weights in half of the registers.
  constexpr std::int32_t kPixels = HWY_TARGET <= HWY_AVX3 ? 4 : 2;
  const ConvolutionShape& s = row.s;
  for (std::int32_t x = 0; x < s.w;) {
    const bool inside =
        x + s.pad_left >= s.kw - 1 && x + kPixels + s.pad_left <= s.ow && x + kPixels <= s.w;
    if (inside) {
      narrow_pixels<Channels, std::size_t(kPixels), Masked>(row, x);
    } else {
      narrow_pixels<Channels, 1, Masked>(row, x);
    }
    x += inside ? kPixels : 1;
  }
}

template <bool Masked>
void narrow_row_of(const Row& row) {
  switch (row.s.c) {
    case 1:
      return narrow_row<1, Masked>(row);
    case 2:
      return narrow_row<2, Masked>(row);
    case 3:
      return narrow_row<3, Masked>(row);
    default:
      return narrow_row<4, Masked>(row);
  }
}

void narrow_row_at(const ConvolutionShape& s, const float* dy, const float* relu, const float* w,
                   float* dx, std::int32_t y) {
  const Row row{s, dy, relu, w, dx, y};
  relu == nullptr ? narrow_row_of<false>(row) : narrow_row_of<true>(row);
}

}  // namespace afterglow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace afterglow {
namespace {

constexpr std::int32_t kMostInputs = 4, kMostOutputs = 16, kVector = 16;

/// Rows of output whose sums are kept apart.
constexpr std::int64_t kStripRows = 64;

std::int64_t strips_of(const ConvolutionShape& s) {
  return (std::int64_t{s.n} * s.oh + kStripRows - 1) / kStripRows;
}

/// Adds what one row of dy gives to dw, transposed to (KH, KW, K, C): a matrix product for each
/// tap, whose depth is the row's pixels.
void add_row(const ConvolutionShape& s, const float* x, const float* dy, std::int64_t row,
             float* dw) {
  const std::int64_t picture = row / s.oh;
  const auto oy = std::int32_t(row % s.oh);
  const auto k = std::size_t(s.k), c = std::size_t(s.c);
  for (std::int32_t ty = 0; ty < s.kh; ++ty) {
    const std::int32_t y = oy + ty - s.pad_top;
    if (y < 0 || y >= s.h) continue;
    for (std::int32_t tx = 0; tx < s.kw; ++tx) {
      const std::int32_t first = std::max(0, s.pad_left - tx),
                         last = std::min(s.ow, s.w + s.pad_left - tx);
      if (first >= last) continue;
      const std::int64_t read = (picture * s.h + y) * s.w + first + tx - s.pad_left;
      multiply({.rows = k,
                .depth = std::size_t(last - first),
                .columns = c,
                .a = dy + std::size_t(row * s.ow + first) * k,
                .a_row = 1,
                .a_step = k,
                .b = x + std::size_t(read) * c,
                .b_step = c,
                .b_panel = product_panel(),
                .c = dw + std::size_t(ty * s.kw + tx) * k * c,
                .c_row = c,
                .accumulate = true});
    }
  }
}

}  // namespace

HWY_EXPORT(narrow_row_at);

bool is_narrow_backward_data(const ConvolutionShape& s) {
  return s.stride == 1 && s.dilation == 1 && s.c <= kMostInputs && s.k % kVector == 0;
}

bool is_narrow_backward_weights(const ConvolutionShape& s) {
  return s.stride == 1 && s.dilation == 1 && s.k <= kMostOutputs &&
         s.c % std::int32_t{kPanelColumns} == 0;
}

void narrow_backward_data(const ConvolutionShape& s, Source dy, Source relu, Source w,
                          Destination dx) {
  const auto row = HWY_DYNAMIC_DISPATCH(narrow_row_at);
  const std::size_t from = s.y_size() / std::size_t(s.n), to = s.x_size() / std::size_t(s.n);
  for_each_index(std::int64_t{s.n} * s.h, [&](std::int64_t i) {
    const auto picture = std::size_t(i / s.h);
    row(s, dy.data() + picture * from, relu.empty() ? nullptr : relu.data() + picture * from,
        w.data(), dx.data() + picture * to, std::int32_t(i % s.h));
  });
}

std::size_t narrow_backward_weights_scratch(const ConvolutionShape& s) {
  return std::size_t(strips_of(s)) * s.w_size();
}

void narrow_backward_weights(const ConvolutionShape& s, Source x, Source dy, Destination scratch,
                             Destination dw) {
  const std::int64_t strips = strips_of(s), rows = std::int64_t{s.n} * s.oh;
  for_each_index(strips, [&](std::int64_t strip) {
    float* const sums = scratch.data() + std::size_t(strip) * s.w_size();
    std::fill_n(sums, s.w_size(), 0.0F);
    for (std::int64_t row = strip * kStripRows; row < std::min(rows, (strip + 1) * kStripRows);
         ++row) {
      add_row(s, x.data(), dy.data(), row, sums);
    }
  });
  const auto k = std::size_t(s.k), c = std::size_t(s.c);
  for_each_index(std::int64_t{s.kh} * s.kw * s.c, [&](std::int64_t i) {
    const std::size_t tap = std::size_t(i) / c, channel = std::size_t(i) % c;
    for (std::size_t output = 0; output < k; ++output) {
      double sum = 0;
      for (std::int64_t strip = 0; strip < strips; ++strip) {
        sum += double(scratch[std::size_t(strip) * s.w_size() + (tap * k + output) * c + channel]);
      }
      dw[std::size_t(i) * k + output] = float(sum);
    }
  });
}

}  // namespace afterglow
#endif
