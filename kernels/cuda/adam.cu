// The optimizer: all parameters in one launch, and their gradients' sum of squares.
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/vectors.cuh"

namespace afterglow::cuda {
namespace {

constexpr unsigned kBlocksEach = 64;  // for every slot; they walk on through it

struct AdamFactors {
  float beta1, one_minus_beta1, beta2, one_minus_beta2, epsilon, clip_norm;
};

__device__ __forceinline__ void adam_value(const AdamFactors& f, const AdamRate& rate,
                                           float gradient_factor, float gradient, float& parameter,
                                           float& m, float& v) {
  const float g = gradient_factor * gradient;
  m = f.beta1 * m + f.one_minus_beta1 * g;
  v = f.beta2 * v + f.one_minus_beta2 * (g * g);
  parameter -= rate.step * m / (sqrtf(v) + f.epsilon) + rate.decay * parameter;
}

/// blockIdx.y: the slot.
__global__ void __launch_bounds__(kThreads)
    adam_kernel(AdamTable table, AdamFactors factors, const AdamRate* rate_at,
                const double* squares_at) {
  const double squares = *squares_at;
  if (!isfinite(squares)) return;
  const double norm = sqrt(squares);
  const auto limit = static_cast<double>(factors.clip_norm);
  const float gradient_factor = limit > 0 && norm > limit ? static_cast<float>(limit / norm) : 1.0F;
  const AdamRate rate = *rate_at;
  const AdamTable::Slot slot = table.slots[blockIdx.y];
  constexpr int kWidth = kWidthOf<float>;
  const std::int64_t packs = slot.aligned ? slot.size / kWidth : 0;
  const std::int64_t first = thread_number(), step = thread_count();
  for (std::int64_t i = first; i < packs; i += step) {
    const std::int64_t at = i * kWidth;
    const auto gradient = load<kWidth>(slot.gradient + at);
    auto parameter = load<kWidth>(slot.parameter + at);
    auto m = load<kWidth>(slot.m + at), v = load<kWidth>(slot.v + at);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      adam_value(factors, rate, gradient_factor, gradient.values[k], parameter.values[k],
                 m.values[k], v.values[k]);
    }
    store(slot.parameter + at, parameter);
    store(slot.m + at, m);
    store(slot.v + at, v);
    if (slot.rounded == nullptr) continue;
    Pack<bfloat16, kWidth> rounded;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) rounded.values[k] = to_bfloat16(parameter.values[k]);
    store(slot.rounded + at, rounded);
  }
  for (std::int64_t i = packs * kWidth + first; i < slot.size; i += step) {
    adam_value(factors, rate, gradient_factor, slot.gradient[i], slot.parameter[i], slot.m[i],
               slot.v[i]);
    if (slot.rounded != nullptr) slot.rounded[i] = to_bfloat16(slot.parameter[i]);
  }
}

__device__ double block_sum(double sum) {
  __shared__ double of_warp[kThreads / 32];
  for (int distance = 16; distance > 0; distance /= 2) {
    sum += __shfl_down_sync(0xffffffffU, sum, distance);
  }
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int warp = 1; warp < kThreads / 32; ++warp) sum += of_warp[warp];
  }
  return sum;  // thread 0 has it
}

/// partials(slot, block).
__global__ void __launch_bounds__(kThreads) squares_kernel(SumTable table, double* partials) {
  const SumTable::Slot slot = table.slots[blockIdx.y];
  double sum = 0;
  for (std::int64_t i = thread_number(); i < slot.size; i += thread_count()) {
    const auto value = static_cast<double>(slot.x[i]);
    sum += value * value;
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) partials[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}

__global__ void __launch_bounds__(kThreads)
    add_squares_kernel(std::int32_t count, const double* partials, bool add, double* total) {
  double sum = 0;
  for (auto i = static_cast<std::int32_t>(threadIdx.x); i < count; i += kThreads) {
    sum += partials[i];
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) *total = add ? *total + sum : sum;
}

}  // namespace

std::size_t sum_of_squares_workspace() { return kBlocksEach * kAdamSlots * sizeof(double); }

void sum_of_squares(Stream stream, const SumTable& table, bool add, double* sum, void* workspace) {
  auto* partials = static_cast<double*>(workspace);
  if (table.count > 0) {
    launch(squares_kernel, dim3(kBlocksEach, static_cast<unsigned>(table.count)), kThreads, stream,
           table, partials);
  }
  launch(add_squares_kernel, 1, kThreads, stream,
         static_cast<std::int32_t>(kBlocksEach) * table.count, static_cast<const double*>(partials),
         add, sum);
}

void adam(Stream stream, const AdamTable& table, const AdamStep& step, const AdamRate* rate,
          const double* squares) {
  if (table.count == 0) return;
  const AdamFactors factors{static_cast<float>(step.beta1),
                            static_cast<float>(1 - step.beta1),
                            static_cast<float>(step.beta2),
                            static_cast<float>(1 - step.beta2),
                            step.epsilon,
                            step.clip_norm};
  AdamTable checked = table;
  for (std::int32_t i = 0; i < table.count; ++i) {
    AdamTable::Slot& slot = checked.slots[i];
    constexpr int kWidth = kWidthOf<float>;
    slot.aligned = is_aligned<kWidth>(slot.gradient) && is_aligned<kWidth>(slot.parameter) &&
                   is_aligned<kWidth>(slot.m) && is_aligned<kWidth>(slot.v) &&
                   is_aligned<kWidth>(slot.rounded);
  }
  launch(adam_kernel, dim3(kBlocksEach, static_cast<unsigned>(table.count)), kThreads, stream,
         checked, factors, rate, squares);
}

}  // namespace afterglow::cuda
