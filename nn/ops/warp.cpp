#include "nn/ops/checks.hpp"

namespace afterglow::ops {

Variable warp(const Variable& x, const Tensor& flow) {
  constexpr const char* kOp = "warp";
  const Shape& shape = x.shape();
  check_frames(kOp, "x", shape);
  check_flow(kOp, flow.shape(), "x", shape);
  if (flow.type() != ValueType::kFloat32) {
    refuse(kOp, named("flow", flow.shape()) + " is not float32");
  }
  const FrameGeometry g = frame_geometry(shape);
  Tensor y(x.backend(), shape, x.value().type());
  x.backend()->warp(g, x.value().source(), flow.source(), y.destination());
  return record(y, {x},
                [g, flow](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
                  Tensor dx(dy.backend(), dy.shape(), dy.type());
                  dy.backend()->warp_backward(g, dy.source(), flow.source(), dx.destination());
                  return {dx};
                });
}

}  // namespace afterglow::ops
