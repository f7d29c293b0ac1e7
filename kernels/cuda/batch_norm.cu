// Batch normalisation. Sums over the rows in two stages, in a fixed order: stretches of rows, then
// the stretches.
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/rows.cuh"

namespace afterglow::cuda {
namespace {

constexpr std::int64_t kMostStretches = 256;
constexpr std::int64_t kRowsEach = 8;

dim3 sum_grid(const ChannelGeometry& g) { return row_grid<1>(g, kRowsEach, kMostStretches); }

/// Count, mean and sum of squared differences from it; in double, because means far from 0 differ
/// little from each other.
struct Moments {
  double count, mean, squares;

  /// Both together (Chan, Golub & LeVeque 1979).
  __device__ void add(const Moments& other) {
    if (other.count == 0) return;
    const double total = count + other.count;
    const double apart = other.mean - mean;
    const double share = other.count / total;
    mean += apart * share;
    squares += other.squares + apart * apart * count * share;
    count = total;
  }
};

// Shared memory lies in functions that are no templates: g++ puts that of templates where
// tests/simt cannot fill it before a block.
__device__ Moments* shared_moments() {
  __shared__ Moments lanes[kThreads];
  return lanes;
}

/// partials(stretch, channel). A thread's values are summed as differences from its first: float is
/// then precise enough whatever their mean is.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    moments_kernel(std::int64_t rows, std::int32_t channels, const T* x, Moments* partials) {
  Moments* const lanes = shared_moments();
  const RowWalk<1> walk(channels);
  float shift = 0, sum = 0, squares = 0, count = 0;
  if (walk.active && walk.first_row < rows) {
    shift = to_float(x[walk.first_row * channels + walk.channel()]);
    for (std::int64_t row = walk.first_row; row < rows; row += walk.row_step) {
      const float difference = to_float(x[row * channels + walk.channel()]) - shift;
      sum += difference;
      squares += difference * difference;
      count += 1;
    }
  }
  const float mean = count > 0 ? sum / count : 0.0F;
  Moments all{static_cast<double>(count), static_cast<double>(shift) + static_cast<double>(mean),
              static_cast<double>(squares) - static_cast<double>(sum) * static_cast<double>(mean)};
  lanes[threadIdx.x] = all;
  __syncthreads();
  if (!walk.active || walk.row_lane != 0) return;
  for (std::int32_t lane = 1; lane < walk.row_lanes; ++lane) {
    all.add(lanes[lane * walk.width + walk.in_block]);
  }
  partials[std::int64_t{blockIdx.x} * channels + walk.channel()] = all;
}

__device__ Moments from_lane(const Moments& moments, int distance) {
  return {__shfl_down_sync(0xffffffffU, moments.count, distance),
          __shfl_down_sync(0xffffffffU, moments.mean, distance),
          __shfl_down_sync(0xffffffffU, moments.squares, distance)};
}

/// A warp a channel.
__global__ void __launch_bounds__(kThreads)
    add_moments_kernel(std::int32_t stretches, std::int32_t channels, const Moments* partials,
                       float* mean, float* variance, float* mean_rest) {
  const auto channel = static_cast<std::int32_t>(thread_number() / 32);
  if (channel >= channels) return;  // whole warps
  const auto lane = static_cast<std::int32_t>(threadIdx.x % 32);
  Moments all{0, 0, 0};
  for (std::int32_t i = lane; i < stretches; i += 32) {
    all.add(partials[std::int64_t{i} * channels + channel]);
  }
  for (int distance = 16; distance > 0; distance /= 2) all.add(from_lane(all, distance));
  if (lane != 0) return;
  const auto rounded = static_cast<float>(all.mean);
  mean[channel] = rounded;
  mean_rest[channel] = static_cast<float>(all.mean - static_cast<double>(rounded));
  variance[channel] = static_cast<float>(all.squares / all.count);
}

/// What a backward pass sums over the rows: dy, and dy times the normalised x.
struct GradientSums {
  float dbeta, dgamma;
};

__device__ GradientSums* shared_gradient_sums() {
  __shared__ GradientSums lanes[kThreads];
  return lanes;
}

/// `x` may be nullptr: dgamma is then 0.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    gradient_sums_kernel(std::int64_t rows, std::int32_t channels, const T* x, const T* dy,
                         const float* mean, const float* variance, float epsilon,
                         GradientSums* partials) {
  GradientSums* const lanes = shared_gradient_sums();
  const RowWalk<1> walk(channels);
  GradientSums sums{0, 0};
  if (walk.active) {
    const float center = mean[walk.channel()];
    const float scale = 1.0F / sqrtf(variance[walk.channel()] + epsilon);
    for (std::int64_t row = walk.first_row; row < rows; row += walk.row_step) {
      const std::int64_t at = row * channels + walk.channel();
      const float gradient = to_float(dy[at]);
      sums.dbeta += gradient;
      if (x != nullptr) sums.dgamma += gradient * ((to_float(x[at]) - center) * scale);
    }
  }
  lanes[threadIdx.x] = sums;
  __syncthreads();
  if (!walk.active || walk.row_lane != 0) return;
  for (std::int32_t lane = 1; lane < walk.row_lanes; ++lane) {
    const GradientSums other = lanes[lane * walk.width + walk.in_block];
    sums.dbeta += other.dbeta;
    sums.dgamma += other.dgamma;
  }
  partials[std::int64_t{blockIdx.x} * channels + walk.channel()] = sums;
}

