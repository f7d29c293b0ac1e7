// Weights as another program's file holds them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace afterglow {

/// No file of weights may be larger (bytes). Keras's VGG16 with its classifier is of 553 MB, the
/// ECCV16 colorizer of 129 MB, and three times that with an optimizer's moments.
inline constexpr std::uint64_t kLargestWeightsFile = std::uint64_t{1} << 30;

/// Values in the order of their file, the last extent moving fastest.
struct RawTensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// By the names of the file.
using RawTensors = std::map<std::string, RawTensor>;

/// The product of the extents, or -1 when one is negative or above `largest`, or the product is.
std::int64_t element_count(const std::vector<std::int64_t>& shape, std::int64_t largest);

/// "(64, 1, 3, 3)".
std::string shape_text(const std::vector<std::int64_t>& shape);

}  // namespace afterglow
