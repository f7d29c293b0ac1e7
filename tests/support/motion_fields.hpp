// Flows for tests of what follows a motion.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/geometry.hpp"
#include "support/guarded.hpp"

namespace afterglow::test {

/// A flow (N, H, W, 2) of random ways of up to `far` pixels along each axis, of which every ninth
/// pixel's is NaN and every seventh's is of whole pixels. In steps of 1/64 pixel: no rounding
/// carries one over the border of the frame, where a pixel ceases to count.
inline std::vector<float> motion_field(const FrameGeometry& g, float far, std::uint64_t seed) {
  const auto pixels = g.size() / static_cast<std::size_t>(g.c);
  std::vector<float> flow = random_values(2 * pixels, seed);
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      float& way = flow[2 * pixel + axis];
      way = std::round(way * far * 64) / 64;
      if (pixel % 7 == 2) way = std::round(way);
      if (pixel % 9 == 4) way = std::numeric_limits<float>::quiet_NaN();
    }
  }
  return flow;
}

}  // namespace afterglow::test
