// Functions of one value and their slopes, written once for every backend.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/temporal_mse.hpp"

namespace afterglow {

/// Which function; a and b are its constants.
enum class FunctionKind : std::int32_t {
  kAffine,     // a x + b
  kLeakyRelu,  // x where x > 0, else a x
  kSigmoid,    // 1 / (1 + e^-x)
  kExp,        // e^x
  kClamp,      // x, but a below a and b above b
  kAbs,        // |x|
};

struct Function {
  FunctionKind kind = FunctionKind::kAffine;
  float a = 1, b = 0;

  bool operator==(const Function&) const = default;
};

/// f(x). A NaN stays one.
template <FunctionKind kKind>
AFTERGLOW_HOST_DEVICE inline float function_value(float a, float b, float x) {
  if constexpr (kKind == FunctionKind::kAffine) {
    return a * x + b;
  } else if constexpr (kKind == FunctionKind::kLeakyRelu) {
    // Without a branch, so that a loop of it is vectorised; a NaN is not above 0.
    return (x > 0 ? x : 0) + a * (x > 0 ? 0 : x);
  } else if constexpr (kKind == FunctionKind::kSigmoid) {
    return 1 / (1 + std::exp(-x));
  } else if constexpr (kKind == FunctionKind::kExp) {
    return std::exp(x);
  } else if constexpr (kKind == FunctionKind::kClamp) {
    return x < a ? a : x > b ? b : x;
  } else {
    return std::fabs(x);
  }
}

/// f'(x). At the corners: 1 at both ends of kClamp's range, a at kLeakyRelu's 0, 0 at kAbs's.
template <FunctionKind kKind>
AFTERGLOW_HOST_DEVICE inline float function_slope(float a, float b, float x) {
  if constexpr (kKind == FunctionKind::kAffine) {
    return a;
  } else if constexpr (kKind == FunctionKind::kLeakyRelu) {
    return x > 0 ? 1.0F : a;
  } else if constexpr (kKind == FunctionKind::kSigmoid) {
    const float y = 1 / (1 + std::exp(-x));
    return y * (1 - y);
  } else if constexpr (kKind == FunctionKind::kExp) {
    return std::exp(x);
  } else if constexpr (kKind == FunctionKind::kClamp) {
    return x < a || x > b ? 0.0F : 1.0F;
  } else {
    return x > 0 ? 1.0F : x < 0 ? -1.0F : 0.0F;
  }
}

}  // namespace afterglow
