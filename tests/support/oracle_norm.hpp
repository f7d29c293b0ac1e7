// Batch normalisation in double, as Ioffe & Szegedy 2015 write it.
#pragma once

#include <vector>

#include "kernels/geometry.hpp"

namespace afterglow::oracle {

using Doubles = std::vector<double>;

struct BatchNorm {
  Doubles y, mean, variance;  // the variance is biased
};
BatchNorm batch_norm(const ChannelGeometry& g, const Doubles& x, const Doubles& gamma,
                     const Doubles& beta, double epsilon);

struct BatchNormGradients {
  Doubles dx, dgamma, dbeta;
};
/// Through the statistics of x itself.
BatchNormGradients batch_norm_backward(const ChannelGeometry& g, const Doubles& x,
                                       const Doubles& dy, const Doubles& gamma, double epsilon);

/// Mean and variance are constants.
Doubles batch_norm_inference(const ChannelGeometry& g, const Doubles& x, const Doubles& gamma,
                             const Doubles& beta, const Doubles& mean, const Doubles& variance,
                             double epsilon);
BatchNormGradients batch_norm_inference_backward(const ChannelGeometry& g, const Doubles& x,
                                                 const Doubles& dy, const Doubles& gamma,
                                                 const Doubles& mean, const Doubles& variance,
                                                 double epsilon);

}  // namespace afterglow::oracle
