// The temporal loss and its gradient in one launch. A thread owns a column of 16 bytes of a frame
// and walks a few frames down it: first it loads all that it needs, so that many loads are under
// way at once, then it computes from registers. Sums go up in fixed order: threads, blocks, and the
// last block to finish adds the blocks' sums in double.
//
// The loss along the motion takes two, and a fill: the first finds its value, and adds to the
// pixels of the frame before what each pixel that comes from there asks of them, in whole numbers
// (whole_sums.cuh): how many that are nobody knows before, nor in which order they come. The second
// launch makes the gradient of that.
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/vectors.cuh"
#include "kernels/cuda/whole_sums.cuh"
#include "kernels/motion_temporal_mse.hpp"
#include "kernels/temporal_mse.hpp"

namespace afterglow::cuda {
namespace {

constexpr int kLossThreads = 128;
constexpr int kFewFrames = 4;  // that a thread walks: enough blocks for a batch of 16
constexpr int kManyFrames =
    16;  // where there are blocks enough, no frame is read twice but for ends

/// Clips of so many frames, or frames of so many values, have blocks enough.
constexpr std::int32_t kManyFramesFrom = 64;
constexpr std::int64_t kManyValuesFrom = 256 * 256 * 3;

/// A block's sums of squared differences.
struct LossSums {
  float fidelity, temporal;
};

/// What the kernel needs besides pointers.
struct LossShape {
  std::int32_t frames;
  std::int64_t frame;                                     // values
  std::int32_t row;                                       // values of a row of pixels
  std::int32_t roi_top, roi_bottom, roi_left, roi_right;  // the last two in values
  float fidelity_scale, temporal_scale;
  double beta, values;  // values: that count, of all frames
  bool output_relu;

  __device__ bool counts(std::int64_t in_frame) const {
    const auto y = static_cast<std::int32_t>(in_frame / row);
    const auto x = static_cast<std::int32_t>(in_frame - std::int64_t{y} * row);
    return y >= roi_top && y < roi_bottom && x >= roi_left && x < roi_right;
  }
};

/// The sum over the block's threads, valid in thread 0.
__device__ LossSums block_sum(LossSums sums) {
  __shared__ LossSums of_warp[kLossThreads / 32];
  for (int distance = 16; distance > 0; distance /= 2) {
    sums.fidelity += __shfl_down_sync(0xffffffffU, sums.fidelity, distance);
    sums.temporal += __shfl_down_sync(0xffffffffU, sums.temporal, distance);
  }
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sums;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int warp = 1; warp < kLossThreads / 32; ++warp) {
      sums.fidelity += of_warp[warp].fidelity;
      sums.temporal += of_warp[warp].temporal;
    }
  }
  return sums;
}

/// The last block: the value from all blocks' sums. values: that count, of all frames.
__device__ void finish(double beta, double values, const LossSums* partials, unsigned blocks,
                       TemporalMseValue* value) {
  __shared__ double fidelity[kLossThreads], temporal[kLossThreads];
  double own_fidelity = 0, own_temporal = 0;
  for (unsigned block = threadIdx.x; block < blocks; block += kLossThreads) {
    own_fidelity += static_cast<double>(__ldcg(&partials[block].fidelity));
    own_temporal += static_cast<double>(__ldcg(&partials[block].temporal));
  }
  fidelity[threadIdx.x] = own_fidelity;
  temporal[threadIdx.x] = own_temporal;
  __syncthreads();
  for (unsigned half = kLossThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) {
      fidelity[threadIdx.x] += fidelity[threadIdx.x + half];
      temporal[threadIdx.x] += temporal[threadIdx.x + half];
    }
    __syncthreads();
  }
  if (threadIdx.x != 0) return;
  value->fidelity = fidelity[0] / values;
  value->temporal = temporal[0] / values;
  value->loss = beta * value->fidelity + (1 - beta) * value->temporal;
}

/// What all threads of all blocks end with: the value from their sums.
__device__ void conclude(LossSums sums, double beta, double values, unsigned* ticket,
                         LossSums* partials, TemporalMseValue* value) {
  __shared__ bool is_last;
  sums = block_sum(sums);
  const unsigned blocks = gridDim.x * gridDim.y;
  if (threadIdx.x == 0) {
    partials[blockIdx.y * gridDim.x + blockIdx.x] = sums;
    __threadfence();  // before the ticket says that they are there
    is_last = atomicAdd(ticket, 1U) == blocks - 1;
  }
  __syncthreads();
  if (!is_last) return;
  __threadfence();
  finish(beta, values, partials, blocks, value);
  if (threadIdx.x == 0) *ticket = 0;  // for the next call
}

