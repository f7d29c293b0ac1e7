// First values of weights.
#pragma once

#include <memory>

#include "base/random.hpp"
#include "nn/tensor.hpp"

namespace afterglow {

/// Uniform in +-sqrt(6 / (fan_in + fan_out)), fans counted over the window (Glorot & Bengio 2010,
/// as Keras does it). shape: a kernel (KH, KW, I, O).
Tensor glorot_uniform(std::shared_ptr<Backend> backend, const Shape& shape, Rng& rng);

}  // namespace afterglow
