// Pooling and nearest upsampling in double: plain loop nests that share nothing with the kernels,
// not even the padding formula.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/geometry.hpp"

namespace afterglow::oracle {

using Doubles = std::vector<double>;

/// y(N, OH, OW, C) and each value's winner: row * window + column, the first of equals; behind a
/// ReLU, window * window where nothing is above 0.
struct MaxPool {
  Doubles y;
  std::vector<int> argmax;
};
MaxPool max_pool2d(const Pool2dGeometry& g, const Doubles& x);
/// dx(N, H, W, C). The winners are searched for anew in x.
Doubles max_pool2d_backward(const Pool2dGeometry& g, const Doubles& x, const Doubles& dy);
/// Winners as a backend keeps them, bit by bit: of 2 bits for up to 4 different ones, 4 for 16, 8
/// for 256; bytes are filled from the lowest bit on, and each of the pixels(..., channels) begins
/// one.
std::vector<std::uint8_t> packed(const std::vector<int>& argmax, int channels, int different);

/// Padding does not count in the means.
Doubles avg_pool2d(const Pool2dGeometry& g, const Doubles& x);
Doubles avg_pool2d_backward(const Pool2dGeometry& g, const Doubles& dy);

/// y(N, 2H, 2W, C).
Doubles upsample_nearest(int n, int h, int w, int c, const Doubles& x);
/// n, h, w, c are x's.
Doubles upsample_nearest_backward(int n, int h, int w, int c, const Doubles& dy);

}  // namespace afterglow::oracle
