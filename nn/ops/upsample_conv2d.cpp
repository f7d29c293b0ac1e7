#include "nn/ops/checks.hpp"

namespace afterglow::ops {
namespace {

UpsampleConv2dGeometry geometry(const Variable& x, const Variable& w, const Variable& b,
                                Padding padding) {
  constexpr const char* kOp = "upsample_conv2d";
  check_frames(kOp, "x", x.shape());
  if (w.shape().rank() != 4 || w.shape()[0] != w.shape()[1] || w.shape()[0] % 2 == 0 ||
      w.shape().size() == 0) {
    refuse(kOp, named("w", w.shape()) + " is not (K, K, I, O) with an odd K");
  }
  if (x.shape()[3] != w.shape()[2]) {
    refuse(kOp, named("x", x.shape()) + " has " + std::to_string(x.shape()[3]) + " channels, " +
                    named("w", w.shape()) + " wants " + std::to_string(w.shape()[2]));
  }
  if (b && b.shape() != Shape{w.shape()[3]}) {
    refuse(kOp, named("b", b.shape()) + " does not fit " + named("w", w.shape()));
  }
  const UpsampleConv2dGeometry g{extent(x.shape(), 0),
                                 extent(x.shape(), 1),
                                 extent(x.shape(), 2),
                                 extent(x.shape(), 3),
                                 extent(w.shape(), 3),
                                 extent(w.shape(), 0),
                                 padding};
  if (g.out_h() < 1 || g.out_w() < 1) {
    refuse(kOp, named("x", x.shape()) + " upsampled is smaller than the window of " +
                    named("w", w.shape()));
  }
  return g;
}

}  // namespace

Variable upsample_conv2d(const Variable& x, const Variable& w, const Variable& b, Padding padding,
                         Activation activation, Result result, const InferenceNorm& norm) {
  const UpsampleConv2dGeometry g = geometry(x, w, b, padding);
  const Shape y_shape{g.n, g.out_h(), g.out_w(), g.k};
  if (stands_apart("upsample_conv2d", norm, y_shape, {x, w, b})) {
    return batch_norm_inference(upsample_conv2d(x, w, b, padding, activation, result), norm);
  }
  const auto& backend = x.backend();
  const bool constant = is_constant(w);
  Tensor y(backend, y_shape, result_type(*backend, result));
  backend->upsample_conv2d(g, x.value().source(), w.value().kernel(constant),
                           {source_of(b), activation, norm_of(norm)}, y.destination());
  return record(y, {x, w, b},
                [g, constant, activation, x_shape = x.shape(), x_type = x.value().type(),
                 w_shape = w.shape(), kept_x = w.wants_gradient() ? x.value() : Tensor(),
                 kept_w = x.wants_gradient() ? w.value() : Tensor(),
                 kept_y = activation == Activation::kNone ? Tensor() : y](
                    const Tensor& dy, const std::vector<bool>& needs) -> std::vector<Tensor> {
                  Backend& device = *dy.backend();
                  const Tensor dz = before_activation(activation, kept_y, dy);
                  Tensor dx = new_if(needs[0], dy.backend(), x_shape, x_type);
                  Tensor db = new_if(needs[2], dy.backend(), {g.k});
                  Tensor dw = new_if(needs[1], dy.backend(), w_shape);
                  if (dw) {
                    device.upsample_conv2d_backward_weights(g, kept_x.source(), dz.source(),
                                                            dw.destination(), destination_of(db));
                  } else if (db) {
                    device.sum_rows(channel_geometry(dz.shape()), dz.source(), db.destination());
                  }
                  if (dx) {
                    device.upsample_conv2d_backward_data(g, dz.source(), kept_w.kernel(constant),
                                                         dx.destination());
                  }
                  return {dx, dw, db};
                });
}

}  // namespace afterglow::ops
