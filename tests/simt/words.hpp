// CUDA's words for the host compiler, which builds a .cu file with this header in front (-include).
// A word that is missing here does not compile, which is the point: kernels keep to these. Floats
// are never added atomically (sums would depend on the order), so that there is no word for it.
#pragma once

#if defined(__CUDACC__)
#error "nvcc has the real words"
#endif
#define AFTERGLOW_SIMT 1

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "simt/launched.hpp"
#include "simt/machine.hpp"
#include "simt/submit.hpp"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
// All shared variables stand in one section, which the machine fills with NaNs before every block;
// but for those of templates, whose section g++ 12 ignores (tests/CMakeLists.txt looks for them).
#define __shared__ [[gnu::section("simt_shared")]] static

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_count = 1, unsigned y_count = 1, unsigned z_count = 1)
      : x(x_count), y(y_count), z(z_count) {}
};

namespace simt {

/// Part of a vector: loads and stores are copies, from and to an address that is aligned.
template <std::size_t kBytes>
struct Aligned {
  Aligned() = default;
  Aligned(const Aligned& from) { require_aligned(&from, kBytes); }
  Aligned& operator=(const Aligned&) {
    require_aligned(this, kBytes);
    return *this;
  }
};

}  // namespace simt

struct alignas(16) uint4 : simt::Aligned<16> {
  unsigned x, y, z, w;
};
struct alignas(8) uint2 : simt::Aligned<8> {
  unsigned x, y;
};
// Kernels copy bytes into vectors, as they may where a vector is a plain structure.
#pragma GCC diagnostic ignored "-Wclass-memaccess"

using cudaStream_t = CUstream_st*;

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

using std::isfinite;

inline int min(int a, int b) { return a < b ? a : b; }

inline void __syncthreads(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  simt::sync_block({file, line});
}
inline void __syncwarp(unsigned mask = 0xffffffffU) { simt::sync_warp(mask); }
inline void __threadfence() { simt::fence(); }

namespace simt {

template <typename T>
T exchange_value(std::uint32_t mask, T value, Pick pick, unsigned argument, unsigned width) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = exchange(mask, bits, pick, argument, width);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace simt

template <typename T>
T __shfl_sync(unsigned mask, T value, int from, int width = 32) {
  const auto pick = [](unsigned lane, unsigned source, unsigned w) {
    return lane / w * w + source % w;
  };
  return simt::exchange_value(mask, value, pick, static_cast<unsigned>(from),
                              static_cast<unsigned>(width));
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32) {
  const auto pick = [](unsigned lane, unsigned distance, unsigned w) {
    return lane % w + distance < w ? lane + distance : lane;
  };
  return simt::exchange_value(mask, value, pick, by, static_cast<unsigned>(width));
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int by, int width = 32) {
  const auto pick = [](unsigned lane, unsigned bits, unsigned w) {
    return (lane ^ bits) <= (lane | (w - 1)) ? lane ^ bits : lane;  // earlier groups' lanes too
  };
  return simt::exchange_value(mask, value, pick, static_cast<unsigned>(by),
                              static_cast<unsigned>(width));
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  return simt::ballot(mask, predicate != 0);
}

inline unsigned atomicAdd(unsigned* at, unsigned value) {
  return std::atomic_ref<unsigned>(*at).fetch_add(value);
}
inline unsigned long long atomicAdd(unsigned long long* at, unsigned long long value) {
  return std::atomic_ref<unsigned long long>(*at).fetch_add(value);
}
/// A plain store.
template <typename T>
void __stwb(T* at, T value) {
  *at = value;
}
/// A load past the first cache, which other blocks' stores do not reach.
template <typename T>
T __ldcg(const T* at) {
  return *at;
}

namespace afterglow::cuda {

/// The machine's side of kernels/cuda/launch.cuh.
template <typename... P, typename... A>
void launch(void (*kernel)(P...), dim3 grid, dim3 block, cudaStream_t stream, A... arguments) {
  std::vector<simt::PointerArgument> pointers;
  bool hidden = false;
  const auto look = [&]<typename T>(T argument) {
    if constexpr (std::is_pointer_v<T>) {
      const bool write = !std::is_const_v<std::remove_pointer_t<T>>;
      if (argument != nullptr) pointers.push_back({argument, write});
    } else if constexpr (!std::is_arithmetic_v<T>) {
      hidden = true;
    }
  };
  (look(static_cast<P>(arguments)), ...);
  simt::note_launched(reinterpret_cast<const void*>(kernel));
  simt::submit(stream, std::move(pointers), hidden, [=] {
    simt::run({grid.x, grid.y, grid.z}, {block.x, block.y, block.z}, [&] { kernel(arguments...); });
  });
}

}  // namespace afterglow::cuda
