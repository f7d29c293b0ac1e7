// space_to_depth and depth_to_space: each is the other's gradient.
#include "nn/ops/checks.hpp"

namespace afterglow::ops {
namespace {

Tensor to_depth(const FrameGeometry& g, const Tensor& x) {
  Tensor y(x.backend(), {g.n, g.h / 2, g.w / 2, 4 * std::int64_t{g.c}}, x.type());
  x.backend()->space_to_depth(g, x.source(), y.destination());
  return y;
}

Tensor to_space(const FrameGeometry& g, const Tensor& x) {
  Tensor y(x.backend(), {g.n, g.h, g.w, g.c}, x.type());
  x.backend()->depth_to_space(g, x.source(), y.destination());
  return y;
}

}  // namespace

Variable space_to_depth(const Variable& x) {
  constexpr const char* kOp = "space_to_depth";
  const Shape& shape = x.shape();
  check_frames(kOp, "x", shape);
  if (shape[1] % 2 != 0 || shape[2] % 2 != 0) {
    refuse(kOp, named("x", shape) + " is not of even height and width");
  }
  const FrameGeometry g = frame_geometry(shape);
  return record(to_depth(g, x.value()), {x},
                [g](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
                  return {to_space(g, dy)};
                });
}

Variable depth_to_space(const Variable& x) {
  constexpr const char* kOp = "depth_to_space";
  const Shape& shape = x.shape();
  check_frames(kOp, "x", shape);
  if (shape[3] % 4 != 0) {
    refuse(kOp, "the channels of " + named("x", shape) + " are no multiple of 4");
  }
  const FrameGeometry g{extent(shape, 0), 2 * extent(shape, 1), 2 * extent(shape, 2),
                        extent(shape, 3) / 4};
  return record(to_space(g, x.value()), {x},
                [g](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
                  return {to_depth(g, dy)};
                });
}

}  // namespace afterglow::ops
