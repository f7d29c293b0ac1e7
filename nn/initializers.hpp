// First values of weights.
#pragma once

#include <memory>

#include "base/random.hpp"
#include "nn/tensor.hpp"

namespace afterglow {

/// Uniform in +-sqrt(6 / (fan_in + fan_out)), fans counted over the window (Glorot & Bengio 2010,
/// as Keras does it). shape: a kernel (KH, KW, I, O).
Tensor glorot_uniform(std::shared_ptr<Backend> backend, const Shape& shape, Rng& rng);

/// Normal with standard deviation sqrt(2 / ((1 + slope^2) fan_in)), for layers whose leaky ReLU has
/// this slope (He et al. 2015, equation 15).
Tensor he_normal(std::shared_ptr<Backend> backend, const Shape& shape, float slope, Rng& rng);

}  // namespace afterglow
