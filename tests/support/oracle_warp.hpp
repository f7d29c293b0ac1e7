// Warping along a flow in double: a place beyond the frame's border is moved to it, and every pixel
// of the frame counts with a weight that falls off linearly with its distance from there.
#pragma once

#include <vector>

#include "kernels/geometry.hpp"

namespace afterglow::oracle {

using Doubles = std::vector<double>;

/// flow: (N, H, W, 2), (u, v) from each pixel to where its value comes from; a NaN stands for 0.
Doubles warp(const FrameGeometry& g, const Doubles& x, const Doubles& flow);
/// The transpose of warp, which is linear in x.
Doubles warp_backward(const FrameGeometry& g, const Doubles& dy, const Doubles& flow);

}  // namespace afterglow::oracle
