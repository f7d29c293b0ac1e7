// The arithmetic rule of data/make_goldens.py, which fills networks and inputs with the same
// numbers in Python and here.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nn/models/colorization_model.hpp"

namespace afterglow {

/// Numbers in [-1, 1), the j-th from the name's hash and j.
inline std::vector<double> golden_values(const std::string& name, std::int64_t count) {
  std::uint64_t seed = 0xCBF29CE484222325ULL;
  for (const char byte : name) {
    seed = (seed ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  }
  std::vector<double> values;
  for (std::int64_t j = 0; j < count; ++j) {
    std::uint64_t z = seed + static_cast<std::uint64_t>(j) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    values.push_back(static_cast<double>(z >> 40) / 0x1.0p23 - 1);
  }
  return values;
}

/// Gives every weight of a model its value of the rule.
inline void set_golden_weights(const ColorizationModel& model) {
  for (const Weight& weight : model.weights()) {
    const std::string kind = weight.name.substr(weight.name.rfind('/') + 1);
    const Shape& shape = weight.value.shape();
    double factor = 0.1;
    double offset = 0;
    if (kind == "kernel") {
      factor = std::sqrt(6.0 / static_cast<double>(shape[0] * shape[1] * shape[2]));
    } else if (kind == "gamma" || kind == "moving_variance") {
      factor = 0.2;
      offset = 1;
    }
    std::vector<float> values;
    for (const double value : golden_values(weight.name, weight.value.size())) {
      values.push_back(static_cast<float>(offset + factor * value));
    }
    Tensor tensor = weight.value;
    tensor.copy_from_host(values);
  }
}

/// Pixels 0..255, (4, 128, 128, channels).
inline Tensor golden_frames(const std::shared_ptr<Backend>& backend, const std::string& name,
                            std::int64_t channels) {
  const Shape shape{4, kNetworkSize, kNetworkSize, channels};
  std::vector<float> values;
  for (const double value : golden_values(name, shape.size())) {
    values.push_back(static_cast<float>((value + 1) * 127.5));
  }
  return Tensor::from_host(backend, shape, values);
}

}  // namespace afterglow
