// The transpose of conv2d needs no kernel of its own: it is conv2d's backward data, and the other
// way round.
#include "nn/ops/checks.hpp"

namespace afterglow::ops {
namespace {

/// The convolution whose transpose this is: from y (N, OH, OW, O) to x (N, H, W, I).
Conv2dGeometry geometry(const Variable& x, const Variable& w, const Variable& b,
                        const Conv2dOptions& options) {
  constexpr const char* kOp = "conv_transpose2d";
  check_frames(kOp, "x", x.shape());
  if (w.shape().rank() != 4 || w.shape().size() == 0) {
    refuse(kOp, named("w", w.shape()) + " is not a non-empty (KH, KW, O, I)");
  }
  if (x.shape()[3] != w.shape()[3]) {
    refuse(kOp, named("x", x.shape()) + " has " + std::to_string(x.shape()[3]) + " channels, " +
                    named("w", w.shape()) + " wants " + std::to_string(w.shape()[3]));
  }
  if (b && b.shape() != Shape{w.shape()[2]}) {
    refuse(kOp, named("b", b.shape()) + " does not fit " + named("w", w.shape()));
  }
  if (options.stride < 1 || options.dilation != 1) {
    refuse(kOp, "stride " + std::to_string(options.stride) + " (from 1) or dilation " +
                    std::to_string(options.dilation) + " (only 1) is out of range");
  }
  if (options.padding == Padding::kValid &&
      (w.shape()[0] < options.stride || w.shape()[1] < options.stride)) {
    refuse(kOp,
           named("w", w.shape()) + " is smaller than the stride " + std::to_string(options.stride));
  }
  const auto output = [&](std::int32_t in, std::int32_t window) {
    return options.padding == Padding::kSame ? in * options.stride
                                             : (in - 1) * options.stride + window;
  };
  return {extent(x.shape(), 0),
          output(extent(x.shape(), 1), extent(w.shape(), 0)),
          output(extent(x.shape(), 2), extent(w.shape(), 1)),
          extent(w.shape(), 2),
          extent(w.shape(), 3),
          extent(w.shape(), 0),
          extent(w.shape(), 1),
          options.stride,
          1,
          options.padding};
}

}  // namespace

Variable conv_transpose2d(const Variable& x, const Variable& w, const Variable& b,
                          const Conv2dOptions& options) {
  const Conv2dGeometry g = geometry(x, w, b, options);
  const auto& backend = x.backend();
  const bool constant = is_constant(w);
  Tensor y(backend, {g.n, g.h, g.w, g.c}, result_type(*backend, options.result));
  backend->conv2d_backward_data(g, x.value().source(), {}, w.value().kernel(constant),
                                y.destination());
  if (b || options.activation != Activation::kNone) {
    backend->add_bias(channel_geometry(y.shape()), source_of(b), options.activation,
                      y.destination());
  }
  return record(
      y, {x, w, b},
      [g, constant, activation = options.activation,
       kept_x = w.wants_gradient() ? x.value() : Tensor(), x_shape = x.shape(),
       x_type = x.value().type(), kept_w = x.wants_gradient() ? w.value() : Tensor(),
       w_shape = w.shape(), kept_y = options.activation == Activation::kNone ? Tensor() : y](
          const Tensor& dy, const std::vector<bool>& needs) -> std::vector<Tensor> {
        Backend& device = *dy.backend();
        const Tensor dz = before_activation(activation, kept_y, dy);
        Tensor dx = new_if(needs[0], dy.backend(), x_shape, x_type);
        Tensor dw = new_if(needs[1], dy.backend(), w_shape);
        Tensor db = new_if(needs[2], dy.backend(), {g.c});
        if (dx) {
          device.conv2d(g, dz.source(), kept_w.kernel(constant), {}, dx.destination());
        }
        if (dw) {
          device.conv2d_backward_weights(g, dz.source(), kept_x.source(), dw.destination(), {});
        }
        if (db) {
          device.sum_rows(channel_geometry(dz.shape()), dz.source(), db.destination());
        }
        return {dx, dw, db};
      });
}

}  // namespace afterglow::ops
