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

// The pairs of points 1, -1 and 2, -2 share their work: the even and the odd powers of 1 and -1 (2
// and -2) differ in the sign of the odd ones. `Side` points, 4 or 6, have one or two such pairs.
// Below, each matrix is applied to one column.

constexpr float power(int base, int exponent) {
  float result = 1;
  for (int i = 0; i < exponent; ++i) result *= float(base);
  return result;
}

// The pair's factor f_p in G.
constexpr float factor(int side, int pair) {
  if (side == 4) return 0.5F;
  return pair == 0 ? -1.0F / 6 : 1.0F / 24;
}
constexpr float factor_of_zero(int side) { return side == 4 ? 1 : 0.25F; }

// The two sums over x[0 .. count), of even and odd powers of `base`.
template <int Count>
HWY_INLINE void even_and_odd(int base, const V* x, V& even, V& odd) {
  even = x[0];
  odd = base == 1 ? x[1] : times(float(base), x[1]);
#pragma GCC unroll 8
  for (int i = 2; i < Count; ++i) {
    V& sum = i % 2 == 0 ? even : odd;
    sum = base == 1 ? hn::Add(sum, x[i]) : plus(power(base, i), x[i], sum);
  }
}

template <int Side>
struct InputSide;  // B'

template <>
struct InputSide<6> {
  static constexpr int kIn = 6, kOut = 6;
  static HWY_INLINE void apply(const V* d, V* o) {
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

template <>
struct InputSide<4> {
  static constexpr int kIn = 4, kOut = 4;
  static HWY_INLINE void apply(const V* d, V* o) {
    o[0] = hn::Sub(d[0], d[2]);
    o[1] = hn::Add(d[1], d[2]);
    o[2] = hn::Sub(d[2], d[1]);
    o[3] = hn::Sub(d[3], d[1]);
  }
};

template <int Side, int R>
struct OutputSide {  // A'
  static constexpr int kIn = Side, kOut = Side - R + 1;
  static HWY_INLINE void apply(const V* m, V* o) {
#pragma GCC unroll 8
    for (int i = 0; i < kOut; ++i) {
      V sum = i % 2 == 0 ? hn::Add(m[1], m[2]) : hn::Sub(m[1], m[2]);
      if (i == 0) sum = hn::Add(m[0], sum);
      if (Side == 6) {
        const V pair = i % 2 == 0 ? hn::Add(m[3], m[4]) : hn::Sub(m[3], m[4]);
        sum = i == 0 ? hn::Add(sum, pair) : plus(power(2, i), pair, sum);
      }
      o[i] = i == kOut - 1 ? hn::Add(sum, m[Side - 1]) : sum;
    }
  }
};

template <int Side, int R>
struct OutputGradientSide {  // A
  static constexpr int kIn = Side - R + 1, kOut = Side;
  static HWY_INLINE void apply(const V* y, V* o) {
    o[0] = y[0];
#pragma GCC unroll 2
    for (int pair = 0; pair < Side / 2 - 1; ++pair) {
      V even, odd;
      even_and_odd<kIn>(pair + 1, y, even, odd);
      o[1 + 2 * pair] = hn::Add(even, odd);
      o[2 + 2 * pair] = hn::Sub(even, odd);
    }
    o[Side - 1] = y[kIn - 1];
  }
};

template <int Side, int R>
struct KernelSide {  // G
  static constexpr int kIn = R, kOut = Side;
  static HWY_INLINE void apply(const V* g, V* o) {
    o[0] = times(factor_of_zero(Side), g[0]);
#pragma GCC unroll 2
    for (int pair = 0; pair < Side / 2 - 1; ++pair) {
      V even, odd;
      even_and_odd<R>(pair + 1, g, even, odd);
      o[1 + 2 * pair] = times(factor(Side, pair), hn::Add(even, odd));
      o[2 + 2 * pair] = times(factor(Side, pair), hn::Sub(even, odd));
    }
    o[Side - 1] = g[R - 1];
  }
};

template <int Side, int R>
struct KernelGradientSide {  // G'
  static constexpr int kIn = Side, kOut = R;
  static HWY_INLINE void apply(const V* u, V* o) {
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i) {
      V sum = times(factor(Side, 0), i % 2 == 0 ? hn::Add(u[1], u[2]) : hn::Sub(u[1], u[2]));
      if (i == 0) sum = plus(factor_of_zero(Side), u[0], sum);
      if (Side == 6) {
        const V pair = i % 2 == 0 ? hn::Add(u[3], u[4]) : hn::Sub(u[3], u[4]);
        sum = plus(factor(Side, 1) * power(2, i), pair, sum);
      }
      o[i] = i == R - 1 ? hn::Add(sum, u[Side - 1]) : sum;
    }
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
        top(std::int64_t(tile / tiles.across % tiles.down * tiles.outputs)),
        left(std::int64_t(tile % tiles.across * tiles.outputs)) {}
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

// What the tiles' functions are compiled for.
template <int Side, int R>
struct Form {
  static constexpr int kSide = Side, kKernel = R;
};

// Calls body(Form<side, r>()).
template <typename Body>
HWY_INLINE void with_form(const WinogradTiles& tiles, const Body& body) {
  if (tiles.side == 4) {
    if (tiles.shape.kh == 2) return body(Form<4, 2>());
    return body(Form<4, 3>());
  }
  if (tiles.shape.kh == 2) return body(Form<6, 2>());
  if (tiles.shape.kh == 3) return body(Form<6, 3>());
  return body(Form<6, 5>());
}

void input(const WinogradTiles& tiles, std::size_t tile, const float* x, float* v,
           std::size_t point_stride) {
  const ConvolutionShape& s = tiles.shape;
  const Place place(tiles, tile);
  const auto run = [&](auto side) {
    transform_pixels<decltype(side)>(x + place.frame * s.h * s.w * s.c, s.h, s.w,
                                     place.top - s.pad_top, place.left - s.pad_left,
                                     std::size_t(s.c), v, point_stride);
  };
  if (tiles.side == 4) {
    run(InputSide<4>());
  } else {
    run(InputSide<6>());
  }
}

void output_gradient(const WinogradTiles& tiles, std::size_t tile, const float* dy, float* v,
                     std::size_t point_stride) {
  const ConvolutionShape& s = tiles.shape;
  const Place place(tiles, tile);
  with_form(tiles, [&](auto form) {
    transform_pixels<OutputGradientSide<form.kSide, form.kKernel>>(
        dy + place.frame * s.oh * s.ow * s.k, s.oh, s.ow, place.top, place.left, std::size_t(s.k),
        v, point_stride);
  });
}

template <int Side, int R>
void output_of(const WinogradTiles& tiles, std::size_t tile, const float* m,
               std::size_t point_stride, const float* b, Activation activation, float* y) {
  const D d;
  const ConvolutionShape& s = tiles.shape;
  const Place place(tiles, tile);
  const std::int64_t rows = std::min<std::int64_t>(Side - R + 1, s.oh - place.top);
  const std::int64_t columns = std::min<std::int64_t>(Side - R + 1, s.ow - place.left);
  float* const first = y + ((place.frame * s.oh + place.top) * s.ow + place.left) * s.k;
  for (std::size_t k = 0; k < std::size_t(s.k); k += hn::Lanes(d)) {
    const std::size_t count = std::size_t(s.k) - k;
    const V bias = b == nullptr ? hn::Zero(d) : load_some(b + k, count);
    transform<OutputSide<Side, R>>(
        [&](int i, int j) {
          return hn::LoadU(d, m + std::size_t(i * Side + j) * point_stride + k);
        },
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

void output(const WinogradTiles& tiles, std::size_t tile, const float* m, std::size_t point_stride,
            const float* b, Activation activation, float* y) {
  with_form(tiles, [&](auto form) {
    output_of<form.kSide, form.kKernel>(tiles, tile, m, point_stride, b, activation, y);
  });
}

template <int Side, int R>
void kernel_of(const ConvolutionShape& s, std::size_t c, const float* w, float* u,
               std::size_t point_stride, std::size_t panel, std::size_t panel_stride) {
  const D d;
  const auto outputs = std::size_t(s.k);
  for (std::size_t k = 0; k < winograd_padded(outputs); k += hn::Lanes(d)) {
    const std::size_t count = outputs - std::min(k, outputs);
    float* const to = u + k / panel * panel_stride + k % panel;
    transform<KernelSide<Side, R>>(
        [&](int i, int j) {
          return load_some(w + (std::size_t(i * R + j) * std::size_t(s.c) + c) * outputs + k,
                           count);
        },
        [&](int i, int j, V value) {
          hn::StoreU(value, d, to + std::size_t(i * Side + j) * point_stride);
        });
  }
}

void kernel(const WinogradTiles& tiles, std::size_t c, const float* w, float* u,
            std::size_t point_stride, std::size_t panel, std::size_t panel_stride) {
  with_form(tiles, [&](auto form) {
    kernel_of<form.kSide, form.kKernel>(tiles.shape, c, w, u, point_stride, panel, panel_stride);
  });
}

template <int Side, int R>
void kernel_gradient_of(const ConvolutionShape& s, std::size_t c, const float* u,
                        std::size_t point_stride, float* dw) {
  const D d;
  const auto outputs = std::size_t(s.k);
  for (std::size_t k = 0; k < outputs; k += hn::Lanes(d)) {
    transform<KernelGradientSide<Side, R>>(
        [&](int i, int j) {
          return hn::LoadU(d, u + std::size_t(i * Side + j) * point_stride + k);
        },
        [&](int i, int j, V value) {
          store_some(value, dw + (std::size_t(i * R + j) * std::size_t(s.c) + c) * outputs + k,
                     outputs - k);
        });
  }
}

void kernel_gradient(const WinogradTiles& tiles, std::size_t c, const float* u,
                     std::size_t point_stride, float* dw) {
  with_form(tiles, [&](auto form) {
    kernel_gradient_of<form.kSide, form.kKernel>(tiles.shape, c, u, point_stride, dw);
  });
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

WinogradTiles::WinogradTiles(const ConvolutionShape& s, std::size_t points_a_side)
    : shape(s),
      side(points_a_side),
      outputs(side - std::size_t(s.kh) + 1),
      down((std::size_t(s.oh) + outputs - 1) / outputs),
      across((std::size_t(s.ow) + outputs - 1) / outputs) {}

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

void winograd_kernel(const WinogradTiles& tiles, std::size_t c, const float* w, float* u,
                     std::size_t point_stride, std::size_t panel, std::size_t panel_stride) {
  HWY_DYNAMIC_DISPATCH(kernel)(tiles, c, w, u, point_stride, panel, panel_stride);
}

void winograd_kernel_gradient(const WinogradTiles& tiles, std::size_t c, const float* u,
                              std::size_t point_stride, float* dw) {
  HWY_DYNAMIC_DISPATCH(kernel_gradient)(tiles, c, u, point_stride, dw);
}

}  // namespace afterglow
#endif
