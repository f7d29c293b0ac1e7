#include "nn/ops/checks.hpp"

namespace afterglow::ops {

Variable softmax_mean(const Variable& x, const Tensor& centres, float factor) {
  constexpr const char* kOp = "softmax_mean";
  check_frames(kOp, "x", x.shape());
  const Shape& shape = centres.shape();
  if (shape.rank() != 2 || shape[0] != x.shape()[3] || shape[1] < 1 ||
      shape[1] > SoftmaxMeanGeometry::kMostOutputs) {
    refuse(kOp, named("centres", shape) + " are not 1 to 4 values for each channel of " +
                    named("x", x.shape()));
  }
  const SoftmaxMeanGeometry g{channel_geometry(x.shape()).rows, extent(shape, 0), extent(shape, 1)};
  Tensor y(x.backend(), {x.shape()[0], x.shape()[1], x.shape()[2], shape[1]}, x.value().type());
  x.backend()->softmax_mean(g, factor, x.value().source(), centres.source(), y.destination());
  return record(y, {x},
                [g, factor, kept_x = x.value(), centres](
                    const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
                  Tensor dx(dy.backend(), kept_x.shape(), dy.type());
                  dy.backend()->softmax_mean_backward(g, factor, kept_x.source(), centres.source(),
                                                      dy.source(), dx.destination());
                  return {dx};
                });
}

}  // namespace afterglow::ops
