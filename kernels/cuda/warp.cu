// Frames warped along a flow: a pixel a thread, whose origin may lie anywhere. The gradient goes
// the other way, in whole numbers: how many pixels come from one, and in which order they are
// added, nobody knows before.
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/rows.cuh"
#include "kernels/cuda/whole_sums.cuh"
#include "kernels/warp.hpp"

namespace afterglow::cuda {
namespace {

/// A pixel of a frame, blockIdx.y, that a thread has to do with.
struct WarpPixel {
  std::int32_t channels;
  bool exists;
  std::int64_t value;  // the first of its channels
  std::int64_t frame;  // the first value of its frame
  MotionOrigin origin;

  __device__ WarpPixel(const FrameGeometry& g, const float* flow) : channels(g.c) {
    const std::int32_t pixels = g.h * g.w;
    const auto in_frame = static_cast<std::int32_t>(blockIdx.x * kThreads + threadIdx.x);
    const std::int64_t before = std::int64_t{blockIdx.y} * pixels;
    exists = in_frame < pixels;
    frame = before * channels;
    value = frame + std::int64_t{in_frame} * channels;
    if (!exists) return;
    const float* const way = flow + 2 * (before + in_frame);
    origin = find_warp_origin(in_frame % g.w, in_frame / g.w, way[0], way[1], g.h, g.w);
  }

  /// Channel c of what the pixel comes from, k = 0 .. 3.
  __device__ std::int64_t from(int k, std::int32_t c) const {
    return frame + std::int64_t{origin.at[k]} * channels + c;
  }
};

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    warp_kernel(FrameGeometry g, const T* x, const float* flow, T* y) {
  const WarpPixel pixel(g, flow);
  for (std::int32_t c = 0; pixel.exists && c < g.c; c += kWidth) {
    Pack<T, kWidth> from[4], out;
#pragma unroll
    for (int k = 0; k < 4; ++k) from[k] = load<kWidth>(x + pixel.from(k, c));
#pragma unroll
    for (int i = 0; i < kWidth; ++i) {
      float sum = 0;
#pragma unroll
      for (int k = 0; k < 4; ++k) sum += pixel.origin.share[k] * to_float(from[k].values[i]);
      out.values[i] = from_float<T>(sum);
    }
    store(y + pixel.value + c, out);
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    warp_backward_kernel(FrameGeometry g, float unit, const T* dy, const float* flow,
                         unsigned long long* totals) {
  const WarpPixel pixel(g, flow);
  for (std::int32_t c = 0; pixel.exists && c < g.c; ++c) {
    const float gradient = limited_term(to_float(dy[pixel.value + c]));
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      add_whole(&totals[pixel.from(k, c)], pixel.origin.share[k] * gradient, unit);
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    whole_sums_kernel(std::int64_t n, float unit, const unsigned long long* totals, T* y) {
  for (std::int64_t i = thread_number(); i < n; i += thread_count()) {
    y[i] = from_float<T>(whole_sum(totals[i], unit));
  }
}

dim3 warp_grid(const FrameGeometry& g) {
  const auto pixels = static_cast<unsigned>(g.h) * static_cast<unsigned>(g.w);
  return {(pixels + kThreads - 1) / kThreads, static_cast<unsigned>(g.n)};
}

}  // namespace

template <typename T>
void warp(Stream stream, const FrameGeometry& g, const T* x, const float* flow, T* y) {
  if (g.size() == 0) return;
  with_row_width<T>(
      {std::int64_t{g.h} * g.w, g.c},
      [&](auto width) {
        constexpr int kWidth = width;
        launch(warp_kernel<T, kWidth>, warp_grid(g), kThreads, stream, g, x, flow, y);
      },
      x, y);
}

std::size_t warp_backward_workspace(const FrameGeometry& g) {
  return g.size() * sizeof(unsigned long long);
}

template <typename T>
void warp_backward(Stream stream, const FrameGeometry& g, const T* dy, const float* flow, T* dx,
                   void* workspace) {
  const auto size = static_cast<std::int64_t>(g.size());
  if (size == 0) return;
  auto* totals = static_cast<unsigned long long*>(workspace);
  fill<float>(stream, 2 * size, 0, static_cast<float*>(workspace));
  const float unit = whole_unit(std::int64_t{g.h} * g.w);  // all pixels may come from one
  launch(warp_backward_kernel<T>, warp_grid(g), kThreads, stream, g, unit, dy, flow, totals);
  launch(whole_sums_kernel<T>, blocks_for(size), kThreads, stream, size, unit,
         static_cast<const unsigned long long*>(totals), dx);
}

#define AFTERGLOW_INSTANTIATE(T)                                                \
  template void warp(Stream, const FrameGeometry&, const T*, const float*, T*); \
  template void warp_backward(Stream, const FrameGeometry&, const T*, const float*, T*, void*)
AFTERGLOW_INSTANTIATE(float);
AFTERGLOW_INSTANTIATE(bfloat16);
#undef AFTERGLOW_INSTANTIATE

}  // namespace afterglow::cuda
