// The annealed mean over bins: a warp a row, whose lanes walk the bins. The row's scores are read
// twice (three times backward), the later times from the first cache.
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/vectors.cuh"

namespace afterglow::cuda {
namespace {

constexpr int kMost = SoftmaxMeanGeometry::kMostOutputs;

/// One row's largest score, the sum of its weights and their mean of the centres, in every lane.
struct Softmax {
  float largest, weights;
  float mean[kMost];
};

__device__ float sum_of_lanes(float value) {
  for (int distance = 16; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(0xffffffffU, value, distance);
  }
  return value;
}

template <typename T>
__device__ Softmax softmax_of(const SoftmaxMeanGeometry& g, float factor, const T* x,
                              const float* centres) {
  const auto lane = static_cast<std::int32_t>(threadIdx.x % 32);
  Softmax row{-INFINITY, 0, {}};
  // A NaN is never larger, but makes its own weight one, and so the mean.
  for (std::int32_t k = lane; k < g.bins; k += 32) {
    row.largest = fmaxf(row.largest, factor * to_float(x[k]));
  }
  for (int distance = 16; distance > 0; distance /= 2) {
    row.largest = fmaxf(row.largest, __shfl_xor_sync(0xffffffffU, row.largest, distance));
  }
  for (std::int32_t k = lane; k < g.bins; k += 32) {
    const float weight = expf(factor * to_float(x[k]) - row.largest);
    row.weights += weight;
#pragma unroll
    for (int j = 0; j < kMost; ++j) {
      if (j < g.outputs) row.mean[j] += weight * centres[k * g.outputs + j];
    }
  }
  row.weights = sum_of_lanes(row.weights);
#pragma unroll
  for (int j = 0; j < kMost; ++j) row.mean[j] = sum_of_lanes(row.mean[j]) / row.weights;
  return row;
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    softmax_mean_kernel(SoftmaxMeanGeometry g, float factor, const T* x, const float* centres,
                        T* y) {
  const std::int64_t warps = thread_count() / 32;
  for (std::int64_t i = thread_number() / 32; i < g.rows; i += warps) {
    const Softmax row = softmax_of(g, factor, x + i * g.bins, centres);
    const auto lane = static_cast<std::int32_t>(threadIdx.x % 32);
#pragma unroll
    for (int j = 0; j < kMost; ++j) {
      if (j == lane && j < g.outputs) y[i * g.outputs + j] = from_float<T>(row.mean[j]);
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    softmax_mean_backward_kernel(SoftmaxMeanGeometry g, float factor, const T* x,
                                 const float* centres, const T* dy, T* dx) {
  const std::int64_t warps = thread_count() / 32;
  for (std::int64_t i = thread_number() / 32; i < g.rows; i += warps) {
    const Softmax row = softmax_of(g, factor, x + i * g.bins, centres);
    for (auto k = static_cast<std::int32_t>(threadIdx.x % 32); k < g.bins; k += 32) {
      float along = 0;
#pragma unroll
      for (int j = 0; j < kMost; ++j) {
        if (j < g.outputs) {
          along += (centres[k * g.outputs + j] - row.mean[j]) * to_float(dy[i * g.outputs + j]);
        }
      }
      const float weight = expf(factor * to_float(x[i * g.bins + k]) - row.largest) / row.weights;
      dx[i * g.bins + k] = from_float<T>(factor * weight * along);
    }
  }
}

}  // namespace

template <typename T>
void softmax_mean(Stream stream, const SoftmaxMeanGeometry& g, float factor, const T* x,
                  const float* centres, T* y) {
  if (g.y_size() == 0) return;
  launch(softmax_mean_kernel<T>, blocks_for(32 * g.rows), kThreads, stream, g, factor, x, centres,
         y);
}

template <typename T>
void softmax_mean_backward(Stream stream, const SoftmaxMeanGeometry& g, float factor, const T* x,
                           const float* centres, const T* dy, T* dx) {
  if (g.x_size() == 0) return;
  launch(softmax_mean_backward_kernel<T>, blocks_for(32 * g.rows), kThreads, stream, g, factor, x,
         centres, dy, dx);
}

#define AFTERGLOW_INSTANTIATE(T)                                                                \
  template void softmax_mean(Stream, const SoftmaxMeanGeometry&, float, const T*, const float*, \
                             T*);                                                               \
  template void softmax_mean_backward(Stream, const SoftmaxMeanGeometry&, float, const T*,      \
                                      const float*, const T*, T*)
AFTERGLOW_INSTANTIATE(float);
AFTERGLOW_INSTANTIATE(bfloat16);
#undef AFTERGLOW_INSTANTIATE

}  // namespace afterglow::cuda
