// Nearest x2 upsampling, a thread for each low-resolution pack of channels.
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/vectors.cuh"

namespace afterglow::cuda {
namespace {

/// The first of the four upsampled packs of pack i of x(N, H, W, groups); the others follow one
/// pixel and one row on.
struct Quad {
  std::int64_t first, right, below;
  __device__ Quad(std::int64_t i, std::int32_t w, std::int32_t groups) {
    const std::int64_t pixel = i / groups;
    const std::int64_t group = i - pixel * groups;
    const std::int64_t row = pixel / w;  // n * H + y
    const std::int64_t column = pixel - row * w;
    right = groups;
    below = std::int64_t{2} * w * groups;
    first = (2 * row * 2 * w + 2 * column) * groups + group;
  }
};

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    upsample_nearest_kernel(std::int64_t packs, std::int32_t w, std::int32_t groups, const T* x,
                            T* y) {
  for (std::int64_t i = thread_number(); i < packs; i += thread_count()) {
    const Quad to(i, w, groups);
    const auto pack = load<kWidth>(x + i * kWidth);
    store(y + to.first * kWidth, pack);
    store(y + (to.first + to.right) * kWidth, pack);
    store(y + (to.first + to.below) * kWidth, pack);
    store(y + (to.first + to.below + to.right) * kWidth, pack);
  }
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    upsample_nearest_backward_kernel(std::int64_t packs, std::int32_t w, std::int32_t groups,
                                     const T* dy, T* dx) {
  for (std::int64_t i = thread_number(); i < packs; i += thread_count()) {
    const Quad from(i, w, groups);
    const auto a = load<kWidth>(dy + from.first * kWidth);
    const auto b = load<kWidth>(dy + (from.first + from.right) * kWidth);
    const auto c = load<kWidth>(dy + (from.first + from.below) * kWidth);
    const auto d = load<kWidth>(dy + (from.first + from.below + from.right) * kWidth);
    Pack<T, kWidth> sum;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      sum.values[k] = from_float<T>((to_float(a.values[k]) + to_float(b.values[k])) +
                                    (to_float(c.values[k]) + to_float(d.values[k])));
    }
    store(dx + i * kWidth, sum);
  }
}

/// Calls f with the width that channels and alignment allow.
template <typename T, typename F>
void with_width(std::int32_t c, const T* x, const T* y, const F& f) {
  constexpr int kWide = kWidthOf<T>;
  if (c % kWide == 0 && is_aligned<kWide>(x) && is_aligned<kWide>(y)) {
    f(std::integral_constant<int, kWide>());
  } else {
    f(std::integral_constant<int, 1>());
  }
}

}  // namespace

template <typename T>
void upsample_nearest(Stream stream, std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c,
                      const T* x, T* y) {
  const std::int64_t size = std::int64_t{n} * h * w * c;
  if (size == 0) return;
  with_width(c, x, static_cast<const T*>(y), [&](auto width) {
    constexpr int kWidth = width;
    launch(upsample_nearest_kernel<T, kWidth>, blocks_for(size / kWidth), kThreads, stream,
           size / kWidth, w, c / kWidth, x, y);
  });
}

template <typename T>
void upsample_nearest_backward(Stream stream, std::int32_t n, std::int32_t h, std::int32_t w,
                               std::int32_t c, const T* dy, T* dx) {
  const std::int64_t size = std::int64_t{n} * h * w * c;
  if (size == 0) return;
  with_width(c, dy, static_cast<const T*>(dx), [&](auto width) {
    constexpr int kWidth = width;
    launch(upsample_nearest_backward_kernel<T, kWidth>, blocks_for(size / kWidth), kThreads, stream,
           size / kWidth, w, c / kWidth, dy, dx);
  });
}

#define AFTERGLOW_INSTANTIATE(T)                                                                 \
  template void upsample_nearest(Stream, std::int32_t, std::int32_t, std::int32_t, std::int32_t, \
                                 const T*, T*);                                                  \
  template void upsample_nearest_backward(Stream, std::int32_t, std::int32_t, std::int32_t,      \
                                          std::int32_t, const T*, T*)
AFTERGLOW_INSTANTIATE(float);
AFTERGLOW_INSTANTIATE(bfloat16);
#undef AFTERGLOW_INSTANTIATE

}  // namespace afterglow::cuda
