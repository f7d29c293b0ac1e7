#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/vectors.cuh"
#include "simt/planted.hpp"

namespace afterglow::planted {
namespace {

using cuda::load;
using cuda::store;

constexpr unsigned kAll = 0xffffffffU;
constexpr unsigned kHalf = 0x0000ffffU;  // of a warp

__device__ int thread() { return static_cast<int>(threadIdx.x); }
__device__ int number() { return static_cast<int>(blockIdx.x) * kThreads + thread(); }

// Shared memory lies in functions that are no templates, for the machine to find it; a block has
// one of each.
__device__ float* shared_values() {
  __shared__ float values[kThreads];
  return values;
}
__device__ float& shared_first() {
  __shared__ float first;
  return first;
}
__device__ unsigned& shared_count() {
  __shared__ unsigned count;
  return count;
}
__device__ bool& shared_is_last() {
  __shared__ bool is_last;
  return is_last;
}

template <bool kBug>
__global__ void missing_barrier_kernel(const float* x, float* out) {
  float* const values = shared_values();
  values[thread()] = x[number()];
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (thread() < half) values[thread()] += values[thread() + half];
    if (!kBug) __syncthreads();
  }
  if (kBug) __syncthreads();
  out[number()] = values[0];
}

template <bool kBug>
__global__ void missing_second_barrier_kernel(const float* x, float* out) {
  float* const values = shared_values();
  float sum = 0;
  for (int round = 1; round <= 3; ++round) {
    values[thread()] = x[number()] * static_cast<float>(round);
    __syncthreads();
    sum += values[kThreads - 1 - thread()];
    if (!kBug) __syncthreads();
  }
  out[number()] = sum;
}

template <bool kBug>
__global__ void missing_warp_barrier_kernel(const float* x, float* out) {
  float* const values = shared_values();
  float sum = 0;
  for (int round = 1; round <= 3; ++round) {
    values[thread()] = x[number()] * static_cast<float>(round);
    __syncwarp();
    sum += values[thread() ^ 31];
    if (!kBug) __syncwarp();
  }
  out[number()] = sum;
}

template <bool kBug>
__global__ void two_writers_kernel(const float* x, float* out) {
  float& chosen = shared_first();
  if (thread() == 0 || (kBug && thread() == 32)) chosen = x[number()];
  __syncthreads();
  out[number()] = chosen;
}

template <bool kBug>
__global__ void lost_update_kernel(const float* x, float* out) {
  unsigned& count = shared_count();
  if (thread() == 0) count = 0;
  __syncthreads();
  if (kBug) {
    ++count;
  } else {
    atomicAdd(&count, 1U);
  }
  __syncthreads();
  out[number()] = x[number()] + static_cast<float>(count);
}

__global__ void clear_kernel(float* out) { out[number()] = 0; }

/// out[0] becomes the sum of all blocks' first values of x, out[64 block] that value.
template <bool kBug>
__global__ void last_block_kernel(const float* x, float* out, unsigned* ticket) {
  bool& is_last = shared_is_last();
  if (thread() == 0) {
    out[number()] = x[number()];
    __threadfence();
    is_last = kBug ? blockIdx.x == gridDim.x - 1 : atomicAdd(ticket, 1U) == gridDim.x - 1;
  }
  __syncthreads();
  if (!is_last) return;
  __threadfence();
  if (thread() != 0) return;
  float sum = 0;
  for (int block = 0; block < kBlocks; ++block) sum += __ldcg(out + block * kThreads);
  out[1] = sum;
}

template <bool kBug>
__global__ void block_order_sum_kernel(const float* x, float* out) {
  if (thread() != 0) return;
  out[kBug ? 0 : number()] += x[number()];
}
__global__ void add_blocks_kernel(float* out) {
  for (int block = 1; block < kBlocks; ++block) out[0] += out[block * kThreads];
}

template <bool kBug>
__global__ void kept_from_block_kernel(const float* x, float* out) {
  float& first = shared_first();
  if (thread() == 0 && (blockIdx.x == 0 || !kBug)) first = x[0];
  __syncthreads();
  out[number()] = first;
}

template <bool kBug>
__global__ void early_return_kernel(const float* x, float* out) {
  float* const values = shared_values();
  constexpr int kActive = kThreads - 10;
  values[thread()] = x[number()];
  out[number()] = 0;
  if (kBug && thread() >= kActive) return;
  __syncthreads();
  if (thread() < kActive) out[number()] = values[kActive - 1 - thread()];
}

template <bool kBug>
__global__ void barrier_in_branch_kernel(const float* x, float* out) {
  float* const values = shared_values();
  values[thread()] = x[number()];
  if (thread() < 32 || !kBug) __syncthreads();
  out[number()] = values[thread() ^ 1];
}

template <bool kBug>
__global__ void barrier_in_each_branch_kernel(const float* x, float* out) {
  float* const values = shared_values();
  values[thread()] = x[number()];
  const bool first = kBug ? thread() < 32 : blockIdx.x == 0;
  if (first) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  out[number()] = values[thread() ^ 32];
}

template <bool kBug>
__global__ void lane_not_in_mask_kernel(const float* x, float* out) {
  const unsigned mask = kBug ? kAll - 4U : kAll;
  out[number()] = __shfl_sync(mask, x[number()], 0);
}

template <bool kBug>
__global__ void lane_never_comes_kernel(const float* x, float* out) {
  float value = x[number()];
  if (thread() % 32 < 16) value += __shfl_xor_sync(kBug ? kAll : kHalf, value, 1);
  out[number()] = value;
}

template <bool kBug>
__global__ void different_masks_kernel(const float* x, float* out) {
  const unsigned mask = thread() % 32 == 5 && kBug ? kHalf : kAll;
  out[number()] = __shfl_xor_sync(mask, x[number()], 1);
}

template <bool kBug>
__global__ void different_words_kernel(const float* x, float* out) {
  const float value = x[number()];
  if (thread() % 32 < 16 || !kBug) {
    out[number()] = __shfl_xor_sync(kAll, value, 1);
  } else {
    out[number()] = static_cast<float>(__ballot_sync(kAll, value > 0));
  }
}

template <bool kBug>
__global__ void reads_outside_of_mask_kernel(const float* x, float* out) {
  float value = x[number()];
  if (thread() % 32 < 16) value += __shfl_down_sync(kHalf, value, 8, kBug ? 32 : 16);
  out[number()] = value;
}

template <bool kBug>
__global__ void odd_width_kernel(const float* x, float* out) {
  out[number()] = __shfl_sync(kAll, x[number()], 0, kBug ? 12 : 16);
}

template <bool kBug>
__global__ void uninitialised_shared_kernel(const float* x, float* out) {
  float* const values = shared_values();
  if (thread() > 0 || !kBug) values[thread()] = x[number()];
  __syncthreads();
  out[number()] = values[thread() ^ 1];
}

template <bool kBug>
__global__ void read_out_of_bounds_kernel(const float* x, float* out) {
  const bool inside = kBug || number() + 1 < kValues;
  out[number()] = x[number()] + (inside ? x[number() + 1] : 0.0F);
}

template <bool kBug>
__global__ void write_out_of_bounds_kernel(const float* x, float* out) {
  if (number() == 0) out[0] = 0;
  if (kBug || number() + 1 < kValues) out[number() + 1] = x[number()];
}

template <bool kBug>
__global__ void shared_out_of_bounds_kernel(const float* x, float* out) {
  // In the template, where AddressSanitizer puts guards around it but the machine cannot make it
  // new for each block: one block uses it.
  __shared__ float values[kThreads];
  if (blockIdx.x > 0) {
    out[number()] = x[number()];
    return;
  }
  values[thread()] = x[number()];
  __syncthreads();
  const int next = kBug ? thread() + 1 : (thread() + 1) % kThreads;
  out[number()] = values[next];
}

template <bool kBug>
__global__ void misaligned_load_kernel(const float* x, float* out) {
  if (number() >= kValues / 4 - 1) return;
  const auto four = load<4>(x + number() * 4 + (kBug ? 1 : 0));
  for (int i = 0; i < 4; ++i) out[number() * 4 + i] = four.values[i];
}

template <bool kBug>
__global__ void misaligned_store_kernel(const float* x, float* out) {
  if (number() >= kValues / 2 - 1) return;
  store(out + number() * 2 + (kBug ? 1 : 0), load<2>(x + number() * 2));
}

template <bool kBug>
__global__ void misaligned_word_kernel(const float* x, float* out) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(x);
  const auto four = load<4>(bytes + (kBug ? 1 : 0));
  out[number()] = static_cast<float>(four.values[0]);
}