/// A warp a channel. dgamma, dbeta may be nullptr.
__global__ void __launch_bounds__(kThreads)
    add_gradient_sums_kernel(std::int32_t stretches, std::int32_t channels,
                             const GradientSums* partials, float* dgamma, float* dbeta) {
  const auto channel = static_cast<std::int32_t>(thread_number() / 32);
  if (channel >= channels) return;  // whole warps
  const auto lane = static_cast<std::int32_t>(threadIdx.x % 32);
  double beta = 0, gamma = 0;
  for (std::int32_t i = lane; i < stretches; i += 32) {
    const GradientSums part = partials[std::int64_t{i} * channels + channel];
    beta += static_cast<double>(part.dbeta);
    gamma += static_cast<double>(part.dgamma);
  }
  for (int distance = 16; distance > 0; distance /= 2) {
    beta += __shfl_down_sync(0xffffffffU, beta, distance);
    gamma += __shfl_down_sync(0xffffffffU, gamma, distance);
  }
  if (lane != 0) return;
  if (dbeta != nullptr) dbeta[channel] = static_cast<float>(beta);
  if (dgamma != nullptr) dgamma[channel] = static_cast<float>(gamma);
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    apply_kernel(std::int64_t rows, std::int32_t channels, const T* x, const float* gamma,
                 const float* beta, const float* mean, const float* mean_rest,
                 const float* variance, float epsilon, T* y) {
  const RowWalk<kWidth> walk(channels);
  if (!walk.active) return;
  float scale[kWidth], center[kWidth], offset[kWidth];
#pragma unroll
  for (int k = 0; k < kWidth; ++k) {
    const std::int32_t c = walk.channel() + k;
    scale[k] = gamma[c] / sqrtf(variance[c] + epsilon);
    center[k] = mean[c];
    offset[k] = beta[c] - (mean_rest == nullptr ? 0.0F : scale[k] * mean_rest[c]);
  }
  for (std::int64_t row = walk.first_row; row < rows; row += walk.row_step) {
    const std::int64_t at = row * channels + walk.channel();
    const auto in = load<kWidth>(x + at);
    Pack<T, kWidth> out;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      out.values[k] = from_float<T>((to_float(in.values[k]) - center[k]) * scale[k] + offset[k]);
    }
    store(y + at, out);
  }
}

/// dx = gamma / sigma (dy - dbeta / rows - xhat dgamma / rows).
template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    backward_kernel(std::int64_t rows, std::int32_t channels, const T* x, const T* dy,
                    const float* gamma, const float* mean, const float* variance, float epsilon,
                    const float* dgamma, const float* dbeta, T* dx) {
  const RowWalk<kWidth> walk(channels);
  if (!walk.active) return;
  const float share = 1.0F / static_cast<float>(rows);
  float scale[kWidth], center[kWidth], sigma[kWidth], mean_dy[kWidth], mean_dy_xhat[kWidth];
#pragma unroll
  for (int k = 0; k < kWidth; ++k) {
    const std::int32_t c = walk.channel() + k;
    sigma[k] = 1.0F / sqrtf(variance[c] + epsilon);
    scale[k] = gamma[c] * sigma[k];
    center[k] = mean[c];
    mean_dy[k] = dbeta[c] * share;
    mean_dy_xhat[k] = dgamma[c] * share;
  }
  for (std::int64_t row = walk.first_row; row < rows; row += walk.row_step) {
    const std::int64_t at = row * channels + walk.channel();
    const auto in = load<kWidth>(x + at), gradient = load<kWidth>(dy + at);
    Pack<T, kWidth> out;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const float xhat = (to_float(in.values[k]) - center[k]) * sigma[k];
      out.values[k] = from_float<T>(
          scale[k] * (to_float(gradient.values[k]) - mean_dy[k] - xhat * mean_dy_xhat[k]));
    }
    store(dx + at, out);
  }
}

/// dx = gamma / sigma dy.
template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    inference_backward_kernel(std::int64_t rows, std::int32_t channels, const T* dy,
                              const float* gamma, const float* variance, float epsilon, T* dx) {
  const RowWalk<kWidth> walk(channels);
  if (!walk.active) return;
  float scale[kWidth];
#pragma unroll
  for (int k = 0; k < kWidth; ++k) {
    const std::int32_t c = walk.channel() + k;
    scale[k] = gamma[c] / sqrtf(variance[c] + epsilon);
  }
  for (std::int64_t row = walk.first_row; row < rows; row += walk.row_step) {
    const std::int64_t at = row * channels + walk.channel();
    const auto gradient = load<kWidth>(dy + at);
    Pack<T, kWidth> out;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      out.values[k] = from_float<T>(scale[k] * to_float(gradient.values[k]));
    }
    store(dx + at, out);
  }
}

