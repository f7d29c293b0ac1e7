// The 16-bit floating-point type of activations in --precision bf16: one definition for host code,
// for nvcc and for the host compiler that builds the kernels' tests.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#define AFTERGLOW_DEVICE_INLINE __host__ __device__ __forceinline__
#else
#define AFTERGLOW_DEVICE_INLINE inline
#endif

namespace afterglow::cuda {

/// The upper half of a float32: 8 bits of exponent, 7 of mantissa.
struct bfloat16 {
  std::uint16_t bits;
};

/// Exact.
AFTERGLOW_DEVICE_INLINE float to_float(bfloat16 value) {
  const std::uint32_t wide = std::uint32_t{value.bits} << 16;
  float result;
  memcpy(&result, &wide, sizeof result);
  return result;
}
AFTERGLOW_DEVICE_INLINE float to_float(float value) { return value; }
AFTERGLOW_DEVICE_INLINE float to_float(std::uint8_t value) { return value; }

/// To the nearest, ties to even; a NaN stays one.
AFTERGLOW_DEVICE_INLINE bfloat16 to_bfloat16(float value) {
  std::uint32_t wide;
  memcpy(&wide, &value, sizeof wide);
  if ((wide & 0x7fffffffU) > 0x7f800000U) {
    return {static_cast<std::uint16_t>((wide >> 16) | 0x40U)};
  }
  return {static_cast<std::uint16_t>((wide + 0x7fffU + ((wide >> 16) & 1U)) >> 16)};
}

template <typename T>
AFTERGLOW_DEVICE_INLINE T from_float(float value);
template <>
AFTERGLOW_DEVICE_INLINE float from_float<float>(float value) {
  return value;
}
template <>
AFTERGLOW_DEVICE_INLINE bfloat16 from_float<bfloat16>(float value) {
  return to_bfloat16(value);
}

}  // namespace afterglow::cuda