__global__ void copy_kernel(const float* x, float* out) {
  const int at = static_cast<int>((blockIdx.x * blockDim.x + threadIdx.x) % kValues);
  if (blockIdx.y + blockIdx.z + threadIdx.y + threadIdx.z == 0) out[at] = x[at];
}

void go(void (*kernel)(const float*, float*), const float* x, float* out) {
  cuda::launch(kernel, kBlocks, kThreads, nullptr, x, out);
}
void copy(dim3 grid, dim3 block, const float* x, float* out) {
  cuda::launch(copy_kernel, grid, block, nullptr, x, out);
}
void clear(float* out) { cuda::launch(clear_kernel, kBlocks, kThreads, nullptr, out); }

}  // namespace

#define AFTERGLOW_PLANT(name)                                     \
  void name(bool bug, const float* x, float* out) {               \
    go(bug ? name##_kernel<true> : name##_kernel<false>, x, out); \
  }
AFTERGLOW_PLANT(missing_barrier)
AFTERGLOW_PLANT(missing_second_barrier)
AFTERGLOW_PLANT(missing_warp_barrier)
AFTERGLOW_PLANT(two_writers)
AFTERGLOW_PLANT(lost_update)
AFTERGLOW_PLANT(kept_from_block)
AFTERGLOW_PLANT(early_return)
AFTERGLOW_PLANT(barrier_in_branch)
AFTERGLOW_PLANT(barrier_in_each_branch)
AFTERGLOW_PLANT(lane_not_in_mask)
AFTERGLOW_PLANT(lane_never_comes)
AFTERGLOW_PLANT(different_masks)
AFTERGLOW_PLANT(different_words)
AFTERGLOW_PLANT(reads_outside_of_mask)
AFTERGLOW_PLANT(odd_width)
AFTERGLOW_PLANT(uninitialised_shared)
AFTERGLOW_PLANT(read_out_of_bounds)
AFTERGLOW_PLANT(write_out_of_bounds)
AFTERGLOW_PLANT(shared_out_of_bounds)
AFTERGLOW_PLANT(misaligned_word)
#undef AFTERGLOW_PLANT

void last_number_is_last(bool bug, const float* x, float* out) {
  clear(out);
  unsigned ticket = 0;
  cuda::launch(bug ? last_block_kernel<true> : last_block_kernel<false>, kBlocks, kThreads, nullptr,
               x, out, &ticket);
}

void block_order_sum(bool bug, const float* x, float* out) {
  clear(out);
  go(bug ? block_order_sum_kernel<true> : block_order_sum_kernel<false>, x, out);
  if (!bug) cuda::launch(add_blocks_kernel, 1, 1, nullptr, out);
}

void misaligned_load(bool bug, const float* x, float* out) {
  clear(out);
  go(bug ? misaligned_load_kernel<true> : misaligned_load_kernel<false>, x, out);
}
void misaligned_store(bool bug, const float* x, float* out) {
  clear(out);
  go(bug ? misaligned_store_kernel<true> : misaligned_store_kernel<false>, x, out);
}

void too_many_threads(bool bug, const float* x, float* out) { copy(1, bug ? 1025 : 1024, x, out); }
void too_many_rows_of_blocks(bool bug, const float* x, float* out) {
  copy({3, bug ? 65536U : 65535U}, kThreads, x, out);
}
void too_deep_a_block(bool bug, const float* x, float* out) {
  copy(kValues, {1, 1, bug ? 65U : 64U}, x, out);
}
void no_threads(bool bug, const float* x, float* out) { copy(kBlocks, bug ? 0 : kThreads, x, out); }

}  // namespace afterglow::planted
