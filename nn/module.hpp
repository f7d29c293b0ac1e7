// A tree of layers with names. The names, and the order of the weights, are Keras's, so that files
// can be exchanged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/variable.hpp"

namespace afterglow {

/// A weight that training may change. A handle: copies are the same weight.
struct Parameter {
  std::string name;  // full: "conv2d_3/kernel", "vgg16/block1_conv1/bias"
  Variable value;
};

/// Any weight, parameter or running statistic. A handle: copies share the memory.
struct Weight {
  std::string name;  // full: "batch_normalization/moving_mean"
  Tensor value;
};

/// A layer, or layers made of layers. Children are members of the derived class, registered in its
/// constructor.
class Module {
 public:
  explicit Module(std::string name) : name_(std::move(name)) {}
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const std::string& name() const { return name_; }

  /// All parameters below, in order, frozen ones included.
  std::vector<Parameter> parameters() const;
  /// All weights below in Keras's order: of a convolution kernel, bias; of a norm gamma, beta,
  /// moving_mean, moving_variance.
  std::vector<Weight> weights() const;
  /// Values in all weights, and in those that training changes.
  std::int64_t weight_count() const;
  std::int64_t trainable_count() const;

  /// From now on no parameter below wants a gradient, and norms below use and keep their running
  /// statistics.
  void freeze();
  bool frozen() const { return frozen_; }
  /// Training mode (batch statistics) or inference mode (running statistics). A module starts in
  /// inference mode.
  void train(bool training);
  bool training() const { return training_ && !frozen_; }

 protected:
  /// Registers a child, after the ones before; it must be a member of this object.
  void add_child(Module& child) { children_.push_back(&child); }
  /// Registers and returns a parameter of this layer itself.
  Variable add_parameter(const std::string& name, Tensor value);
  /// Registers a running statistic.
  void add_statistic(const std::string& name, const Tensor& value);

 private:
  struct Own {
    std::string name;
    Variable parameter;  // none for a statistic
    Tensor statistic;
  };
  /// Calls visit(full name, own weight) for everything below. At the root of a model the name is
  /// left out.
  template <typename Visit>
  void visit(const std::string& prefix, const Visit& visitor) const;

  std::string name_;
  std::vector<Own> own_;
  std::vector<Module*> children_;
  bool frozen_ = false;
  bool training_ = false;
};

}  // namespace afterglow
