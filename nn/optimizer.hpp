// Adam, exactly as Keras computes it, and AdamW.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device_array.hpp"
#include "nn/module.hpp"

namespace afterglow {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-7;
  /// Largest global norm of all gradients together; larger ones are scaled down to it. 0: no
  /// clipping.
  double clip_norm = 0;
  /// AdamW's (Loshchilov & Hutter 2019): what a step takes off each parameter beside Adam's move,
  /// lr * weight_decay * p. It is no part of the gradient, nor of its norm. 0: none.
  double weight_decay = 0;
};

/// p <- p - lr sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon) - lr weight_decay p, m
/// and v the running means of gradient and squared gradient (Kingma & Ba 2014, the form at the end
/// of section 2; epsilon as in Keras).
class Adam {
 public:
  /// Optimizes those of the parameters that want a gradient now.
  Adam(const std::vector<Parameter>& parameters, const AdamOptions& options);

  /// The learning rate of the steps from now on, for schedules.
  void set_learning_rate(double learning_rate) { options_.learning_rate = learning_rate; }

  /// One step with the gradients that backward() left, which are cleared. A parameter without a
  /// gradient is an Error, one that is not finite a RunError; no parameter is changed then.
  void step();

  // The parts of step(), of which the middle one does nothing but backend calls: with the passes
  // before it, it can be recorded and replayed.
  void begin();
  void apply();
  void end();

  /// The step counter t and the moments, for checkpoints: weights are named as the parameters are.
  std::int64_t steps() const { return steps_; }
  std::vector<Weight> first_moments() const;
  std::vector<Weight> second_moments() const;
  void set_steps(std::int64_t steps) { steps_ = steps; }

 private:
  struct Slot {
    Parameter parameter;
    Tensor m, v;
    Buffer rounded = {};  // for the parameter's RoundedKernel, once it is wanted

    /// Empty where it is not.
    Destination rounded_values() const;
  };
  /// The parameter whose gradient is not finite.
  std::string not_finite() const;

  AdamOptions options_;
  std::shared_ptr<Backend> backend_;
  std::vector<Slot> slots_;
  DeviceArray<AdamRate> rate_;
  DeviceArray<double> squares_;
  std::int64_t steps_ = 0;
};

}  // namespace afterglow