/// kWhole: every value counts. blockIdx.y: which frames.
template <typename T, typename Y, int kWidth, int kFrames, bool kWhole>
__global__ void __launch_bounds__(kLossThreads, kFrames == kFewFrames ? 7
                                                : kWidth > 1          ? 2
                                                                      : 5)
    temporal_mse_kernel(LossShape shape, const T* p, const Y* y, const std::uint8_t* clip_starts,
                        T* gradient, TemporalMseValue* value, unsigned* ticket,
                        LossSums* partials) {
  const std::int64_t column =
      (std::int64_t{blockIdx.x} * kLossThreads + threadIdx.x) * std::int64_t{kWidth};
  const auto first = static_cast<std::int32_t>(blockIdx.y) * kFrames;
  const std::int32_t count = min(kFrames, shape.frames - first);
  LossSums sums{0, 0};
  if (column < shape.frame && (kWhole || shape.counts(column))) {
    const std::int64_t at = first * shape.frame + column;
    // Before the first frame, the frames, behind the last.
    Pack<T, kWidth> around[kFrames + 2];
    Pack<Y, kWidth> target[kFrames];
    std::uint32_t starts = 0;  // bit k: frame first + k has no predecessor, or is none
#pragma unroll
    for (int k = 0; k <= kFrames; ++k) {
      const std::int32_t frame = first + k;
      const bool start = frame == 0 || frame >= shape.frames || clip_starts[frame] != 0;
      starts |= std::uint32_t{start} << k;
    }
    const auto has_previous = [&](int k) { return (starts >> k & 1U) == 0; };
    if (has_previous(0)) around[0] = load<kWidth>(p + at - shape.frame);
#pragma unroll
    for (int k = 0; k < kFrames; ++k) {
      if (k < count) {
        around[k + 1] = load<kWidth>(p + at + k * shape.frame);
        target[k] = load<kWidth>(y + at + k * shape.frame);
      }
    }
    if (count == kFrames && has_previous(kFrames)) {
      around[kFrames + 1] = load<kWidth>(p + at + kFrames * shape.frame);
    }
#pragma unroll
    for (int k = 0; k < kFrames; ++k) {
      if (k >= count) break;
      Pack<T, kWidth> out;
#pragma unroll
      for (int i = 0; i < kWidth; ++i) {
        const float now = to_float(around[k + 1].values[i]);
        const float before = has_previous(k) ? to_float(around[k].values[i]) : now;
        const float after = has_previous(k + 1) ? to_float(around[k + 2].values[i]) : now;
        const auto term = temporal_mse_term(now, to_float(target[k].values[i]), before, after,
                                            shape.fidelity_scale, shape.temporal_scale);
        sums.fidelity += term.fidelity;
        sums.temporal += term.temporal;
        out.values[i] = from_float<T>(shape.output_relu && !(now > 0) ? 0.0F : term.gradient);
      }
      if (gradient != nullptr) store(gradient + at + k * shape.frame, out);
    }
  } else if (column < shape.frame && gradient != nullptr) {
    for (std::int32_t k = 0; k < count; ++k) {
      gradient[(first + k) * shape.frame + column] = from_float<T>(0);
    }
  }

  conclude(sums, shape.beta, shape.values, ticket, partials, value);
}

struct LossGrid {
  bool many_frames;
  dim3 blocks;
};

LossGrid loss_grid(const TemporalMseGeometry& g, int width) {
  const auto frame = static_cast<std::int64_t>(g.size()) / g.n;
  const bool many = g.n >= kManyFramesFrom || frame >= kManyValuesFrom;
  const int frames = many ? kManyFrames : kFewFrames;
  const std::int64_t columns = (frame + width - 1) / width;
  return {many,
          {static_cast<unsigned>((columns + kLossThreads - 1) / kLossThreads),
           static_cast<unsigned>((g.n + frames - 1) / frames)}};
}

constexpr std::size_t kTicketBytes = 16;

/// What the kernels along the motion need besides pointers.
struct MotionShape {
  std::int32_t height, width, channels;
  float fidelity_scale, temporal_scale;
  double beta, values;
  float unit;  // whole numbers for a change of 1

  __device__ std::int32_t pixels() const { return height * width; }
};

/// A pixel of a frame, blockIdx.y, that a thread has to do with.
struct MotionPixel {
  std::int64_t value;         // the first of its channels
  std::int64_t frame_before;  // the first value of the frame before
  bool exists, counts;
  MotionOrigin origin;

