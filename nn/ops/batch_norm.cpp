#include "nn/ops/checks.hpp"

namespace afterglow::ops {

Variable batch_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    RunningStatistics& running, float momentum, float epsilon,
                    std::int64_t copies) {
  constexpr const char* kOp = "batch_norm";
  check_frames(kOp, "x", x.shape());
  check_norm(kOp, gamma, beta, running, "x", x.shape());
  const ChannelGeometry g = channel_geometry(x.shape());
  const auto& backend = x.backend();
  Tensor y(backend, x.shape(), x.value().type());
  Tensor mean(backend, gamma.shape());
  Tensor variance(backend, gamma.shape());
  backend->batch_norm(g, x.value().source(), gamma.value().source(), beta.value().source(), epsilon,
                      y.destination(), mean.destination(), variance.destination());
  // A single value has no unbiased variance; Keras then keeps the biased one.
  const double count = static_cast<double>(g.rows * copies);
  const double unbiased = count > 1 ? count / (count - 1) : 1.0;
  backend->blend_into(mean.source(), 1.0F, 1.0F - momentum, running.mean.destination());
  backend->blend_into(variance.source(), static_cast<float>(unbiased), 1.0F - momentum,
                      running.variance.destination());
  return record(y, {x, gamma, beta},
                [g, epsilon, kept_x = x.value(), kept_gamma = gamma.value(), mean, variance](
                    const Tensor& dy, const std::vector<bool>& needs) -> std::vector<Tensor> {
                  Tensor dx = new_if(needs[0], dy.backend(), kept_x.shape(), dy.type());
                  Tensor dgamma = new_if(needs[1], dy.backend(), kept_gamma.shape());
                  Tensor dbeta = new_if(needs[2], dy.backend(), kept_gamma.shape());
                  dy.backend()->batch_norm_backward(g, kept_x.source(), dy.source(),
                                                    kept_gamma.source(), mean.source(),
                                                    variance.source(), epsilon, destination_of(dx),
                                                    destination_of(dgamma), destination_of(dbeta));
                  return {dx, dgamma, dbeta};
                });
}

Variable batch_norm_inference(const Variable& x, const InferenceNorm& norm) {
  constexpr const char* kOp = "batch_norm_inference";
  check_frames(kOp, "x", x.shape());
  const auto& [gamma, beta, running, epsilon] = norm;
  check_norm(kOp, gamma, beta, running, "x", x.shape());
  const ChannelGeometry g = channel_geometry(x.shape());
  Tensor y(x.backend(), x.shape(), x.value().type());
  x.backend()->batch_norm_inference(g, x.value().source(), norm_of(norm), y.destination());
  return record(y, {x, gamma, beta},
                [g, epsilon = norm.epsilon, x_shape = x.shape(),
                 kept_x = gamma.wants_gradient() ? x.value() : Tensor(), kept_gamma = gamma.value(),
                 mean = running.mean, variance = running.variance](
                    const Tensor& dy, const std::vector<bool>& needs) -> std::vector<Tensor> {
                  Tensor dx = new_if(needs[0], dy.backend(), x_shape, dy.type());
                  Tensor dgamma = new_if(needs[1], dy.backend(), kept_gamma.shape());
                  Tensor dbeta = new_if(needs[2], dy.backend(), kept_gamma.shape());
                  dy.backend()->batch_norm_inference_backward(
                      g, kept_x ? kept_x.source() : Source(), dy.source(), kept_gamma.source(),
                      mean.source(), variance.source(), epsilon, destination_of(dx),
                      destination_of(dgamma), destination_of(dbeta));
                  return {dx, dgamma, dbeta};
                });
}

}  // namespace afterglow::ops
