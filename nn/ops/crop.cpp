#include "nn/ops/checks.hpp"

namespace afterglow::ops {

Variable crop(const Variable& x, std::int32_t top, std::int32_t left, std::int32_t height,
              std::int32_t width) {
  check_frames("crop", "x", x.shape());
  check_rectangle("crop", top, left, height, width, "x", x.shape());
  const CropGeometry g{extent(x.shape(), 0),
                       extent(x.shape(), 1),
                       extent(x.shape(), 2),
                       extent(x.shape(), 3),
                       top,
                       left,
                       height,
                       width};
  Tensor y(x.backend(), {g.n, height, width, g.c}, x.value().type());
  x.backend()->crop(g, x.value().source(), y.destination());
  return record(y, {x}, [g](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
    Tensor dx(dy.backend(), {g.n, g.h, g.w, g.c}, dy.type());
    dy.backend()->crop_backward(g, dy.source(), dx.destination());
    return {dx};
  });
}

}  // namespace afterglow::ops
