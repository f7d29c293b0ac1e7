#include "kernels/cpu/winograd_transforms.hpp"

#include <algorithm>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/winograd_transforms.cpp"
#include "kernels/cpu/simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace afterglow::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

V times(float factor, V x) { return hn::Mul(hn::Set(D(), factor), x); }
V plus(float factor, V x, V y) { return hn::MulAdd(hn::Set(D(), factor), x, y); }

// The first `count` values at p, zeros behind them.
V load_some(const float* p, std::size_t count) {
  const D d;
  if (count >= hn::Lanes(d)) return hn::LoadU(d, p);
  HWY_ALIGN float values[HWY_MAX_BYTES / sizeof(float)] = {};
  std::copy_n(p, count, values);
  return hn::Load(d, values);
}

void store_some(V x, float* p, std::size_t count) {
  const D d;
  if (count >= hn::Lanes(d)) {
    hn::StoreU(x, d, p);
    return;
  }
  HWY_ALIGN float values[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(x, d, values);
  std::copy_n(values, count, p);
}

// One column through each of the four matrices.
struct InputSide {  // B'
  static constexpr int kIn = 6, kOut = 6;
  static void apply(const V* d, V* o) {
    const V a = plus(-4, d[2], d[4]), b = plus(-4, d[1], d[3]);
    const V c = hn::Sub(d[4], d[2]), e = times(2, hn::Sub(d[3], d[1]));
    o[0] = plus(4, d[0], plus(-5, d[2], d[4]));
    o[1] = hn::Add(a, b);
    o[2] = hn::Sub(a, b);
    o[3] = hn::Add(c, e);
    o[4] = hn::Sub(c, e);
    o[5] = plus(4, d[1], plus(-5, d[3], d[5]));
  }
};

struct OutputSide {  // A'
  static constexpr int kIn = 6, kOut = 4;
  static void apply(const V* m, V* o) {
    const V p = hn::Add(m[1], m[2]), q = hn::Sub(m[1], m[2]);
    const V r = hn::Add(m[3], m[4]), s = hn::Sub(m[3], m[4]);
    o[0] = hn::Add(m[0], hn::Add(p, r));
    o[1] = plus(2, s, q);
    o[2] = plus(4, r, p);
    o[3] = hn::Add(plus(8, s, q), m[5]);
  }
};

struct OutputGradientSide {  // A
  static constexpr int kIn = 4, kOut = 6;
  static void apply(const V* y, V* o) {
    const V p = hn::Add(y[0], y[2]), q = hn::Add(y[1], y[3]);
    const V r = plus(4, y[2], y[0]), s = plus(8, y[3], times(2, y[1]));
    o[0] = y[0];
    o[1] = hn::Add(p, q);
    o[2] = hn::Sub(p, q);
    o[3] = hn::Add(r, s);
    o[4] = hn::Sub(r, s);
    o[5] = y[3];
  }
};

struct KernelSide {  // G
  static constexpr int kIn = 3, kOut = 6;
  static void apply(const V* g, V* o) {
    const V p = times(-1.0F / 6, hn::Add(g[0], g[2])), q = times(-1.0F / 6, g[1]);
    const V r = plus(1.0F / 24, g[0], times(1.0F / 6, g[2])), s = times(1.0F / 12, g[1]);
    o[0] = times(0.25F, g[0]);
    o[1] = hn::Add(p, q);
    o[2] = hn::Sub(p, q);
    o[3] = hn::Add(r, s);
    o[4] = hn::Sub(r, s);
    o[5] = g[2];
  }
};

struct KernelGradientSide {  // G'
  static constexpr int kIn = 6, kOut = 3;
  static void apply(const V* u, V* o) {
    const V p = hn::Add(u[1], u[2]), q = hn::Sub(u[2], u[1]);
    const V r = hn::Add(u[3], u[4]), s = hn::Sub(u[3], u[4]);
    o[0] = plus(0.25F, u[0], plus(1.0F / 24, r, times(-1.0F / 6, p)));
    o[1] = plus(1.0F / 6, q, times(1.0F / 12, s));
    o[2] = hn::Add(u[5], times(1.0F / 6, hn::Sub(r, p)));
  }
};

// load(i, j) for the kIn x kIn matrix, store(i, j, value) for the kOut x kOut one.
template <typename Side, typename Load, typename Store>
HWY_INLINE void transform(const Load& load, const Store& store) {
  V columns[Side::kIn][Side::kOut];
  for (int j = 0; j < Side::kIn; ++j) {
    V column[Side::kIn];
    for (int i = 0; i < Side::kIn; ++i) column[i] = load(i, j);
    Side::apply(column, columns[j]);
  }
  for (int i = 0; i < Side::kOut; ++i) {
    V row[Side::kIn], out[Side::kOut];
    for (int j = 0; j < Side::kIn; ++j) row[j] = columns[j][i];
    Side::apply(row, out);
    for (int j = 0; j < Side::kOut; ++j) store(i, j, out[j]);
  }
}

// Where a tile lies.
struct Place {
  std::int64_t frame, top, left;  // of its first output

  Place(const WinogradTiles& tiles, std::size_t tile)
      : frame(std::int64_t(tile / tiles.across / tiles.down)),
        top(std::int64_t(tile / tiles.across % tiles.down * kWinogradTile)),
        left(std::int64_t(tile % tiles.across * kWinogradTile)) {}
};

// The kIn x kIn pixels of a (h, w, channels) frame from (top, left), zeros outside of it, through
// Side, for all channels.
template <typename Side>
void transform_pixels(const float* frame, std::int64_t h, std::int64_t w, std::int64_t top,
                      std::int64_t left, std::size_t channels, float* v, std::size_t point_stride) {
  const D d;
  const std::int64_t size = Side::kIn;
  const bool whole = top >= 0 && left >= 0 && top + size <= h && left + size <= w;
  const float* const first = frame + (top * w + left) * std::int64_t(channels);
  for (std::size_t c = 0; c < winograd_padded(channels); c += hn::Lanes(d)) {
    const std::size_t count = channels - std::min(c, channels);
    const auto store = [&](int i, int j, V value) {
      hn::StoreU(value, d, v + std::size_t(i * Side::kOut + j) * point_stride + c);
    };
    const auto pixel = [&](int i, int j) {
      return first + (i * w + j) * std::int64_t(channels) + c;
    };
    if (whole && count >= hn::Lanes(d)) {
      transform<Side>([&](int i, int j) { return hn::LoadU(d, pixel(i, j)); }, store);
    } else if (count == 0) {
      for (int i = 0; i < Side::kOut * Side::kOut; ++i) store(0, i, hn::Zero(d));
    } else {
      transform<Side>(
          [&](int i, int j) {
            const bool inside = top + i >= 0 && top + i < h && left + j >= 0 && left + j < w;
            return inside ? load_some(pixel(i, j), count) : hn::Zero(d);
          },
          store);
    }
  }
}

void input(const WinogradTiles& tiles, std::size_t tile, const float* x, float* v,
           std::size_t point_stride) {
  const ConvolutionShape& s = tiles.shape;
  const Place place(tiles, tile);
  transform_pixels<InputSide>(x + place.frame * s.h * s.w * s.c, s.h, s.w, place.top - s.pad_top,
                              place.left - s.pad_left, std::size_t(s.c), v, point_stride);
}

void output_gradient(const WinogradTiles& tiles, std::size_t tile, const float* dy, float* v,
                     std::size_t point_stride) {
  const ConvolutionShape& s = tiles.shape;
  const Place place(tiles, tile);
  transform_pixels<OutputGradientSide>(dy + place.frame * s.oh * s.ow * s.k, s.oh, s.ow, place.top,
                                       place.left, std::size_t(s.k), v, point_stride);
}

void output(const WinogradTiles& tiles, std::size_t tile, const float* m, std::size_t point_stride,
            const float* b, Activation activation, float* y) {
  const D d;
  const ConvolutionShape& s = tiles.shape;
  const Place place(tiles, tile);
  const std::int64_t rows = std::min<std::int64_t>(kWinogradTile, s.oh - place.top);
  const std::int64_t columns = std::min<std::int64_t>(kWinogradTile, s.ow - place.left);
  float* const first = y + ((place.frame * s.oh + place.top) * s.ow + place.left) * s.k;
  for (std::size_t k = 0; k < std::size_t(s.k); k += hn::Lanes(d)) {
    const std::size_t count = std::size_t(s.k) - k;
    const V bias = b == nullptr ? hn::Zero(d) : load_some(b + k, count);
    transform<OutputSide>(
        [&](int i, int j) { return hn::LoadU(d, m + std::size_t(i * 6 + j) * point_stride + k); },
        [&](int i, int j, V value) {
          if (i >= rows || j >= columns) return;
          V result = hn::Add(value, bias);
          if (activation == Activation::kRelu) {
            result = hn::IfThenZeroElse(hn::Lt(result, hn::Zero(d)), result);  // a NaN stays one
          }
          store_some(result, first + (i * std::int64_t(s.ow) + j) * s.k + k, count);
        });
  }
}

void kernel(const ConvolutionShape& s, std::size_t c, const float* w, float* u,
            std::size_t point_stride, std::size_t panel, std::size_t panel_stride) {
  const D d;
  const auto outputs = std::size_t(s.k);
  for (std::size_t k = 0; k < winograd_padded(outputs); k += hn::Lanes(d)) {
    const std::size_t count = outputs - std::min(k, outputs);
    float* const to = u + k / panel * panel_stride + k % panel;
    transform<KernelSide>(
        [&](int i, int j) {
          return load_some(w + (std::size_t(i * 3 + j) * std::size_t(s.c) + c) * outputs + k,
                           count);
        },
        [&](int i, int j, V value) {
          hn::StoreU(value, d, to + std::size_t(i * 6 + j) * point_stride);
        });
  }
}

void kernel_gradient(const ConvolutionShape& s, std::size_t c, const float* u,
                     std::size_t point_stride, float* dw) {
  const D d;
  const auto outputs = std::size_t(s.k);
  for (std::size_t k = 0; k < outputs; k += hn::Lanes(d)) {
    transform<KernelGradientSide>(
        [&](int i, int j) { return hn::LoadU(d, u + std::size_t(i * 6 + j) * point_stride + k); },
        [&](int i, int j, V value) {
          store_some(value, dw + (std::size_t(i * 3 + j) * std::size_t(s.c) + c) * outputs + k,
                     outputs - k);
        });
  }
}

}  // namespace afterglow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace afterglow {

