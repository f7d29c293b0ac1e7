#include "kernels/cpu/winograd_transforms.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

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
struct OutputSide {  // A' with the factors of G
  static constexpr int kIn = Side, kOut = Side - R + 1;
  static HWY_INLINE void apply(const V* m, V* o) {
    const V even = times(factor(Side, 0), hn::Add(m[1], m[2]));
    const V odd = times(factor(Side, 0), hn::Sub(m[1], m[2]));
    V even2 = even, odd2 = odd;
    if constexpr (Side == 6) {
      even2 = hn::Add(m[3], m[4]);
      odd2 = hn::Sub(m[3], m[4]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kOut; ++i) {
      V sum = i % 2 == 0 ? even : odd;
      if (Side == 6) sum = plus(factor(Side, 1) * power(2, i), i % 2 == 0 ? even2 : odd2, sum);
      if (i == 0) sum = plus(factor_of_zero(Side), m[0], sum);
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
struct KernelSide {  // G without its factors
  static constexpr int kIn = R, kOut = Side;
  static HWY_INLINE void apply(const V* g, V* o) {
    o[0] = g[0];
#pragma GCC unroll 2
    for (int pair = 0; pair < Side / 2 - 1; ++pair) {
      V even, odd;
      even_and_odd<R>(pair + 1, g, even, odd);
      o[1 + 2 * pair] = hn::Add(even, odd);
      o[2 + 2 * pair] = hn::Sub(even, odd);
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

  Place(const WinogradTiles& tiles, std::size_t tile) {
    const auto dilation = std::size_t(tiles.shape.dilation);
    const std::size_t column = tile % tiles.across, row = tile / tiles.across % tiles.down;
    const std::size_t plane = tile / tiles.across / tiles.down, phase = plane % tiles.phases;
    frame = std::int64_t(plane / tiles.phases);
    top = std::int64_t(phase / dilation + row * tiles.outputs * dilation);
    left = std::int64_t(phase % dilation + column * tiles.outputs * dilation);
  }
};

// Where the values of a frame (h, w, channels) lie, as it is or stored by depth to space.
struct Layout {
  std::int64_t w, channels;
  bool depth_to_space;

  std::int64_t row() const { return w * channels; }
  std::int64_t column() const { return depth_to_space ? channels / 2 : channels; }
  std::int64_t at(std::int64_t row_index, std::int64_t column_index, std::size_t c) const {
    std::int64_t begin = std::int64_t(c);
    if (depth_to_space) {
      const std::int64_t k = channels / 4, phase = begin / k;
      begin = (phase / 2 * 2 * w + phase % 2) * k + begin % k;
    }
    return row_index * row() + column_index * column() + begin;
  }
};

// What a tile is made of: sources with a function channel(c), which gives the vector of channels
// from c on of pixel (i, j) of the tile, all of it or its first `count`.

struct PlainSource {
  const float* frame;
  Layout layout;
  std::int64_t top, left;
  std::int64_t step;  // from pixel to pixel

  struct Channel {
    const float* first;
    std::int64_t row, column;
    V whole(int i, int j) const { return hn::LoadU(D(), first + i * row + j * column); }
    V some(int i, int j, std::size_t count) const {
      return load_some(first + i * row + j * column, count);
    }
  };
  Channel channel(std::size_t c) const {
    return {frame + layout.at(top, left, c), step * layout.row(), step * layout.column()};
  }
};

// dy where y > 0.
struct ReluSource {
  PlainSource dy, y;

  struct Channel {
    PlainSource::Channel dy, y;
    static V masked(V gradient, V result) {
      return hn::IfThenElseZero(hn::Gt(result, hn::Zero(D())), gradient);
    }
    V whole(int i, int j) const { return masked(dy.whole(i, j), y.whole(i, j)); }
    V some(int i, int j, std::size_t count) const {
      return masked(dy.some(i, j, count), y.some(i, j, count));
    }
  };
  Channel channel(std::size_t c) const { return {dy.channel(c), y.channel(c)}; }
};

// conv2d_max_pool's winners take 4 bits: two channels a byte. A vector begins one, but for the
// instruction set whose vectors have one lane: there the odd channels come behind the even ones.
constexpr Pool2dGeometry kPool = pooled(Conv2dGeometry{});
static_assert(kPool.winner_bits() == 4);
std::int64_t winner_bytes(std::int64_t pixels, std::int64_t channels) {
  return pixels * ((channels + 1) / 2);
}

using Integers = hn::RebindToSigned<D>;

// As many of a vector's winners as `count` says; they fill up to 64 bits (kWinogradChannels).
void copy_winners(const void* from, void* to, std::size_t count) {
  constexpr std::size_t kWhole = (hn::MaxLanes(Integers()) + 1) / 2;
  if (count >= hn::Lanes(Integers())) {
    std::memcpy(to, from, kWhole);
  } else {
    std::memcpy(to, from, (count + 1) / 2);
  }
}

// Those of a pixel's channels from c on.
hn::Vec<Integers> load_winners(const std::uint8_t* pixel, std::size_t c, std::size_t count) {
  const Integers integers;
  std::uint64_t bits = 0;
  copy_winners(pixel + c / 2, &bits, count);
  bits >>= c % 2 * 4;
  const auto part = [&](int shift) {
    return hn::Set(integers, static_cast<std::int32_t>(static_cast<std::uint32_t>(bits >> shift)));
  };
  const auto lane = hn::Iota(integers, 0);
  auto of_lane = part(0);
  if (hn::Lanes(integers) > 8) {
    of_lane = hn::IfThenElse(hn::Lt(lane, hn::Set(integers, 8)), of_lane, part(32));
  }
  const auto shift = hn::ShiftLeft<2>(hn::And(lane, hn::Set(integers, 7)));
  return hn::And(hn::Shr(of_lane, shift), hn::Set(integers, 15));
}

void store_winners(hn::Vec<Integers> winners, std::uint8_t* pixel, std::size_t c,
                   std::size_t count) {
  const hn::Rebind<std::uint8_t, D> bytes;
  std::uint8_t all[kWinogradChannels] = {};
  hn::StoreU(hn::DemoteTo(bytes, winners), bytes, all);
  for (std::size_t i = count; i < kWinogradChannels; ++i) all[i] = 0;
  std::uint64_t packed = 0;
  for (std::size_t half = 0; half < kWinogradChannels; half += 8) {
    std::uint64_t pairs = 0;
    std::memcpy(&pairs, all + half, sizeof pairs);
    pairs = (pairs | pairs >> 4) & 0x00ff00ff00ff00ffU;
    pairs = (pairs | pairs >> 8) & 0x0000ffff0000ffffU;
    pairs = (pairs | pairs >> 16) & 0x00000000ffffffffU;
    packed |= pairs << half * 4;
  }
  if (c % 2 == 0) {
    copy_winners(&packed, pixel + c / 2, count);
  } else {
    pixel[c / 2] = static_cast<std::uint8_t>(pixel[c / 2] | packed << 4);
  }
}

// dy of a pooled frame (h / 2, w / 2, channels), at the pixels that won.
struct PoolSource {
  const float* dy;
  const std::uint8_t* winners;
  std::int64_t w, channels;
  std::int64_t top, left;

  struct Channel {
    const PoolSource& source;
    std::size_t c;

    std::int64_t pixel(std::int64_t i, std::int64_t j) const {
      return (source.top + i) / 2 * (source.w / 2) + (source.left + j) / 2;
    }
    const float* gradient(std::int64_t i, std::int64_t j) const {
      return source.dy + pixel(i, j) * source.channels + c;
    }
    V winning(std::int64_t i, std::int64_t j, V gradient, std::size_t count) const {
      const auto won =
          load_winners(source.winners + winner_bytes(pixel(i, j), source.channels), c, count);
      const auto place = std::int32_t((source.top + i) % 2 * 2 + (source.left + j) % 2);
      const auto here = hn::Eq(won, hn::Set(Integers(), place));
      return hn::IfThenElseZero(hn::RebindMask(D(), here), gradient);
    }
    V whole(int i, int j) const {
      return winning(i, j, hn::LoadU(D(), gradient(i, j)), hn::Lanes(D()));
    }
    V some(int i, int j, std::size_t count) const {
      return winning(i, j, load_some(gradient(i, j), count), count);
    }
  };
  Channel channel(std::size_t c) const { return {*this, c}; }
};

// The kIn x kIn pixels, `step` apart, of a (h, w, channels) frame from (top, left), zeros outside
// of it, through Side, for all channels.
template <typename Side, typename Source>
void transform_pixels(const Source& source, std::int64_t h, std::int64_t w, std::int64_t top,
                      std::int64_t left, std::int64_t step, std::size_t channels,
                      const ChannelRange& range, float* v, std::size_t point_stride) {
  const D d;
  const std::int64_t last = (Side::kIn - 1) * step;
  const bool whole = top >= 0 && left >= 0 && top + last < h && left + last < w;
  for (std::size_t c = range.first; c < range.first + range.count; c += hn::Lanes(d)) {
    const std::size_t count = channels - std::min(c, channels);
    const auto store = [&](int i, int j, V value) {
      hn::StoreU(value, d, v + std::size_t(i * Side::kOut + j) * point_stride + (c - range.first));
    };
    if (count == 0) {
      for (int i = 0; i < Side::kOut * Side::kOut; ++i) store(0, i, hn::Zero(d));
      continue;
    }
    const auto channel = source.channel(c);
    if (whole && count >= hn::Lanes(d)) {
      transform<Side>([&](int i, int j) { return channel.whole(i, j); }, store);
    } else {
      transform<Side>(
          [&](int i, int j) {
            const std::int64_t y = top + i * step, x = left + j * step;
            const bool inside = y >= 0 && y < h && x >= 0 && x < w;
            return inside ? channel.some(i, j, count) : hn::Zero(d);
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

void input(const WinogradTiles& tiles, std::size_t tile, const ChannelRange& channels,
           const ConvolutionGradient& x, float* v, std::size_t point_stride) {
  const ConvolutionShape& s = tiles.shape;
  const Place place(tiles, tile);
  const std::int64_t top = place.top - s.pad_top, left = place.left - s.pad_left;
  const std::int64_t frame = place.frame * s.h * s.w * s.c;
  const Layout layout{s.w, s.c, x.fusion == Fusion::kDepthToSpace};
  const auto run_source = [&](const auto& source) {
    const auto run = [&](auto side) {
      transform_pixels<decltype(side)>(source, s.h, s.w, top, left, s.dilation, std::size_t(s.c),
                                       channels, v, point_stride);
    };
    if (tiles.side == 4) {
      run(InputSide<4>());
    } else {
      run(InputSide<6>());
    }
  };
  if (x.fusion == Fusion::kMaxPool) {
    const std::int64_t pooled_pixels = place.frame * (s.h / 2) * (s.w / 2);
    return run_source(PoolSource{x.dy.data() + pooled_pixels * s.c,
                                 x.winners.data() + winner_bytes(pooled_pixels, s.c), s.w, s.c, top,
                                 left});
  }
  const PlainSource plain{x.dy.data() + frame, layout, top, left, s.dilation};
  if (x.relu.empty()) return run_source(plain);
  run_source(ReluSource{plain, {x.relu.data() + frame, layout, top, left, s.dilation}});
}

void output_gradient(const WinogradTiles& tiles, std::size_t tile, const ConvolutionGradient& dy,
                     float* v, std::size_t point_stride) {
  const ConvolutionShape& s = tiles.shape;
  const Place place(tiles, tile);
  const PlainSource source{dy.dy.data() + place.frame * s.oh * s.ow * s.k,
                           {s.ow, s.k, dy.fusion == Fusion::kDepthToSpace},
                           place.top,
                           place.left,
                           s.dilation};
  with_form(tiles, [&](auto form) {
    transform_pixels<OutputGradientSide<form.kSide, form.kKernel>>(
        source, s.oh, s.ow, place.top, place.left, s.dilation, std::size_t(s.k),
        {0, winograd_padded(std::size_t(s.k))}, v, point_stride);
  });
}

V relu(V x) { return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(D())), x); }  // a NaN stays one

// The largest of the 2 x 2 values from (i, j) on, behind a ReLU; a NaN wins.
template <int Size>
void store_largest(const V (&values)[Size][Size], int i, int j, float* y, std::uint8_t* winners,
                   std::size_t c, std::size_t count) {
  const Integers integers;
  V best = values[i][j];
  auto place = hn::Zero(integers);
  for (int p = 1; p < 4; ++p) {
    const V x = values[i + p / 2][j + p % 2];
    const auto wins = hn::Or(hn::Gt(x, best), hn::IsNaN(x));
    best = hn::IfThenElse(wins, x, best);
    place = hn::IfThenElse(hn::RebindMask(integers, wins), hn::Set(integers, p), place);
  }
  store_some(relu(best), y, count);
  if (winners == nullptr) return;
  const auto positive = hn::RebindMask(integers, hn::Gt(best, hn::Zero(D())));
  const auto none = hn::Set(integers, kPool.no_winner());
  store_winners(hn::IfThenElse(positive, place, none), winners, c, count);
}

template <int Side, int R>
void output_of(const WinogradTiles& tiles, std::size_t tile, const ChannelRange& channels,
               const float* m, std::size_t point_stride, const ConvolutionOutput& output) {
  constexpr int kSize = Side - R + 1;
  const D d;
  const ConvolutionShape& s = tiles.shape;
  const Place place(tiles, tile);
  const std::int64_t rows = s.oh - place.top, columns = s.ow - place.left;  // that are left
  const Layout layout{s.ow, s.k, output.fusion == Fusion::kDepthToSpace};
  const std::int64_t frame = place.frame * s.oh * s.ow * s.k, step = s.dilation;
  const std::size_t end = std::min(std::size_t(s.k), channels.first + channels.count);
  for (std::size_t k = channels.first; k < end; k += hn::Lanes(d)) {
    const std::size_t count = std::size_t(s.k) - k;
    const V bias = output.b.empty() ? hn::Zero(d) : load_some(output.b.data() + k, count);
    const auto load = [&](int i, int j) {
      return hn::LoadU(d, m + std::size_t(i * Side + j) * point_stride + (k - channels.first));
    };
    if constexpr (kSize % 2 == 0) {
      if (output.fusion == Fusion::kMaxPool) {
        V values[kSize][kSize];
        transform<OutputSide<Side, R>>(
            load, [&](int i, int j, V value) { values[i][j] = hn::Add(value, bias); });
        for (int i = 0; i < std::min<std::int64_t>(kSize, rows); i += 2) {
          for (int j = 0; j < std::min<std::int64_t>(kSize, columns); j += 2) {
            const std::int64_t pixel =
                (place.frame * (s.oh / 2) + (place.top + i) / 2) * (s.ow / 2) +
                (place.left + j) / 2;
            store_largest(
                values, i, j, output.y.data() + pixel * s.k + k,
                output.winners.empty() ? nullptr : output.winners.data() + winner_bytes(pixel, s.k),
                k, count);
          }
        }
        continue;
      }
    }
    const bool has_norm = !output.norm.empty();
    const auto of_norm = [&](const auto& values) {
      return has_norm ? load_some(values.data() + k, count) : hn::Zero(d);
    };
    const V center = of_norm(output.norm.center), factor = of_norm(output.norm.factor),
            offset = of_norm(output.norm.offset);
    float* const first = output.y.data() + frame + layout.at(place.top, place.left, k);
    transform<OutputSide<Side, R>>(load, [&](int i, int j, V value) {
      if (i * step >= rows || j * step >= columns) return;
      V result = hn::Add(value, bias);
      if (output.activation == Activation::kRelu) result = relu(result);
      if (has_norm) result = hn::MulAdd(factor, hn::Sub(result, center), offset);
      store_some(result, first + i * step * layout.row() + j * step * layout.column(), count);
    });
  }
}

void output(const WinogradTiles& tiles, std::size_t tile, const ChannelRange& channels,
            const float* m, std::size_t point_stride, const ConvolutionOutput& output) {
  with_form(tiles, [&](auto form) {
    output_of<form.kSide, form.kKernel>(tiles, tile, channels, m, point_stride, output);
  });
}

template <int Side, int R>
void kernel_of(const KernelPanel& w, std::size_t panel, float* u, std::size_t point_stride) {
  const D d;
  for (std::size_t k = 0; k < panel; k += hn::Lanes(d)) {
    const std::size_t count = w.columns - std::min(k, w.columns);
    const auto store = [&](int i, int j, V value) {
      hn::StoreU(value, d, u + std::size_t(i * Side + j) * point_stride + k);
    };
    const auto tap = [&](int i, int j) {
      return w.first + std::size_t(i * R + j) * w.tap_stride + k;
    };
    if (count >= hn::Lanes(d)) {
      transform<KernelSide<Side, R>>([&](int i, int j) { return hn::LoadU(d, tap(i, j)); }, store);
    } else {
      transform<KernelSide<Side, R>>([&](int i, int j) { return load_some(tap(i, j), count); },
                                     store);
    }
  }
}

void kernel(const WinogradTiles& tiles, const KernelPanel& w, std::size_t panel, float* u,
            std::size_t point_stride) {
  with_form(tiles,
            [&](auto form) { kernel_of<form.kSide, form.kKernel>(w, panel, u, point_stride); });
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

WinogradTiles::WinogradTiles(const ConvolutionShape& s, std::size_t points_a_side, bool late_kernel)
    : shape(s),
      side(points_a_side),
      outputs(side - std::size_t(s.kh) + 1),
      phases(std::size_t(s.dilation) * std::size_t(s.dilation)),
      late(late_kernel) {
  const auto tiles_over = [&](std::int32_t size) {
    const std::size_t of_phase =
        (std::size_t(size) + std::size_t(s.dilation) - 1) / std::size_t(s.dilation);
    return (of_phase + outputs - 1) / outputs;
  };
  down = tiles_over(s.oh);
  across = tiles_over(s.ow);
}

void winograd_input(const WinogradTiles& tiles, std::size_t tile, const ChannelRange& channels,
                    const ConvolutionGradient& x, float* v, std::size_t point_stride) {
  HWY_DYNAMIC_DISPATCH(input)(tiles, tile, channels, x, v, point_stride);
}

void winograd_output_gradient(const WinogradTiles& tiles, std::size_t tile,
                              const ConvolutionGradient& dy, float* v, std::size_t point_stride) {
  HWY_DYNAMIC_DISPATCH(output_gradient)(tiles, tile, dy, v, point_stride);
}

void winograd_output(const WinogradTiles& tiles, std::size_t tile, const ChannelRange& channels,
                     const float* m, std::size_t point_stride, const ConvolutionOutput& output) {
  HWY_DYNAMIC_DISPATCH(output)(tiles, tile, channels, m, point_stride, output);
}

void winograd_kernel(const WinogradTiles& tiles, const KernelPanel& w, std::size_t panel, float* u,
                     std::size_t point_stride) {
  HWY_DYNAMIC_DISPATCH(kernel)(tiles, w, panel, u, point_stride);
}

void winograd_kernel_gradient(const WinogradTiles& tiles, std::size_t c, const float* u,
                              std::size_t point_stride, float* dw) {
  HWY_DYNAMIC_DISPATCH(kernel_gradient)(tiles, c, u, point_stride, dw);
}

}  // namespace afterglow
#endif
