#include "nn/optimizer.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace afterglow {
namespace {

std::shared_ptr<Backend> backend_of(const std::vector<Parameter>& parameters) {
  if (parameters.empty()) throw Error("nothing to optimize");
  return parameters.front().value.backend();
}

RoundedKernel& rounded_kernel(const Tensor& parameter) { return *parameter.kernel(false).rounded; }

std::size_t rounded_bytes(const Tensor& parameter) {
  return static_cast<std::size_t>(parameter.size()) * bytes_of(ValueType::kBfloat16);
}

}  // namespace

Adam::Adam(const std::vector<Parameter>& parameters, const AdamOptions& options)
    : options_(options), backend_(backend_of(parameters)), rate_(backend_), squares_(backend_) {
  for (const Parameter& parameter : parameters) {
    if (!parameter.value.wants_gradient()) continue;
    const Shape& shape = parameter.value.shape();
    slots_.push_back({parameter, Tensor::zeros(backend_, shape), Tensor::zeros(backend_, shape)});
  }
}

Destination Adam::Slot::rounded_values() const {
  if (!rounded.data) return {};
  return {rounded.data.get(), static_cast<std::size_t>(m.size()), ValueType::kBfloat16};
}

void Adam::step() {
  begin();
  apply();
  end();
}

void Adam::begin() {
  const auto t = static_cast<double>(steps_ + 1);
  const double rate = options_.learning_rate * std::sqrt(1 - std::pow(options_.beta2, t)) /
                      (1 - std::pow(options_.beta1, t));
  rate_.write({{static_cast<float>(rate),
                static_cast<float>(options_.learning_rate * options_.weight_decay)}});
  for (Slot& slot : slots_) {
    Tensor& parameter = slot.parameter.value.value();
    RoundedKernel& rounded = rounded_kernel(parameter);
    const bool up_to_date = rounded.values.data != nullptr;
    // A replayed apply() changes parameters behind the tensors' backs: what is kept of them goes
    // now. What is rounded of them it changes as well; and it reads that, so that it must be right.
    parameter.destination();
    if (!rounded.wanted) continue;
    if (!slot.rounded.data) slot.rounded = backend_->allocate(rounded_bytes(parameter));
    if (!up_to_date) backend_->copy(parameter.source(), slot.rounded_values());
    rounded.values = slot.rounded;
  }
}

void Adam::apply() {
  std::vector<Source> gradients;
  std::vector<AdamSlot> slots;
  for (Slot& slot : slots_) {
    const Tensor& gradient = slot.parameter.value.gradient();
    if (!gradient) throw Error("no gradient for " + slot.parameter.name);
    gradients.push_back(gradient.source());
    slots.push_back({gradient.source(), slot.parameter.value.value().destination(),
                     slot.m.destination(), slot.v.destination(), slot.rounded_values()});
  }
  backend_->sum_of_squares(gradients, squares_.data());
  backend_->adam({options_.beta1, options_.beta2, static_cast<float>(options_.epsilon),
                  static_cast<float>(options_.clip_norm)},
                 rate_.data(), squares_.data(), slots);
  for (Slot& slot : slots_) {
    rounded_kernel(slot.parameter.value.value()).values = slot.rounded;
  }
}

void Adam::end() {
  if (!std::isfinite(squares_.value())) {
    throw RunError("training: the gradient of " + not_finite() + " is no longer finite at step " +
                   std::to_string(steps_ + 1) + "; use a smaller --lr or --clip-norm");
  }
  ++steps_;
  for (Slot& slot : slots_) slot.parameter.value.clear_gradient();
}

std::string Adam::not_finite() const {
  for (const Slot& slot : slots_) {
    const Tensor& gradient = slot.parameter.value.gradient();
    if (!gradient) break;  // a replayed step leaves none behind
    const DeviceArray<double> sum(backend_);
    const Source values = gradient.source();
    backend_->sum_of_squares({&values, 1}, sum.data());
    if (!std::isfinite(sum.value())) return slot.parameter.name;
  }
  return "some parameter";
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
