// Functions of one value: affine, leaky_relu, sigmoid, exp, clamp, abs.
#include "nn/ops/checks.hpp"

namespace afterglow::ops {
namespace {

Tensor function_of(const Function& f, const Tensor& x) {
  Tensor y(x.backend(), x.shape(), x.type());
  x.backend()->apply(f, x.source(), y.destination());
  return y;
}

Variable record_function(const Function& f, const Variable& x) {
  return record(
      function_of(f, x.value()), {x},
      [f, kept_x = x.value()](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
        Tensor dx(dy.backend(), dy.shape(), dy.type());
        dy.backend()->apply_backward(f, kept_x.source(), dy.source(), dx.destination());
        return {dx};
      });
}

}  // namespace

Variable affine(const Variable& x, float factor, float offset) {
  return record(function_of({FunctionKind::kAffine, factor, offset}, x.value()), {x},
                [factor](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
                  Tensor dx(dy.backend(), dy.shape(), dy.type());
                  dy.backend()->scale(dy.source(), factor, dx.destination());
                  return {dx};
                });
}

Variable leaky_relu(const Variable& x, float slope) {
  return record_function({FunctionKind::kLeakyRelu, slope, 0}, x);
}

Variable sigmoid(const Variable& x) { return record_function({FunctionKind::kSigmoid, 0, 0}, x); }

Variable exp(const Variable& x) { return record_function({FunctionKind::kExp, 0, 0}, x); }

Variable clamp(const Variable& x, float low, float high) {
  if (!(low <= high)) {
    refuse("clamp", "from " + std::to_string(low) + " to " + std::to_string(high) + " is no range");
  }
  return record_function({FunctionKind::kClamp, low, high}, x);
}

Variable abs(const Variable& x) { return record_function({FunctionKind::kAbs, 0, 0}, x); }

}  // namespace afterglow::ops
