#include "nn/optimizer.hpp"

#include <cmath>
#include <string>

#include "base/error.hpp"

namespace afterglow {

Adam::Adam(const std::vector<Parameter>& parameters, const AdamOptions& options)
    : options_(options) {
  for (const Parameter& parameter : parameters) {
    if (!parameter.value.wants_gradient()) continue;
    const auto& backend = parameter.value.backend();
    const Shape& shape = parameter.value.shape();
    slots_.push_back({parameter, Tensor::zeros(backend, shape), Tensor::zeros(backend, shape)});
  }
}

void Adam::step() {
  double squares = 0;
  for (Slot& slot : slots_) {
    Tensor& gradient = slot.parameter.value.gradient();
    if (!gradient) throw Error("no gradient for " + slot.parameter.name);
    const double sum = gradient.backend()->sum_of_squares(gradient.source());
    if (!std::isfinite(sum)) {
      throw RunError("training: the gradient of " + slot.parameter.name +
                     " is no longer finite at step " + std::to_string(steps_ + 1) +
                     "; use a smaller --lr or --clip-norm");
    }
    squares += sum;
  }
  const double norm = std::sqrt(squares);
  const bool clip = options_.clip_norm > 0 && norm > options_.clip_norm;

  ++steps_;
  const auto t = static_cast<double>(steps_);
  const AdamStep step{
      static_cast<float>(options_.learning_rate * std::sqrt(1 - std::pow(options_.beta2, t)) /
                         (1 - std::pow(options_.beta1, t))),
      options_.beta1, options_.beta2, static_cast<float>(options_.epsilon)};
  for (Slot& slot : slots_) {
    Tensor& gradient = slot.parameter.value.gradient();
    Backend& backend = *gradient.backend();
    if (clip) {
      backend.scale(gradient.source(), static_cast<float>(options_.clip_norm / norm),
                    gradient.destination());
    }
    backend.adam(step, gradient.source(), slot.parameter.value.value().destination(),
                 slot.m.destination(), slot.v.destination());
    slot.parameter.value.clear_gradient();
  }
}

std::vector<Weight> Adam::first_moments() const {
  std::vector<Weight> result;
  for (const Slot& slot : slots_) result.push_back({slot.parameter.name, slot.m});
  return result;
}

std::vector<Weight> Adam::second_moments() const {
  std::vector<Weight> result;
  for (const Slot& slot : slots_) result.push_back({slot.parameter.name, slot.v});
  return result;
}

}  // namespace afterglow
