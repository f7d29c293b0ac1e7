#include "nn/ops/checks.hpp"

namespace afterglow::ops {
namespace {

/// A byte names the winner of a max pool's window, so that has at most 256 places.
constexpr std::int32_t kLargestWindow = 16;

Pool2dGeometry geometry(const std::string& op, const Variable& x, std::int32_t window,
                        std::int32_t stride, Padding padding) {
  check_frames(op, "x", x.shape());
  if (window < 1 || window > kLargestWindow || stride < 1) {
    refuse(op, "window " + std::to_string(window) + " (1 to 16) or stride " +
                   std::to_string(stride) + " (from 1) is out of range");
  }
  const Pool2dGeometry g{extent(x.shape(), 0),
                         extent(x.shape(), 1),
                         extent(x.shape(), 2),
                         extent(x.shape(), 3),
                         window,
                         stride,
                         padding};
  if (g.out_h() < 1 || g.out_w() < 1) {
    refuse(op, named("x", x.shape()) + " is smaller than the window of " + std::to_string(window));
  }
  return g;
}

}  // namespace

Variable max_pool2d(const Variable& x, std::int32_t window, std::int32_t stride, Padding padding) {
  const Pool2dGeometry g = geometry("max_pool2d", x, window, stride, padding);
  const auto& backend = x.backend();
  Tensor y(backend, {g.n, g.out_h(), g.out_w(), g.c}, x.value().type());
  Buffer winners;
  if (x.wants_gradient() && gradients_enabled()) winners = backend->allocate(g.winners_size());
  const auto bytes = [](const Buffer& buffer) {
    return std::span(reinterpret_cast<std::uint8_t*>(buffer.data.get()), buffer.bytes);
  };
  backend->max_pool2d(g, x.value().source(), y.destination(), bytes(winners));
  return record(y, {x},
                [g, winners, bytes, x_shape = x.shape()](
                    const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
                  Tensor dx(dy.backend(), x_shape, dy.type());
                  dy.backend()->max_pool2d_backward(g, dy.source(), bytes(winners),
                                                    dx.destination());
                  return {dx};
                });
}

Variable avg_pool2d(const Variable& x, std::int32_t window, std::int32_t stride, Padding padding) {
  const Pool2dGeometry g = geometry("avg_pool2d", x, window, stride, padding);
  const auto& backend = x.backend();
  Tensor y(backend, {g.n, g.out_h(), g.out_w(), g.c}, x.value().type());
  backend->avg_pool2d(g, x.value().source(), y.destination());
  return record(
      y, {x},
      [g, x_shape = x.shape()](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
        Tensor dx(dy.backend(), x_shape, dy.type());
        dy.backend()->avg_pool2d_backward(g, dy.source(), dx.destination());
        return {dx};
      });
}

}  // namespace afterglow::ops