unsigned warps_for(std::int32_t channels) { return blocks_for(std::int64_t{32} * channels); }

template <typename T>
void sum_gradients(Stream stream, const ChannelGeometry& g, const T* x, const T* dy,
                   const float* mean, const float* variance, float epsilon, float* dgamma,
                   float* dbeta, void* workspace) {
  const dim3 grid = sum_grid(g);
  auto* partials = static_cast<GradientSums*>(workspace);
  launch(gradient_sums_kernel<T>, grid, kThreads, stream, g.rows, g.channels, x, dy, mean, variance,
         epsilon, partials);
  launch(add_gradient_sums_kernel, warps_for(g.channels), kThreads, stream,
         static_cast<std::int32_t>(grid.x), g.channels, static_cast<const GradientSums*>(partials),
         dgamma, dbeta);
}

}  // namespace

std::size_t batch_norm_workspace(const ChannelGeometry& g) {
  return static_cast<std::size_t>(sum_grid(g).x) * static_cast<std::size_t>(g.channels) *
         sizeof(Moments);
}

template <typename T>
void batch_norm_statistics(Stream stream, const ChannelGeometry& g, const T* x, float* mean,
                           float* variance, float* mean_rest, void* workspace) {
  if (g.size() == 0) return;
  const dim3 grid = sum_grid(g);
  auto* partials = static_cast<Moments*>(workspace);
  launch(moments_kernel<T>, grid, kThreads, stream, g.rows, g.channels, x, partials);
  launch(add_moments_kernel, warps_for(g.channels), kThreads, stream,
         static_cast<std::int32_t>(grid.x), g.channels, static_cast<const Moments*>(partials), mean,
         variance, mean_rest);
}

template <typename T>
void batch_norm_apply(Stream stream, const ChannelGeometry& g, const T* x, const float* gamma,
                      const float* beta, const float* mean, const float* mean_rest,
                      const float* variance, float epsilon, T* y) {
  if (g.size() == 0) return;
  with_row_width<T>(
      g,
      [&](auto width) {
        constexpr int kWidth = width;
        launch(apply_kernel<T, kWidth>, row_grid<kWidth>(g, kRowsEach, kMostBlocks), kThreads,
               stream, g.rows, g.channels, x, gamma, beta, mean, mean_rest, variance, epsilon, y);
      },
      x, y);
}

template <typename T>
void batch_norm_backward(Stream stream, const ChannelGeometry& g, const T* x, const T* dy,
                         const float* gamma, const float* mean, const float* variance,
                         float epsilon, T* dx, float* dgamma, float* dbeta, void* workspace) {
  if (g.size() == 0) return;
  sum_gradients(stream, g, x, dy, mean, variance, epsilon, dgamma, dbeta, workspace);
  if (dx == nullptr) return;
  with_row_width<T>(
      g,
      [&](auto width) {
        constexpr int kWidth = width;
        launch(backward_kernel<T, kWidth>, row_grid<kWidth>(g, kRowsEach, kMostBlocks), kThreads,
               stream, g.rows, g.channels, x, dy, gamma, mean, variance, epsilon,
               static_cast<const float*>(dgamma), static_cast<const float*>(dbeta), dx);
      },
      x, dy, dx);
}

template <typename T>
void batch_norm_inference_backward(Stream stream, const ChannelGeometry& g, const T* x, const T* dy,
                                   const float* gamma, const float* mean, const float* variance,
                                   float epsilon, T* dx, float* dgamma, float* dbeta,
                                   void* workspace) {
  if (g.size() == 0) return;
  if (dgamma != nullptr || dbeta != nullptr) {
    sum_gradients(stream, g, dgamma == nullptr ? nullptr : x, dy, mean, variance, epsilon, dgamma,
                  dbeta, workspace);
  }
  if (dx == nullptr) return;
  with_row_width<T>(
      g,
      [&](auto width) {
        constexpr int kWidth = width;
        launch(inference_backward_kernel<T, kWidth>, row_grid<kWidth>(g, kRowsEach, kMostBlocks),
               kThreads, stream, g.rows, g.channels, dy, gamma, variance, epsilon, dx);
      },
      dy, dx);
}

#define AFTERGLOW_INSTANTIATE(T)                                                                   \
  template void batch_norm_statistics(Stream, const ChannelGeometry&, const T*, float*, float*,    \
                                      float*, void*);                                              \
  template void batch_norm_apply(Stream, const ChannelGeometry&, const T*, const float*,           \
                                 const float*, const float*, const float*, const float*, float,    \
                                 T*);                                                              \
  template void batch_norm_backward(Stream, const ChannelGeometry&, const T*, const T*,            \
                                    const float*, const float*, const float*, float, T*, float*,   \
                                    float*, void*);                                                \
  template void batch_norm_inference_backward(Stream, const ChannelGeometry&, const T*, const T*,  \
                                              const float*, const float*, const float*, float, T*, \
                                              float*, float*, void*)
AFTERGLOW_INSTANTIATE(float);
AFTERGLOW_INSTANTIATE(bfloat16);
#undef AFTERGLOW_INSTANTIATE

}  // namespace afterglow::cuda
