// relu, add, scale.
#include "nn/ops/checks.hpp"

namespace afterglow::ops {

Variable relu(const Variable& x) {
  Tensor y(x.backend(), x.shape(), x.value().type());
  x.backend()->relu(x.value().source(), y.destination());
  return record(y, {x}, [y](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
    return {before_activation(Activation::kRelu, y, dy)};
  });
}

Variable add(const Variable& a, const Variable& b) {
  check_same("add", "a", a.shape(), "b", b.shape());
  Tensor y(a.backend(), a.shape(), a.value().type());
  a.backend()->add(a.value().source(), b.value().source(), y.destination());
  return record(y, {a, b}, [](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
    return {dy, dy};
  });
}

Variable scale(const Variable& x, float factor) {
  Tensor y(x.backend(), x.shape(), x.value().type());
  x.backend()->scale(x.value().source(), factor, y.destination());
  return record(y, {x},
                [factor](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
                  Tensor dx(dy.backend(), dy.shape(), dy.type());
                  dy.backend()->scale(dy.source(), factor, dx.destination());
                  return {dx};
                });
}

}  // namespace afterglow::ops