HWY_EXPORT(input);
HWY_EXPORT(output_gradient);
HWY_EXPORT(output);
HWY_EXPORT(kernel);
HWY_EXPORT(kernel_gradient);

WinogradTiles::WinogradTiles(const ConvolutionShape& s)
    : shape(s),
      down((std::size_t(s.oh) + kWinogradTile - 1) / kWinogradTile),
      across((std::size_t(s.ow) + kWinogradTile - 1) / kWinogradTile) {}

void winograd_input(const WinogradTiles& tiles, std::size_t tile, const float* x, float* v,
                    std::size_t point_stride) {
  HWY_DYNAMIC_DISPATCH(input)(tiles, tile, x, v, point_stride);
}

void winograd_output_gradient(const WinogradTiles& tiles, std::size_t tile, const float* dy,
                              float* v, std::size_t point_stride) {
  HWY_DYNAMIC_DISPATCH(output_gradient)(tiles, tile, dy, v, point_stride);
}

void winograd_output(const WinogradTiles& tiles, std::size_t tile, const float* m,
                     std::size_t point_stride, const float* b, Activation activation, float* y) {
  HWY_DYNAMIC_DISPATCH(output)(tiles, tile, m, point_stride, b, activation, y);
}

void winograd_kernel(const ConvolutionShape& s, std::size_t c, const float* w, float* u,
                     std::size_t point_stride, std::size_t panel, std::size_t panel_stride) {
  HWY_DYNAMIC_DISPATCH(kernel)(s, c, w, u, point_stride, panel, panel_stride);
}

void winograd_kernel_gradient(const ConvolutionShape& s, std::size_t c, const float* u,
                              std::size_t point_stride, float* dw) {
  HWY_DYNAMIC_DISPATCH(kernel_gradient)(s, c, u, point_stride, dw);
}

}  // namespace afterglow
#endif
