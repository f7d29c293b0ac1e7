// Sums whose terms threads add in any order: as whole numbers, which have the same sum in any.
#pragma once

#include "kernels/cuda/launch.cuh"

namespace afterglow::cuda {

/// A term above this counts as this: far beyond what pictures and their gradients have, so that
/// only a network that is lost anyway comes there.
inline constexpr float kMostTerm = 65536;

/// A power of two, so large that `terms` terms still fit into 63 bits.
inline float whole_unit(std::int64_t terms) {
  float unit = 0x1p46F;  // * 2^16 = kMostTerm is 2^62
  for (std::int64_t rest = terms - 1; rest > 0; rest /= 2) unit /= 2;
  return unit;
}

/// A NaN becomes -kMostTerm.
__device__ __forceinline__ float limited_term(float term) {
  return fminf(fmaxf(term, -kMostTerm), kMostTerm);
}

/// total += term, to the nearest whole multiple of 1 / unit, a power of two.
__device__ __forceinline__ void add_whole(unsigned long long* total, float term, float unit) {
  const long long whole = llrintf(term * unit);
  // A negative number's bits: sums of them are the same modulo 2^64.
  if (whole != 0) atomicAdd(total, static_cast<unsigned long long>(whole));
}

/// What the terms add up to.
__device__ __forceinline__ float whole_sum(unsigned long long total, float unit) {
  return static_cast<float>(static_cast<long long>(total)) / unit;
}

}  // namespace afterglow::cuda
