#include "nn/ops/checks.hpp"

namespace afterglow::ops {
namespace {

Conv2dGeometry geometry(const Variable& x, const Variable& w, const Variable& b,
                        const Conv2dOptions& options) {
  constexpr const char* kOp = "conv2d";
  check_frames(kOp, "x", x.shape());
  if (w.shape().rank() != 4 || w.shape().size() == 0) {
    refuse(kOp, named("w", w.shape()) + " is not a non-empty (KH, KW, I, O)");
  }
  if (x.shape()[3] != w.shape()[2]) {
    refuse(kOp, named("x", x.shape()) + " has " + std::to_string(x.shape()[3]) + " channels, " +
                    named("w", w.shape()) + " wants " + std::to_string(w.shape()[2]));
  }
  if (b && b.shape() != Shape{w.shape()[3]}) {
    refuse(kOp, named("b", b.shape()) + " does not fit " + named("w", w.shape()));
  }
  if (options.stride < 1 || options.dilation < 1) {
    refuse(kOp, "stride " + std::to_string(options.stride) + " or dilation " +
                    std::to_string(options.dilation) + " is out of range (from 1)");
  }
  const Conv2dGeometry g{extent(x.shape(), 0), extent(x.shape(), 1), extent(x.shape(), 2),
                         extent(x.shape(), 3), extent(w.shape(), 3), extent(w.shape(), 0),
                         extent(w.shape(), 1), options.stride,       options.dilation,
                         options.padding};
  if (g.out_h() < 1 || g.out_w() < 1) {
    refuse(kOp, named("x", x.shape()) + " is smaller than the window of " + named("w", w.shape()));
  }
  return g;
}

}  // namespace

Variable conv2d(const Variable& x, const Variable& w, const Variable& b,
                const Conv2dOptions& options) {
  const Conv2dGeometry g = geometry(x, w, b, options);
  const auto& backend = x.backend();
  const bool constant = is_constant(w);
  Tensor y(backend, {g.n, g.out_h(), g.out_w(), g.k});
  backend->conv2d(g, x.value().source(), w.value().kernel(constant), source_of(b),
                  options.activation, y.destination());
  // x is needed for the weights' gradient alone, w for x's alone, y for the activation's mask.
  return record(y, {x, w, b},
                [g, constant, activation = options.activation, x_shape = x.shape(),
                 w_shape = w.shape(), kept_x = w.wants_gradient() ? x.value() : Tensor(),
                 kept_w = x.wants_gradient() ? w.value() : Tensor(),
                 kept_y = options.activation == Activation::kNone ? Tensor() : y](
                    const Tensor& dy, const std::vector<bool>& needs) -> std::vector<Tensor> {
                  Backend& device = *dy.backend();
                  const Tensor dz = before_activation(activation, kept_y, dy);
                  Tensor dx = new_if(needs[0], dy.backend(), x_shape);
                  Tensor db = new_if(needs[2], dy.backend(), {g.k});
                  Tensor dw = new_if(needs[1], dy.backend(), w_shape);
                  if (dw) {
                    device.conv2d_backward_weights(g, kept_x.source(), dz.source(),
                                                   dw.destination(), destination_of(db));
                  } else if (db) {
                    device.sum_rows(channel_geometry(dz.shape()), dz.source(), db.destination());
                  }
                  if (dx)
                    device.conv2d_backward_data(g, dz.source(), kept_w.kernel(constant),
                                                dx.destination());
                  return {dx, dw, db};
                });
}

}  // namespace afterglow::ops