  __device__ MotionPixel(const MotionShape& shape, const float* flow,
                         const std::uint8_t* clip_starts) {
    const std::int32_t pixels = shape.pixels();
    const auto in_frame = static_cast<std::int32_t>(blockIdx.x * kLossThreads + threadIdx.x);
    const auto frame = static_cast<std::int32_t>(blockIdx.y);
    const std::int64_t pixel = std::int64_t{frame} * pixels + in_frame;
    exists = in_frame < pixels;
    value = pixel * shape.channels;
    frame_before = std::int64_t{frame - 1} * pixels * shape.channels;
    counts = exists && frame > 0 && clip_starts[frame] == 0 &&
             find_motion_origin(in_frame % shape.width, in_frame / shape.width, flow[2 * pixel],
                                flow[2 * pixel + 1], shape.height, shape.width, origin);
  }

  /// Channel c of what the pixel comes from, k = 0 .. 3.
  __device__ std::int64_t before(const MotionShape& shape, int k, std::int32_t c) const {
    return frame_before + std::int64_t{origin.at[k]} * shape.channels + c;
  }

  /// How much channel c changes, of a pixel that counts.
  template <typename T>
  __device__ float change(const MotionShape& shape, const T* p, std::int32_t c) const {
    float from[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) from[k] = to_float(p[before(shape, k, c)]);
    return motion_change(origin, to_float(p[value + c]), from);
  }
};

/// totals: null when no gradient is wanted.
template <typename T, typename Y>
__global__ void __launch_bounds__(kLossThreads)
    motion_value_kernel(MotionShape shape, const T* p, const Y* y, const float* flow,
                        const std::uint8_t* clip_starts, unsigned long long* totals,
                        TemporalMseValue* value, unsigned* ticket, LossSums* partials) {
  const MotionPixel pixel(shape, flow, clip_starts);
  LossSums sums{0, 0};
  for (std::int32_t c = 0; pixel.exists && c < shape.channels; ++c) {
    const float error = to_float(p[pixel.value + c]) - to_float(y[pixel.value + c]);
    sums.fidelity += error * error;
    if (!pixel.counts) continue;
    const float change = pixel.change(shape, p, c);
    sums.temporal += change * change;
    if (totals == nullptr) continue;
    const float limited = limited_term(change);
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      add_whole(&totals[pixel.before(shape, k, c)], pixel.origin.share[k] * limited, shape.unit);
    }
  }
  conclude(sums, shape.beta, shape.values, ticket, partials, value);
}

template <typename T, typename Y>
__global__ void __launch_bounds__(kLossThreads)
    motion_gradient_kernel(MotionShape shape, const T* p, const Y* y, const float* flow,
                           const std::uint8_t* clip_starts, const unsigned long long* totals,
                           T* gradient) {
  const MotionPixel pixel(shape, flow, clip_starts);
  for (std::int32_t c = 0; pixel.exists && c < shape.channels; ++c) {
    const std::int64_t at = pixel.value + c;
    const float error = to_float(p[at]) - to_float(y[at]);
    const float change = pixel.counts ? pixel.change(shape, p, c) : 0.0F;
    const float asked = whole_sum(totals[at], shape.unit);
    gradient[at] =
        from_float<T>(shape.fidelity_scale * error + shape.temporal_scale * (change - asked));
  }
}

dim3 motion_grid(const FrameGeometry& g) {
  const auto pixels = static_cast<unsigned>(g.h) * static_cast<unsigned>(g.w);
  return {(pixels + kLossThreads - 1) / kLossThreads, static_cast<unsigned>(g.n)};
}

}  // namespace

std::size_t temporal_mse_workspace(const TemporalMseGeometry& g) {
  const dim3 most = loss_grid(g, 1).blocks;
  return kTicketBytes + std::size_t{most.x} * most.y * sizeof(LossSums);
}

