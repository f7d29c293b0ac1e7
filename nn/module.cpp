#include "nn/module.hpp"

#include <utility>

namespace afterglow {

template <typename Visit>
void Module::visit(const std::string& prefix, const Visit& visitor) const {
  for (const Own& own : own_) visitor(prefix + own.name, own);
  for (const Module* child : children_) child->visit(prefix + child->name_ + "/", visitor);
}

std::vector<Parameter> Module::parameters() const {
  std::vector<Parameter> result;
  visit("", [&](const std::string& name, const Own& own) {
    if (own.parameter) result.push_back({name, own.parameter});
  });
  return result;
}

std::vector<Weight> Module::weights() const {
  std::vector<Weight> result;
  visit("", [&](const std::string& name, const Own& own) {
    result.push_back({name, own.parameter ? own.parameter.value() : own.statistic});
  });
  return result;
}

std::int64_t Module::weight_count() const {
  std::int64_t count = 0;
  for (const Weight& weight : weights()) count += weight.value.size();
  return count;
}

std::int64_t Module::trainable_count() const {
  std::int64_t count = 0;
  for (const Parameter& parameter : parameters()) {
    if (parameter.value.wants_gradient()) count += parameter.value.value().size();
  }
  return count;
}

void Module::freeze() {
  frozen_ = true;
  for (Own& own : own_) {
    if (own.parameter) own.parameter.set_wants_gradient(false);
  }
  for (Module* child : children_) child->freeze();
}

void Module::train(bool training) {
  training_ = training;
  for (Module* child : children_) child->train(training);
}

Variable Module::add_parameter(const std::string& name, Tensor value) {
  own_.push_back({name, Variable(std::move(value), true), {}});
  return own_.back().parameter;
}

void Module::add_statistic(const std::string& name, const Tensor& value) {
  own_.push_back({name, {}, value});
}

}  // namespace afterglow
