// Batch normalisation as Keras does it: momentum 0.99, epsilon 1e-3 unless said otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nn/module.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow {

class BatchNorm final : public Module {
 public:
  static constexpr float kEpsilon = 1e-3F;
  static constexpr float kMomentum = 0.99F;

  /// `copies`: ops::batch_norm; 4 when the network's definition has an upsample in front that
  /// stands behind here.
  BatchNorm(std::string name, const std::shared_ptr<Backend>& backend, std::int32_t channels,
            std::int64_t copies = 1, float epsilon = kEpsilon);

  /// Batch statistics in training mode (the running ones move along), else the running ones.
  Variable forward(const Variable& x);
  /// What forward does in inference mode.
  ops::InferenceNorm inference() const { return {gamma_, beta_, running_, epsilon_}; }

  /// Until the next call, training-mode passes weigh the batch by 1 - momentum in the running
  /// statistics.
  void set_momentum(float momentum) { momentum_ = momentum; }

 private:
  Variable gamma_;
  Variable beta_;
  ops::RunningStatistics running_;
  std::int64_t copies_;
  float epsilon_;
  float momentum_ = kMomentum;
};

}  // namespace afterglow
