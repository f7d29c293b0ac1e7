// Tensors as the fuzzer likes them.
#pragma once

#include <cstdint>
#include <iterator>
#include <limits>

#include "fuzz/choices.hpp"
#include "weights/raw_tensors.hpp"

namespace afterglow::fuzz {

/// A tensor of equal values, as whatever a parser returns: of as many values as its shape says,
/// 4096 at most.
inline RawTensor any_tensor(Choices& choices) {
  constexpr std::size_t kMostExtents = 6;
  constexpr std::int64_t kMostValues = 1 << 12;
  RawTensor tensor;
  tensor.shape.resize(choices.byte() % kMostExtents);
  for (std::int64_t& extent : tensor.shape) extent = choices.byte() + 256 * choices.byte();
  const std::int64_t count = element_count(tensor.shape, kMostValues);
  if (count < 0) return {{0}, {}};
  constexpr float kValues[] = {1,
                               0,
                               -1,
                               0.5F,
                               3e38F,
                               1e-45F,
                               std::numeric_limits<float>::quiet_NaN(),
                               std::numeric_limits<float>::infinity()};
  tensor.values.assign(static_cast<std::size_t>(count),
                       kValues[choices.byte() % std::size(kValues)]);
  return tensor;
}

}  // namespace afterglow::fuzz