template <typename T, typename Y>
void temporal_mse(Stream stream, const TemporalMseGeometry& g, float beta, bool output_relu,
                  const T* p, const Y* y, const std::uint8_t* clip_starts, T* gradient,
                  TemporalMseValue* value, void* workspace) {
  constexpr int kWide = kWidthOf<T>;
  const double values = static_cast<double>(g.n) * static_cast<double>(g.roi_size());
  const auto wide_beta = static_cast<double>(beta);
  const auto frame = static_cast<std::int64_t>(g.size()) / g.n;
  const LossShape shape{g.n,
                        frame,
                        g.w * g.c,
                        g.roi_top,
                        g.roi_top + g.roi_height,
                        g.roi_left * g.c,
                        (g.roi_left + g.roi_width) * g.c,
                        static_cast<float>(2 * wide_beta / values),
                        static_cast<float>(2 * (1 - wide_beta) / values),
                        wide_beta,
                        values,
                        output_relu};
  const bool whole = g.roi_height == g.h && g.roi_width == g.w;
  const bool wide = whole && frame % kWide == 0 && is_aligned<kWide>(p) && is_aligned<kWide>(y) &&
                    is_aligned<kWide>(gradient);
  auto* ticket = static_cast<unsigned*>(workspace);
  auto* partials =
      reinterpret_cast<LossSums*>(static_cast<unsigned char*>(workspace) + kTicketBytes);
  const LossGrid grid = loss_grid(g, wide ? kWide : 1);
  const auto go = [&](auto kernel) {
    launch(kernel, grid.blocks, kLossThreads, stream, shape, p, y, clip_starts, gradient, value,
           ticket, partials);
  };
  if (wide) {
    go(grid.many_frames ? temporal_mse_kernel<T, Y, kWide, kManyFrames, true>
                        : temporal_mse_kernel<T, Y, kWide, kFewFrames, true>);
  } else if (whole) {
    go(grid.many_frames ? temporal_mse_kernel<T, Y, 1, kManyFrames, true>
                        : temporal_mse_kernel<T, Y, 1, kFewFrames, true>);
  } else {
    go(grid.many_frames ? temporal_mse_kernel<T, Y, 1, kManyFrames, false>
                        : temporal_mse_kernel<T, Y, 1, kFewFrames, false>);
  }
}

std::size_t motion_temporal_mse_workspace(const FrameGeometry& g) {
  const dim3 grid = motion_grid(g);
  return kTicketBytes + g.size() * sizeof(unsigned long long) +
         std::size_t{grid.x} * grid.y * sizeof(LossSums);
}

template <typename T, typename Y>
void motion_temporal_mse(Stream stream, const FrameGeometry& g, float beta, const T* p, const Y* y,
                         const float* flow, const std::uint8_t* clip_starts, T* gradient,
                         TemporalMseValue* value, void* workspace) {
  const auto values = static_cast<double>(g.size());
  const auto wide_beta = static_cast<double>(beta);
  const MotionShape shape{g.h,
                          g.w,
                          g.c,
                          static_cast<float>(2 * wide_beta / values),
                          static_cast<float>(2 * (1 - wide_beta) / values),
                          wide_beta,
                          values,
                          whole_unit(std::int64_t{g.h} * g.w)};
  auto* bytes = static_cast<unsigned char*>(workspace);
  auto* totals = reinterpret_cast<unsigned long long*>(bytes + kTicketBytes);
  auto* partials = reinterpret_cast<LossSums*>(totals + g.size());
  const dim3 grid = motion_grid(g);
  // The ticket, and the totals behind it.
  const std::size_t zeroed = kTicketBytes + (gradient == nullptr ? 0 : g.size() * sizeof *totals);
  fill<float>(stream, static_cast<std::int64_t>(zeroed / sizeof(float)), 0,
              static_cast<float*>(workspace));
  launch(motion_value_kernel<T, Y>, grid, kLossThreads, stream, shape, p, y, flow, clip_starts,
         gradient == nullptr ? nullptr : totals, value, static_cast<unsigned*>(workspace),
         partials);
  if (gradient == nullptr) return;
  launch(motion_gradient_kernel<T, Y>, grid, kLossThreads, stream, shape, p, y, flow, clip_starts,
         totals, gradient);
}

#define AFTERGLOW_INSTANTIATE(T, Y)                                                               \
  template void temporal_mse(Stream, const TemporalMseGeometry&, float, bool, const T*, const Y*, \
                             const std::uint8_t*, T*, TemporalMseValue*, void*);                  \
  template void motion_temporal_mse(Stream, const FrameGeometry&, float, const T*, const Y*,      \
                                    const float*, const std::uint8_t*, T*, TemporalMseValue*,     \
                                    void*)
AFTERGLOW_INSTANTIATE(float, float);
AFTERGLOW_INSTANTIATE(float, std::uint8_t);
AFTERGLOW_INSTANTIATE(bfloat16, bfloat16);
AFTERGLOW_INSTANTIATE(bfloat16, std::uint8_t);
#undef AFTERGLOW_INSTANTIATE

}  // namespace afterglow::cuda
