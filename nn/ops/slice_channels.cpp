#include "nn/ops/checks.hpp"

namespace afterglow::ops {

Variable slice_channels(const Variable& x, std::int64_t first, std::int64_t count) {
  constexpr const char* kOp = "slice_channels";
  const Shape& shape = x.shape();
  check_frames(kOp, "x", shape);
  if (first < 0 || count < 1 || first > shape[3] - count) {
    refuse(kOp, std::to_string(count) + " channels from " + std::to_string(first) + " leave " +
                    named("x", shape));
  }
  // Some columns of frames whose rows are pixels.
  const CropGeometry g{extent(shape, 0),
                       extent(shape, 1) * extent(shape, 2),
                       extent(shape, 3),
                       1,
                       0,
                       static_cast<std::int32_t>(first),
                       extent(shape, 1) * extent(shape, 2),
                       static_cast<std::int32_t>(count)};
  Tensor y(x.backend(), {shape[0], shape[1], shape[2], count}, x.value().type());
  x.backend()->crop(g, x.value().source(), y.destination());
  return record(
      y, {x},
      [g, x_shape = shape](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
        Tensor dx(dy.backend(), x_shape, dy.type());
        dy.backend()->crop_backward(g, dy.source(), dx.destination());
        return {dx};
      });
}

}  // namespace afterglow::ops
