#include "nn/layers/batch_norm.hpp"

#include <utility>

namespace afterglow {

BatchNorm::BatchNorm(std::string name, const std::shared_ptr<Backend>& backend,
                     std::int32_t channels, std::int64_t copies, float epsilon)
    : Module(std::move(name)),
      gamma_(add_parameter("gamma", Tensor::full(backend, {channels}, 1.0F))),
      beta_(add_parameter("beta", Tensor::zeros(backend, {channels}))),
      running_{Tensor::zeros(backend, {channels}), Tensor::full(backend, {channels}, 1.0F)},
      copies_(copies),
      epsilon_(epsilon) {
  add_statistic("moving_mean", running_.mean);
  add_statistic("moving_variance", running_.variance);
}

Variable BatchNorm::forward(const Variable& x) {
  return training() ? ops::batch_norm(x, gamma_, beta_, running_, momentum_, epsilon_, copies_)
                    : ops::batch_norm_inference(x, inference());
}

}  // namespace afterglow
