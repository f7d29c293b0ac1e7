// The types that the stand-ins round to. Not the project's own bfloat16: what is tested shall not
// be its own judge.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace softgpu {

inline double from_bfloat16(std::uint16_t value) {
  return double{std::bit_cast<float>(std::uint32_t{value} << 16)};
}

/// To the nearest with `dropped` bits of mantissa fewer, ties to even. NaNs stay, quiet.
inline float round_bits(float value, int dropped) {
  if (std::isnan(value)) return std::bit_cast<float>(0x7fc00000U);
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t half = (1U << (dropped - 1)) - 1 + ((bits >> dropped) & 1U);
  return std::bit_cast<float>((bits + half) >> dropped << dropped);
}

inline std::uint16_t to_bfloat16(float value) {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(round_bits(value, 16)) >> 16);
}

/// What a tensor core makes of a float32: 10 bits of mantissa.
inline float to_tf32(float value) { return round_bits(value, 13); }

}  // namespace softgpu
