// The arithmetic rule of data/make_goldens.py, which fills networks and inputs with the same
// numbers in Python and here.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "nn/models/colorization_model.hpp"
#include "support/golden_values.hpp"

namespace afterglow {

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
