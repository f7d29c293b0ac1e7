// Values with history: a tape of closures, walked backwards once.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "nn/tensor.hpp"

namespace afterglow {

/// A tensor that may want a gradient and may know where it came from. Copies are handles to the
/// same variable.
class Variable {
 public:
  Variable() = default;
  /// A leaf: an input, a target, a parameter.
  explicit Variable(Tensor value, bool wants_gradient = false);

  explicit operator bool() const { return state_ != nullptr; }
  const Tensor& value() const;
  Tensor& value();
  const Shape& shape() const { return value().shape(); }
  const std::shared_ptr<Backend>& backend() const { return value().backend(); }

  /// True for a leaf made so, and for any result with such a leaf behind it.
  bool wants_gradient() const;
  void set_wants_gradient(bool wants);  // leaves only

  /// The gradient that backward() left in a leaf; an empty tensor when there is none.
  const Tensor& gradient() const;
  Tensor& gradient();
  void clear_gradient();

  /// The same value without history.
  Variable detached() const;

 private:
  struct State;
  friend Variable record(
      Tensor, const std::vector<Variable>&,
      std::function<std::vector<Tensor>(const Tensor&, const std::vector<bool>&)>);
  friend void backward(const Variable&, Tensor);
  std::shared_ptr<State> state_;
};

/// What an op leaves on the tape: from the gradient of its result, the gradients of its inputs, in
/// order. needs[i] says whether anybody wants input i's; the others stay empty tensors. A returned
/// tensor may share the buffer of dy (the tape copies before it accumulates).
using Backward =
    std::function<std::vector<Tensor>(const Tensor& dy, const std::vector<bool>& needs)>;

/// Makes y a variable; remembers inputs and closure only when some input wants a gradient and
/// gradients are enabled. An op asks `wants_gradient` of its inputs before it captures the tensors
/// that only their gradient needs.
Variable record(Tensor y, const std::vector<Variable>& inputs, Backward backward);

/// Walks the tape from y (iteratively, in reverse topological order), adds to the gradients of all
/// leaves that want one, and frees closures and intermediate gradients as it goes: a tape can be
/// walked once. The seed is 1 when empty (then y must have size 1).
void backward(const Variable& y, Tensor seed = {});

/// While one lives, record() keeps no history in this thread.
class NoGradient {
 public:
  NoGradient();
  ~NoGradient();
  NoGradient(const NoGradient&) = delete;
  NoGradient& operator=(const NoGradient&) = delete;

 private:
  bool before_;
};

/// False inside NoGradient.
bool gradients_enabled();

/// While one lives, ops that record() in this thread may count on it that kernels keep their values
/// until their backward pass is over: several passes through a network in one step of training
/// then share what the backend prepares of them.
class KernelsStay {
 public:
  KernelsStay();
  ~KernelsStay();
  KernelsStay(const KernelsStay&) = delete;
  KernelsStay& operator=(const KernelsStay&) = delete;

 private:
  bool before_;
};

/// True inside KernelsStay.
bool kernels_stay();

}  // namespace afterglow
