// Loads and stores of several values at once, and grids.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/cuda/bfloat16.hpp"
#include "kernels/cuda/launch.cuh"

namespace afterglow::cuda {

inline constexpr int kThreads = 256;  // of a block
/// Blocks that fill the largest card a few times over; kernels walk on from there.
inline constexpr std::int64_t kMostBlocks = 4096;

/// Blocks for `work` threads.
inline unsigned blocks_for(std::int64_t work) {
  const std::int64_t blocks = (work + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks);
}

template <int kBytes>
struct RawOf;
template <>
struct RawOf<16> {
  using Type = uint4;
};
template <>
struct RawOf<8> {
  using Type = uint2;
};
template <>
struct RawOf<4> {
  using Type = unsigned;
};
template <>
struct RawOf<2> {
  using Type = unsigned short;
};
template <>
struct RawOf<1> {
  using Type = unsigned char;
};

/// kWidth values that travel together.
template <typename T, int kWidth>
struct Pack {
  T values[kWidth];
};

/// One load instruction of sizeof(T) * kWidth bytes, to which `at` must be aligned.
template <int kWidth, typename T>
__device__ __forceinline__ Pack<T, kWidth> load(const T* at) {
  using Raw = typename RawOf<static_cast<int>(sizeof(T)) * kWidth>::Type;
  const Raw raw = *reinterpret_cast<const Raw*>(at);
  Pack<T, kWidth> pack;
  memcpy(&pack, &raw, sizeof raw);
  return pack;
}

/// One store instruction. A plain assignment may be taken apart into one for each value.
template <typename T, int kWidth>
__device__ __forceinline__ void store(T* at, const Pack<T, kWidth>& pack) {
  using Raw = typename RawOf<static_cast<int>(sizeof(T)) * kWidth>::Type;
  Raw raw;
  memcpy(&raw, &pack, sizeof raw);
  __stwb(reinterpret_cast<Raw*>(at), raw);
}

/// The values of the widest type that 16 bytes hold.
template <typename S, typename T = S>
inline constexpr int kWidthOf = 16 /
                                static_cast<int>(sizeof(S) > sizeof(T) ? sizeof(S) : sizeof(T));

/// True when packs of kWidth values can be loaded from there.
template <int kWidth, typename T>
bool is_aligned(const T* at) {
  return reinterpret_cast<std::uintptr_t>(at) % (sizeof(T) * kWidth) == 0;
}

/// This thread's number in the grid, and how many there are.
__device__ __forceinline__ std::int64_t thread_number() {
  return std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
}
__device__ __forceinline__ std::int64_t thread_count() {
  return std::int64_t{gridDim.x} * blockDim.x;
}

}  // namespace afterglow::cuda
