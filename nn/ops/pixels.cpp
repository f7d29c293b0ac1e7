// What multiplies, measures, sums and moves whole pixels: multiply, pixel_length, frame_mean,
// add_to_pixels, sum.
#include "nn/ops/checks.hpp"

namespace afterglow::ops {
namespace {

Tensor product(const ChannelGeometry& g, const Tensor& x, const Tensor& m) {
  Tensor y(x.backend(), x.shape(), x.type());
  x.backend()->multiply(g, x.source(), m.source(), y.destination());
  return y;
}

Tensor sum_of_pixels(const FrameGeometry& g, float factor, const Tensor& x, const Shape& shape,
                     ValueType type) {
  Tensor sums(x.backend(), shape, type);
  x.backend()->sum_pixels(g, factor, x.source(), sums.destination());
  return sums;
}

/// The gradient of a sum over x's pixels: dy at each of them.
Backward spread_to_pixels(const FrameGeometry& g, float factor, const Tensor& x) {
  return [g, factor, shape = x.shape(), type = x.type()](
             const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
    Tensor dx(dy.backend(), shape, type);
    dy.backend()->add_to_pixels(g, factor, {}, dy.source(), dx.destination());
    return {dx};
  };
}

}  // namespace

Variable multiply(const Variable& x, const Variable& m) {
  constexpr const char* kOp = "multiply";
  const Shape& shape = x.shape();
  check_frames(kOp, "x", shape);
  const bool of_pixel = m.shape() == Shape{shape[0], shape[1], shape[2], 1};
  if (!of_pixel && m.shape() != shape) {
    refuse(kOp, named("m", m.shape()) +
                    " is neither of the shape nor one value for each pixel of " +
                    named("x", shape));
  }
  const ChannelGeometry g = channel_geometry(shape);
  return record(product(g, x.value(), m.value()), {x, m},
                [g, of_pixel, kept_x = m.wants_gradient() ? x.value() : Tensor(),
                 kept_m = x.wants_gradient() ? m.value() : Tensor()](
                    const Tensor& dy, const std::vector<bool>& needs) -> std::vector<Tensor> {
                  Tensor dx, dm;
                  if (needs[0]) dx = product(g, dy, kept_m);
                  if (needs[1] && !of_pixel) dm = product(g, dy, kept_x);
                  if (needs[1] && of_pixel) {
                    const Shape& all = dy.shape();
                    dm = Tensor(dy.backend(), {all[0], all[1], all[2], 1}, dy.type());
                    dy.backend()->dot_channels(g, dy.source(), kept_x.source(), dm.destination());
                  }
                  return {dx, dm};
                });
}

Variable pixel_length(const Variable& x, float epsilon) {
  constexpr const char* kOp = "pixel_length";
  const Shape& shape = x.shape();
  check_frames(kOp, "x", shape);
  if (!(epsilon >= 0)) refuse(kOp, "epsilon " + std::to_string(epsilon) + " is not 0 or above");
  const ChannelGeometry g = channel_geometry(shape);
  Tensor y(x.backend(), {shape[0], shape[1], shape[2], 1}, x.value().type());
  x.backend()->pixel_length(g, epsilon, x.value().source(), y.destination());
  return record(y, {x},
                [g, kept_x = x.value(), y](const Tensor& dy,
                                           const std::vector<bool>&) -> std::vector<Tensor> {
                  Tensor dx(dy.backend(), kept_x.shape(), dy.type());
                  dy.backend()->pixel_length_backward(g, kept_x.source(), y.source(), dy.source(),
                                                      dx.destination());
                  return {dx};
                });
}

Variable frame_mean(const Variable& x) {
  const Shape& shape = x.shape();
  check_frames("frame_mean", "x", shape);
  const FrameGeometry g = frame_geometry(shape);
  const auto factor = static_cast<float>(1 / static_cast<double>(shape[1] * shape[2]));
  return record(sum_of_pixels(g, factor, x.value(), {shape[0], 1, 1, shape[3]}, x.value().type()),
                {x}, spread_to_pixels(g, factor, x.value()));
}

Variable add_to_pixels(const Variable& x, const Variable& v) {
  constexpr const char* kOp = "add_to_pixels";
  const Shape& shape = x.shape();
  check_frames(kOp, "x", shape);
  if (v.shape() != Shape{shape[0], 1, 1, shape[3]}) {
    refuse(kOp, named("v", v.shape()) + " is not one pixel for each frame of " + named("x", shape));
  }
  const FrameGeometry g = frame_geometry(shape);
  Tensor y(x.backend(), shape, x.value().type());
  x.backend()->add_to_pixels(g, 1.0F, x.value().source(), v.value().source(), y.destination());
  return record(y, {x, v},
                [g, v_shape = v.shape(), v_type = v.value().type()](
                    const Tensor& dy, const std::vector<bool>& needs) -> std::vector<Tensor> {
                  return {dy, needs[1] ? sum_of_pixels(g, 1.0F, dy, v_shape, v_type) : Tensor()};
                });
}

Variable sum(const Variable& x) {
  const Shape& shape = x.shape();
  if (shape.size() == 0) refuse("sum", named("x", shape) + " is empty");
  // One frame of one channel: its lines are the values along x's last axis.
  const int last = shape.rank() - 1;
  const FrameGeometry g{1, static_cast<std::int32_t>(shape.size() / shape[last]),
                        extent(shape, last), 1};
  return record(sum_of_pixels(g, 1.0F, x.value(), {1}, ValueType::kFloat32), {x},
                spread_to_pixels(g, 1.0F, x.value()));
}

}  // namespace afterglow::ops
