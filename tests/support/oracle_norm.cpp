#include "support/oracle_norm.hpp"

#include <cmath>
#include <cstddef>

namespace afterglow::oracle {

namespace {

// Calls f(channel, index) for every value.
template <typename F>
void for_values(const ChannelGeometry& g, F&& f) {
  std::size_t i = 0;
  for (std::int64_t row = 0; row < g.rows; ++row)
    for (std::size_t k = 0; k < std::size_t(g.channels); ++k) f(k, i++);
}

}  // namespace

BatchNorm batch_norm(const ChannelGeometry& g, const Doubles& x, const Doubles& gamma,
                     const Doubles& beta, double epsilon) {
  const auto channels = std::size_t(g.channels);
  const double rows = double(g.rows);
  BatchNorm r{{}, Doubles(channels), Doubles(channels)};
  for_values(g, [&](std::size_t k, std::size_t i) { r.mean[k] += x[i] / rows; });
  for_values(g, [&](std::size_t k, std::size_t i) {
    r.variance[k] += (x[i] - r.mean[k]) * (x[i] - r.mean[k]) / rows;
  });
  r.y = batch_norm_inference(g, x, gamma, beta, r.mean, r.variance, epsilon);
  return r;
}

Doubles batch_norm_inference(const ChannelGeometry& g, const Doubles& x, const Doubles& gamma,
                             const Doubles& beta, const Doubles& mean, const Doubles& variance,
                             double epsilon) {
  Doubles y(x.size());
  for_values(g, [&](std::size_t k, std::size_t i) {
    y[i] = gamma[k] * (x[i] - mean[k]) / std::sqrt(variance[k] + epsilon) + beta[k];
  });
  return y;
}

BatchNormGradients batch_norm_backward(const ChannelGeometry& g, const Doubles& x,
                                       const Doubles& dy, const Doubles& gamma, double epsilon) {
  const auto channels = std::size_t(g.channels);
  const double rows = double(g.rows);
  const BatchNorm forward = batch_norm(g, x, gamma, Doubles(channels), epsilon);
  // The chain of the paper: from y to the normalised value, the variance, the mean, x.
  Doubles d_variance(channels), d_mean(channels);
  BatchNormGradients r =
      batch_norm_inference_backward(g, x, dy, gamma, forward.mean, forward.variance, epsilon);
  for_values(g, [&](std::size_t k, std::size_t i) {
    const double deviation = std::sqrt(forward.variance[k] + epsilon);
    d_variance[k] += dy[i] * gamma[k] * (x[i] - forward.mean[k]) * -0.5 / std::pow(deviation, 3);
    d_mean[k] -= dy[i] * gamma[k] / deviation;
  });
  for_values(g, [&](std::size_t k, std::size_t i) {
    r.dx[i] += d_variance[k] * 2 * (x[i] - forward.mean[k]) / rows + d_mean[k] / rows;
  });
  return r;
}

BatchNormGradients batch_norm_inference_backward(const ChannelGeometry& g, const Doubles& x,
                                                 const Doubles& dy, const Doubles& gamma,
                                                 const Doubles& mean, const Doubles& variance,
                                                 double epsilon) {
  const auto channels = std::size_t(g.channels);
  BatchNormGradients r{Doubles(x.size()), Doubles(channels), Doubles(channels)};
  for_values(g, [&](std::size_t k, std::size_t i) {
    const double deviation = std::sqrt(variance[k] + epsilon);
    r.dx[i] = dy[i] * gamma[k] / deviation;
    r.dgamma[k] += dy[i] * (x[i] - mean[k]) / deviation;
    r.dbeta[k] += dy[i];
  });
  return r;
}

}  // namespace afterglow::oracle
