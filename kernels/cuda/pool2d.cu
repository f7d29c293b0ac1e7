// Pooling: forward a thread for a few channels of each result, backward for each input pixel, which
// looks up the windows that it lies in.
#include <type_traits>

#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/vectors.cuh"

namespace afterglow::cuda {
namespace {

/// A stretch of rows or columns.
struct Range {
  std::int32_t begin, end;
};

/// The input rows (columns) of window `at`, cut to the picture; `before` of them, unclipped, lie
/// above it.
struct Window {
  std::int32_t first;  // may be negative
  Range inside;
  __device__ Window(std::int32_t at, std::int32_t window, std::int32_t stride, std::int32_t pad,
                    std::int32_t in) {
    first = at * stride - pad;
    inside = {first < 0 ? 0 : first, first + window < in ? first + window : in};
  }
};

/// The windows that input row (column) `at` lies in.
__device__ Range windows_of(std::int32_t at, std::int32_t window, std::int32_t stride,
                            std::int32_t pad, std::int32_t out) {
  const std::int32_t reach = at + pad - window + 1;  // of the first window's start, before rounding
  const std::int32_t begin = reach <= 0 ? 0 : (reach + stride - 1) / stride;
  const std::int32_t end = (at + pad) / stride + 1;
  return {begin, end < out ? end : out};
}

/// What a pooling kernel needs of its geometry, worked out once.
struct Pool {
  std::int32_t n, h, w, groups;  // of the channels that a thread takes
  std::int32_t out_h, out_w, window, stride, pad_top, pad_left;
};

template <int kWidth>
Pool pool_of(const Pool2dGeometry& g) {
  return {g.n,
          g.h,
          g.w,
          (g.c + kWidth - 1) / kWidth,
          g.out_h(),
          g.out_w(),
          g.window,
          g.stride,
          window_pad_before(g.h, g.window, g.stride, 1, g.padding),
          window_pad_before(g.w, g.window, g.stride, 1, g.padding)};
}

/// Pack i of an (N, H, W, groups) tensor.
struct Place {
  std::int32_t n, y, x, group;
  __device__ Place(std::int64_t i, std::int32_t h, std::int32_t w, std::int32_t groups) {
    group = static_cast<std::int32_t>(i % groups);
    i /= groups;
    x = static_cast<std::int32_t>(i % w);
    i /= w;
    y = static_cast<std::int32_t>(i % h);
    n = static_cast<std::int32_t>(i / h);
  }
};

/// Channels that a thread takes: a pack, or as many values one by one as fill bytes with their
/// winners' bits.
template <int kWidth>
inline constexpr int kChannels = kWidth == 1 ? 4 : kWidth;

/// How winners lie (Pool2dGeometry).
struct WinnerLayout {
  std::int32_t channels, bits, pixel_bytes, none;
};

WinnerLayout winner_layout(const Pool2dGeometry& g) {
  return {g.c, g.winner_bits(), g.winner_bytes_a_pixel(), g.no_winner()};
}

/// The values of a thread's channels from `at` on; `count` of them are there.
template <int kWidth, typename T>
__device__ __forceinline__ Pack<T, kChannels<kWidth>> load_channels(const T* at,
                                                                    std::int32_t count) {
  if constexpr (kWidth > 1) {
    return load<kWidth>(at);
  } else {
    Pack<T, kChannels<kWidth>> pack{};
#pragma unroll
    for (int k = 0; k < kChannels<kWidth>; ++k) {
      if (k < count) pack.values[k] = at[k];
    }
    return pack;
  }
}
template <int kWidth, typename T>
__device__ __forceinline__ void store_channels(T* at, std::int32_t count,
                                               const Pack<T, kChannels<kWidth>>& pack) {
  if constexpr (kWidth > 1) {
    store(at, pack);
  } else {
#pragma unroll
    for (int k = 0; k < kChannels<kWidth>; ++k) {
      if (k < count) at[k] = pack.values[k];
    }
  }
}

/// The winners of a thread's channels, the first in the lowest bits.
template <int kWidth>
using WinnerBits = std::conditional_t<(kChannels<kWidth> > 4), std::uint64_t, std::uint32_t>;

template <int kBytes, typename Bits>
__device__ __forceinline__ Bits load_bits(const std::uint8_t* at) {
  const auto bytes = load<kBytes>(at);
  Bits result = 0;
  memcpy(&result, &bytes, kBytes);
  return result;
}
template <int kBytes, typename Bits>
__device__ __forceinline__ void store_bits(std::uint8_t* at, Bits winners) {
  Pack<std::uint8_t, kBytes> bytes;
  memcpy(&bytes, &winners, kBytes);
  store(at, bytes);
}

/// Bytes that the winners of `count` channels fill.
__device__ __forceinline__ std::int32_t winner_bytes(const WinnerLayout& l, std::int32_t count) {
  return (count * l.bits + 7) / 8;
}

template <int kWidth>
__device__ __forceinline__ WinnerBits<kWidth> load_winners(const WinnerLayout& l,
                                                           const std::uint8_t* at,
                                                           std::int32_t count) {
  using Bits = WinnerBits<kWidth>;
  if constexpr (kWidth > 1) {
    switch (l.bits) {
      case 2:
        return load_bits<kWidth / 4, Bits>(at);
      case 4:
        return load_bits<kWidth / 2, Bits>(at);
      default:
        return load_bits<kWidth, Bits>(at);
    }
  } else {
    Bits winners = 0;
    for (std::int32_t byte = 0; byte < winner_bytes(l, count); ++byte) {
      winners |= Bits{at[byte]} << (8 * byte);
    }
    return winners;
  }
}
template <int kWidth>
__device__ __forceinline__ void store_winners(const WinnerLayout& l, std::uint8_t* at,
                                              std::int32_t count, WinnerBits<kWidth> winners) {
  if constexpr (kWidth > 1) {
    switch (l.bits) {
      case 2:
        return store_bits<kWidth / 4>(at, winners);
      case 4:
        return store_bits<kWidth / 2>(at, winners);
      default:
        return store_bits<kWidth>(at, winners);
    }
  } else {
    for (std::int32_t byte = 0; byte < winner_bytes(l, count); ++byte) {
      at[byte] = static_cast<std::uint8_t>(winners >> (8 * byte));
    }
  }
}

template <typename T, int kWidth, bool kRelu>
__global__ void __launch_bounds__(kThreads)
    max_pool2d_kernel(Pool p, WinnerLayout l, const T* x, T* y, std::uint8_t* winners) {
  constexpr int kTaken = kChannels<kWidth>;
  const std::int64_t size = std::int64_t{p.n} * p.out_h * p.out_w * p.groups;
  for (std::int64_t i = thread_number(); i < size; i += thread_count()) {
    const Place at(i, p.out_h, p.out_w, p.groups);
    const Window rows(at.y, p.window, p.stride, p.pad_top, p.h);
    const Window columns(at.x, p.window, p.stride, p.pad_left, p.w);
    const std::int32_t channel = at.group * kTaken;
    const std::int32_t count = l.channels - channel < kTaken ? l.channels - channel : kTaken;
    Pack<T, kTaken> best{};
    std::uint8_t winner[kTaken] = {};
    bool first = true;
    for (std::int32_t row = rows.inside.begin; row < rows.inside.end; ++row) {
      for (std::int32_t column = columns.inside.begin; column < columns.inside.end; ++column) {
        const std::int64_t pixel = (std::int64_t{at.n} * p.h + row) * p.w + column;
        const auto in = load_channels<kWidth>(x + pixel * l.channels + channel, count);
        const auto place =
            static_cast<std::uint8_t>((row - rows.first) * p.window + column - columns.first);
#pragma unroll
        for (int k = 0; k < kTaken; ++k) {
          const float value = to_float(in.values[k]);
          if (first || value > to_float(best.values[k]) || value != value) {
            best.values[k] = in.values[k];
            winner[k] = place;
          }
        }
        first = false;
      }
    }
    if (kRelu) {
#pragma unroll
      for (int k = 0; k < kTaken; ++k) {
        const float value = to_float(best.values[k]);
        if (!(value > 0)) winner[k] = static_cast<std::uint8_t>(l.none);
        if (value < 0) best.values[k] = from_float<T>(0);
      }
    }
    const std::int64_t pixel = i / p.groups;
    store_channels<kWidth>(y + pixel * l.channels + channel, count, best);
    if (winners == nullptr) continue;
    WinnerBits<kWidth> bits = 0;
#pragma unroll
    for (int k = 0; k < kTaken; ++k) {
      if (kWidth > 1 || k < count) bits |= WinnerBits<kWidth>{winner[k]} << (k * l.bits);
    }
    store_winners<kWidth>(l, winners + pixel * l.pixel_bytes + channel * l.bits / 8, count, bits);
  }
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    max_pool2d_backward_kernel(Pool p, WinnerLayout l, const T* dy, const std::uint8_t* winners,
                               T* dx) {
  constexpr int kTaken = kChannels<kWidth>;
  const std::int32_t mask = (1 << l.bits) - 1;
  const std::int64_t size = std::int64_t{p.n} * p.h * p.w * p.groups;
  for (std::int64_t i = thread_number(); i < size; i += thread_count()) {
    const Place at(i, p.h, p.w, p.groups);
    const Range rows = windows_of(at.y, p.window, p.stride, p.pad_top, p.out_h);
    const Range columns = windows_of(at.x, p.window, p.stride, p.pad_left, p.out_w);
    const std::int32_t channel = at.group * kTaken;
    const std::int32_t count = l.channels - channel < kTaken ? l.channels - channel : kTaken;
    float sums[kTaken] = {};
    for (std::int32_t oy = rows.begin; oy < rows.end; ++oy) {
#pragma unroll 1  // mostly one window: several at once would only take registers
      for (std::int32_t ox = columns.begin; ox < columns.end; ++ox) {
        const std::int32_t place =
            (at.y + p.pad_top - oy * p.stride) * p.window + at.x + p.pad_left - ox * p.stride;
        const std::int64_t pixel = (std::int64_t{at.n} * p.out_h + oy) * p.out_w + ox;
        const auto gradient = load_channels<kWidth>(dy + pixel * l.channels + channel, count);
        const WinnerBits<kWidth> bits =
            load_winners<kWidth>(l, winners + pixel * l.pixel_bytes + channel * l.bits / 8, count);
#pragma unroll
        for (int k = 0; k < kTaken; ++k) {
          const auto winner = static_cast<std::int32_t>(bits >> (k * l.bits)) & mask;
          if (winner == place) sums[k] += to_float(gradient.values[k]);
        }
      }
    }
    Pack<T, kTaken> out;
#pragma unroll
    for (int k = 0; k < kTaken; ++k) out.values[k] = from_float<T>(sums[k]);
    store_channels<kWidth>(dx + i / p.groups * l.channels + channel, count, out);
  }
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads) avg_pool2d_kernel(Pool p, const T* x, T* y) {
  const std::int64_t size = std::int64_t{p.n} * p.out_h * p.out_w * p.groups;
  for (std::int64_t i = thread_number(); i < size; i += thread_count()) {
    const Place at(i, p.out_h, p.out_w, p.groups);
    const Range rows = Window(at.y, p.window, p.stride, p.pad_top, p.h).inside;
    const Range columns = Window(at.x, p.window, p.stride, p.pad_left, p.w).inside;
    float sums[kWidth] = {};
    for (std::int32_t row = rows.begin; row < rows.end; ++row) {
      for (std::int32_t column = columns.begin; column < columns.end; ++column) {
        const std::int64_t pixel = (std::int64_t{at.n} * p.h + row) * p.w + column;
        const auto in = load<kWidth>(x + (pixel * p.groups + at.group) * kWidth);
#pragma unroll
        for (int k = 0; k < kWidth; ++k) sums[k] += to_float(in.values[k]);
      }
    }
    const auto count = static_cast<float>((rows.end - rows.begin) * (columns.end - columns.begin));
    Pack<T, kWidth> out;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) out.values[k] = from_float<T>(sums[k] / count);
    store(y + i * kWidth, out);
  }
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads) avg_pool2d_backward_kernel(Pool p, const T* dy, T* dx) {
  const std::int64_t size = std::int64_t{p.n} * p.h * p.w * p.groups;
  for (std::int64_t i = thread_number(); i < size; i += thread_count()) {
    const Place at(i, p.h, p.w, p.groups);
    const Range rows = windows_of(at.y, p.window, p.stride, p.pad_top, p.out_h);
    const Range columns = windows_of(at.x, p.window, p.stride, p.pad_left, p.out_w);
    float sums[kWidth] = {};
    for (std::int32_t oy = rows.begin; oy < rows.end; ++oy) {
      const Range in_rows = Window(oy, p.window, p.stride, p.pad_top, p.h).inside;
      for (std::int32_t ox = columns.begin; ox < columns.end; ++ox) {
        const Range in_columns = Window(ox, p.window, p.stride, p.pad_left, p.w).inside;
        const auto count =
            static_cast<float>((in_rows.end - in_rows.begin) * (in_columns.end - in_columns.begin));
        const std::int64_t pixel = (std::int64_t{at.n} * p.out_h + oy) * p.out_w + ox;
        const auto gradient = load<kWidth>(dy + (pixel * p.groups + at.group) * kWidth);
#pragma unroll
        for (int k = 0; k < kWidth; ++k) sums[k] += to_float(gradient.values[k]) / count;
      }
    }
    Pack<T, kWidth> out;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) out.values[k] = from_float<T>(sums[k]);
    store(dx + i * kWidth, out);
  }
}

/// Calls f with the width that channels and alignment allow. A pack's winners are as many bytes at
/// most.
template <typename T, typename F, typename... Pointers>
void with_width(std::int32_t channels, const std::uint8_t* winners, const F& f,
                const Pointers*... pointers) {
  constexpr int kWide = kWidthOf<T>;
  if (channels % kWide == 0 && is_aligned<kWide>(winners) && (... && is_aligned<kWide>(pointers))) {
    f(std::integral_constant<int, kWide>());
  } else {
    f(std::integral_constant<int, 1>());
  }
}

/// A thread for so many channels of every pixel.
template <int kTaken>
unsigned grid_for(std::size_t size, std::int32_t channels) {
  const auto pixels = static_cast<std::int64_t>(size) / channels;
  return blocks_for(pixels * ((channels + kTaken - 1) / kTaken));
}

}  // namespace

