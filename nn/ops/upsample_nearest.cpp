#include "nn/ops/checks.hpp"

namespace afterglow::ops {

Variable upsample_nearest(const Variable& x) {
  check_frames("upsample_nearest", "x", x.shape());
  const auto n = extent(x.shape(), 0);
  const auto h = extent(x.shape(), 1);
  const auto w = extent(x.shape(), 2);
  const auto c = extent(x.shape(), 3);
  Tensor y(x.backend(), {n, 2 * h, 2 * w, c}, x.value().type());
  x.backend()->upsample_nearest(n, h, w, c, x.value().source(), y.destination());
  return record(
      y, {x}, [n, h, w, c](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
        Tensor dx(dy.backend(), {n, h, w, c}, dy.type());
        dy.backend()->upsample_nearest_backward(n, h, w, c, dy.source(), dx.destination());
        return {dx};
      });
}

}  // namespace afterglow::ops
