#include <span>
#include <string>
#include <utility>

#include "nn/ops/checks.hpp"

namespace afterglow::ops {
namespace {

Conv2dGeometry geometry(const std::string& op, const Variable& x, const Variable& w,
                        const Variable& b, const Conv2dOptions& options) {
  check_frames(op, "x", x.shape());
  if (w.shape().rank() != 4 || w.shape().size() == 0) {
    refuse(op, named("w", w.shape()) + " is not a non-empty (KH, KW, I, O)");
  }
  if (x.shape()[3] != w.shape()[2]) {
    refuse(op, named("x", x.shape()) + " has " + std::to_string(x.shape()[3]) + " channels, " +
                   named("w", w.shape()) + " wants " + std::to_string(w.shape()[2]));
  }
  if (b && b.shape() != Shape{w.shape()[3]}) {
    refuse(op, named("b", b.shape()) + " does not fit " + named("w", w.shape()));
  }
  if (options.stride < 1 || options.dilation < 1) {
    refuse(op, "stride " + std::to_string(options.stride) + " or dilation " +
                   std::to_string(options.dilation) + " is out of range (from 1)");
  }
  const Conv2dGeometry g{extent(x.shape(), 0), extent(x.shape(), 1), extent(x.shape(), 2),
                         extent(x.shape(), 3), extent(w.shape(), 3), extent(w.shape(), 0),
                         extent(w.shape(), 1), options.stride,       options.dilation,
                         options.padding};
  if (g.out_h() < 1 || g.out_w() < 1) {
    refuse(op, named("x", x.shape()) + " is smaller than the window of " + named("w", w.shape()));
  }
  return g;
}

/// The gradients of kernel and bias from that of the result; empty where not needed.
std::pair<Tensor, Tensor> kernel_gradients(const Conv2dGeometry& g, const std::vector<bool>& needs,
                                           const Tensor& x, const Shape& w_shape,
                                           const Tensor& dz) {
  Tensor dw = new_if(needs[1], dz.backend(), w_shape);
  Tensor db = new_if(needs[2], dz.backend(), {g.k});
  if (dw) {
    dz.backend()->conv2d_backward_weights(g, x.source(), dz.source(), dw.destination(),
                                          destination_of(db));
  } else if (db) {
    dz.backend()->sum_rows(channel_geometry(dz.shape()), dz.source(), db.destination());
  }
  return {dw, db};
}

}  // namespace

Variable conv2d(const Variable& x, const Variable& w, const Variable& b,
                const Conv2dOptions& options, const InferenceNorm& norm) {
  constexpr const char* kOp = "conv2d";
  const Conv2dGeometry g = geometry(kOp, x, w, b, options);
  const Shape y_shape{g.n, g.out_h(), g.out_w(), g.k};
  if (stands_apart(kOp, norm, y_shape, {x, w, b})) {
    return batch_norm_inference(conv2d(x, w, b, options), norm);
  }
  const auto& backend = x.backend();
  const bool constant = is_constant(w);
  Tensor y(backend, y_shape, result_type(*backend, options.result));
  backend->conv2d(g, x.value().source(), w.value().kernel(constant),
                  {source_of(b), options.activation, norm_of(norm)}, y.destination());
  // x is needed for the weights' gradient alone, w for x's alone, y for the activation's mask.
  return record(
      y, {x, w, b},
      [g, constant, activation = options.activation, x_shape = x.shape(), x_type = x.value().type(),
       w_shape = w.shape(), kept_x = w.wants_gradient() ? x.value() : Tensor(),
       kept_w = x.wants_gradient() ? w.value() : Tensor(),
       kept_y = options.activation == Activation::kNone ? Tensor() : y](
          const Tensor& dy, const std::vector<bool>& needs) -> std::vector<Tensor> {
        Backend& device = *dy.backend();
        Tensor dx = new_if(needs[0], dy.backend(), x_shape, x_type);
        if (dx && !needs[1] && !needs[2]) {  // the mask is applied on the way
          device.conv2d_backward_data(g, dy.source(), kept_y ? kept_y.source() : Source(),
                                      kept_w.kernel(constant), dx.destination());
          return {dx, {}, {}};
        }
        const Tensor dz = before_activation(activation, kept_y, dy);
        auto [dw, db] = kernel_gradients(g, needs, kept_x, w_shape, dz);
        if (dx) {
          device.conv2d_backward_data(g, dz.source(), {}, kept_w.kernel(constant),
                                      dx.destination());
        }
        return {dx, dw, db};
      });
}

Variable conv2d_max_pool(const Variable& x, const Variable& w, const Variable& b,
                         const Conv2dOptions& options) {
  constexpr const char* kOp = "conv2d_max_pool";
  const Conv2dGeometry g = geometry(kOp, x, w, b, options);
  const Pool2dGeometry pool = pooled(g);
  if (options.activation != Activation::kRelu) refuse(kOp, "its activation is ReLU");
  if (pool.out_h() < 1 || pool.out_w() < 1) {
    refuse(kOp, named("x", x.shape()) + " gives fewer than 2 x 2 pixels");
  }
  const auto& backend = x.backend();
  const bool constant = is_constant(w);
  Tensor y(backend, {g.n, pool.out_h(), pool.out_w(), g.k}, result_type(*backend, options.result));
  Buffer winners;
  const bool wanted = x.wants_gradient() || w.wants_gradient() || b.wants_gradient();
  if (wanted && gradients_enabled()) winners = backend->allocate(pool.winners_size());
  const auto bytes = [](const Buffer& buffer) {
    return std::span(reinterpret_cast<std::uint8_t*>(buffer.data.get()), buffer.bytes);
  };
  backend->conv2d_max_pool(g, x.value().source(), w.value().kernel(constant), source_of(b),
                           y.destination(), bytes(winners));
  return record(y, {x, w, b},
                [g, pool, constant, winners, bytes, x_shape = x.shape(), x_type = x.value().type(),
                 w_shape = w.shape(), kept_x = w.wants_gradient() ? x.value() : Tensor(),
                 kept_w = x.wants_gradient() ? w.value() : Tensor()](
                    const Tensor& dy, const std::vector<bool>& needs) -> std::vector<Tensor> {
                  Backend& device = *dy.backend();
                  Tensor dx = new_if(needs[0], dy.backend(), x_shape, x_type);
                  if (dx && !needs[1] && !needs[2]) {
                    device.conv2d_max_pool_backward_data(g, dy.source(), bytes(winners),
                                                         kept_w.kernel(constant), dx.destination());
                    return {dx, {}, {}};
                  }
                  Tensor dz(dy.backend(), {g.n, g.out_h(), g.out_w(), g.k}, dy.type());
                  device.max_pool2d_backward(pool, dy.source(), bytes(winners), dz.destination());
                  auto [dw, db] = kernel_gradients(g, needs, kept_x, w_shape, dz);
                  if (dx) {
                    device.conv2d_backward_data(g, dz.source(), {}, kept_w.kernel(constant),
                                                dx.destination());
                  }
                  return {dx, dw, db};
                });
}

}  // namespace afterglow::ops