template <typename T>
void max_pool2d(Stream stream, const Pool2dGeometry& g, const T* x, T* y, std::uint8_t* winners) {
  if (g.y_size() == 0) return;
  with_width<T>(
      g.c, winners,
      [&](auto width) {
        constexpr int kWidth = width, kTaken = kChannels<kWidth>;
        launch(g.relu ? max_pool2d_kernel<T, kWidth, true> : max_pool2d_kernel<T, kWidth, false>,
               grid_for<kTaken>(g.y_size(), g.c), kThreads, stream, pool_of<kTaken>(g),
               winner_layout(g), x, y, winners);
      },
      x, y);
}

template <typename T>
void max_pool2d_backward(Stream stream, const Pool2dGeometry& g, const T* dy,
                         const std::uint8_t* winners, T* dx) {
  if (g.x_size() == 0) return;
  with_width<T>(
      g.c, winners,
      [&](auto width) {
        constexpr int kWidth = width, kTaken = kChannels<kWidth>;
        launch(max_pool2d_backward_kernel<T, kWidth>, grid_for<kTaken>(g.x_size(), g.c), kThreads,
               stream, pool_of<kTaken>(g), winner_layout(g), dy, winners, dx);
      },
      dy, dx);
}

template <typename T>
void avg_pool2d(Stream stream, const Pool2dGeometry& g, const T* x, T* y) {
  if (g.y_size() == 0) return;
  with_width<T>(
      g.c, nullptr,
      [&](auto width) {
        constexpr int kWidth = width;
        launch(avg_pool2d_kernel<T, kWidth>, grid_for<kWidth>(g.y_size(), g.c), kThreads, stream,
               pool_of<kWidth>(g), x, y);
      },
      x, y);
}

template <typename T>
void avg_pool2d_backward(Stream stream, const Pool2dGeometry& g, const T* dy, T* dx) {
  if (g.x_size() == 0) return;
  with_width<T>(
      g.c, nullptr,
      [&](auto width) {
        constexpr int kWidth = width;
        launch(avg_pool2d_backward_kernel<T, kWidth>, grid_for<kWidth>(g.x_size(), g.c), kThreads,
               stream, pool_of<kWidth>(g), dy, dx);
      },
      dy, dx);
}

#define AFTERGLOW_INSTANTIATE(T)                                                                  \
  template void max_pool2d(Stream, const Pool2dGeometry&, const T*, T*, std::uint8_t*);           \
  template void max_pool2d_backward(Stream, const Pool2dGeometry&, const T*, const std::uint8_t*, \
                                    T*);                                                          \
  template void avg_pool2d(Stream, const Pool2dGeometry&, const T*, T*);                          \
  template void avg_pool2d_backward(Stream, const Pool2dGeometry&, const T*, T*)
AFTERGLOW_INSTANTIATE(float);
AFTERGLOW_INSTANTIATE(bfloat16);
#undef AFTERGLOW_INSTANTIATE

}  // namespace afterglow::cuda
