// Pooling: forward a thread for each result, backward a thread for each input pixel, which looks up
// the windows that it lies in.
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
  std::int32_t n, h, w, groups;  // channels / kWidth
  std::int32_t out_h, out_w, window, stride, pad_top, pad_left;
};

template <int kWidth>
Pool pool_of(const Pool2dGeometry& g) {
  return {g.n,
          g.h,
          g.w,
          g.c / kWidth,
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

template <typename T, int kWidth, bool kRelu>
__global__ void __launch_bounds__(kThreads)
    max_pool2d_kernel(Pool p, const T* x, T* y, std::uint8_t* argmax) {
  const std::int64_t size = std::int64_t{p.n} * p.out_h * p.out_w * p.groups;
  for (std::int64_t i = thread_number(); i < size; i += thread_count()) {
    const Place at(i, p.out_h, p.out_w, p.groups);
    const Window rows(at.y, p.window, p.stride, p.pad_top, p.h);
    const Window columns(at.x, p.window, p.stride, p.pad_left, p.w);
    Pack<T, kWidth> best{};
    Pack<std::uint8_t, kWidth> winner{};
    bool first = true;
    for (std::int32_t row = rows.inside.begin; row < rows.inside.end; ++row) {
      for (std::int32_t column = columns.inside.begin; column < columns.inside.end; ++column) {
        const std::int64_t pixel = (std::int64_t{at.n} * p.h + row) * p.w + column;
        const auto in = load<kWidth>(x + (pixel * p.groups + at.group) * kWidth);
        const auto place =
            static_cast<std::uint8_t>((row - rows.first) * p.window + column - columns.first);
#pragma unroll
        for (int k = 0; k < kWidth; ++k) {
          const float value = to_float(in.values[k]);
          if (first || value > to_float(best.values[k]) || value != value) {
            best.values[k] = in.values[k];
            winner.values[k] = place;
          }
        }
        first = false;
      }
    }
    if (kRelu) {
#pragma unroll
      for (int k = 0; k < kWidth; ++k) {
        const float value = to_float(best.values[k]);
        if (!(value > 0)) winner.values[k] = kNoWinner;
        if (value < 0) best.values[k] = from_float<T>(0);
      }
    }
    store(y + i * kWidth, best);
    if (argmax != nullptr) store(argmax + i * kWidth, winner);
  }
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    max_pool2d_backward_kernel(Pool p, const T* dy, const std::uint8_t* argmax, T* dx) {
  const std::int64_t size = std::int64_t{p.n} * p.h * p.w * p.groups;
  for (std::int64_t i = thread_number(); i < size; i += thread_count()) {
    const Place at(i, p.h, p.w, p.groups);
    const Range rows = windows_of(at.y, p.window, p.stride, p.pad_top, p.out_h);
    const Range columns = windows_of(at.x, p.window, p.stride, p.pad_left, p.out_w);
    float sums[kWidth] = {};
    for (std::int32_t oy = rows.begin; oy < rows.end; ++oy) {
      for (std::int32_t ox = columns.begin; ox < columns.end; ++ox) {
        const auto place = static_cast<std::uint8_t>((at.y + p.pad_top - oy * p.stride) * p.window +
                                                     at.x + p.pad_left - ox * p.stride);
        const std::int64_t pixel = (std::int64_t{at.n} * p.out_h + oy) * p.out_w + ox;
        const std::int64_t from = (pixel * p.groups + at.group) * kWidth;
        const auto gradient = load<kWidth>(dy + from);
        const auto winner = load<kWidth>(argmax + from);
#pragma unroll
        for (int k = 0; k < kWidth; ++k) {
          if (winner.values[k] == place) sums[k] += to_float(gradient.values[k]);
        }
      }
    }
    Pack<T, kWidth> out;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) out.values[k] = from_float<T>(sums[k]);
    store(dx + i * kWidth, out);
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

/// Calls f with the width that channels and alignment allow. Winners are bytes: as wide as a pack,
/// but never wider aligned than it.
template <typename T, typename F, typename... Pointers>
void with_width(std::int32_t channels, const std::uint8_t* argmax, const F& f,
                const Pointers*... pointers) {
  constexpr int kWide = kWidthOf<T>;
  if (channels % kWide == 0 && is_aligned<kWide>(argmax) && (... && is_aligned<kWide>(pointers))) {
    f(std::integral_constant<int, kWide>());
  } else {
    f(std::integral_constant<int, 1>());
  }
}

template <int kWidth>
unsigned grid_for(std::size_t size) {
  return blocks_for(static_cast<std::int64_t>(size) / kWidth);
}

}  // namespace

template <typename T>
void max_pool2d(Stream stream, const Pool2dGeometry& g, bool relu, const T* x, T* y,
                std::uint8_t* argmax) {
  if (g.y_size() == 0) return;
  with_width<T>(
      g.c, argmax,
      [&](auto width) {
        constexpr int kWidth = width;
        launch(relu ? max_pool2d_kernel<T, kWidth, true> : max_pool2d_kernel<T, kWidth, false>,
               grid_for<kWidth>(g.y_size()), kThreads, stream, pool_of<kWidth>(g), x, y, argmax);
      },
      x, y);
}

template <typename T>
void max_pool2d_backward(Stream stream, const Pool2dGeometry& g, const T* dy,
                         const std::uint8_t* argmax, T* dx) {
  if (g.x_size() == 0) return;
  with_width<T>(
      g.c, argmax,
      [&](auto width) {
        constexpr int kWidth = width;
        launch(max_pool2d_backward_kernel<T, kWidth>, grid_for<kWidth>(g.x_size()), kThreads,
               stream, pool_of<kWidth>(g), dy, argmax, dx);
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
        launch(avg_pool2d_kernel<T, kWidth>, grid_for<kWidth>(g.y_size()), kThreads, stream,
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
        launch(avg_pool2d_backward_kernel<T, kWidth>, grid_for<kWidth>(g.x_size()), kThreads,
               stream, pool_of<kWidth>(g), dy, dx);
      },
      dy, dx);
}

#define AFTERGLOW_INSTANTIATE(T)                                                                  \
  template void max_pool2d(Stream, const Pool2dGeometry&, bool, const T*, T*, std::uint8_t*);     \
  template void max_pool2d_backward(Stream, const Pool2dGeometry&, const T*, const std::uint8_t*, \
                                    T*);                                                          \
  template void avg_pool2d(Stream, const Pool2dGeometry&, const T*, T*);                          \
  template void avg_pool2d_backward(Stream, const Pool2dGeometry&, const T*, T*)
AFTERGLOW_INSTANTIATE(float);
AFTERGLOW_INSTANTIATE(bfloat16);
#undef AFTERGLOW_INSTANTIATE

}  // namespace afterglow::cuda
