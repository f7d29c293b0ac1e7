#include "nn/initializers.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace afterglow {

Tensor glorot_uniform(std::shared_ptr<Backend> backend, const Shape& shape, Rng& rng) {
  const auto window = static_cast<double>(shape[0] * shape[1]);
  const double limit = std::sqrt(6.0 / (window * static_cast<double>(shape[2] + shape[3])));
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (float& value : values) value = static_cast<float>(rng.uniform(-limit, limit));
  return Tensor::from_host(std::move(backend), shape, values);
}

Tensor he_normal(std::shared_ptr<Backend> backend, const Shape& shape, float slope, Rng& rng) {
  const auto fan_in = static_cast<double>(shape[0] * shape[1] * shape[2]);
  const double deviation = std::sqrt(2.0 / ((1 + double{slope} * double{slope}) * fan_in));
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (float& value : values) value = static_cast<float>(deviation * rng.normal());
  return Tensor::from_host(std::move(backend), shape, values);
}

}  // namespace afterglow
