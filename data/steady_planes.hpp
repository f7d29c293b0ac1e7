// Pictures as a steady network (nn/models/steady.hpp) sees them.
#pragma once

#include <vector>

#include "data/flow_file.hpp"
#include "data/picture.hpp"

namespace afterglow {

/// The longer side that a steady network is trained on, pixels.
inline constexpr int kSteadyLongSide = 256;

/// The size in which a steady network works on a film: its longer side at most `long_side`, both
/// sides rounded to multiples of 16, and 32 at least.
struct SteadySize {
  int width = 0;
  int height = 0;
};
SteadySize steady_size(int width, int height, int long_side = kSteadyLongSide);

/// The unit of the planes: of CIE L, a and b.
inline constexpr float kSteadyUnit = 50;

/// CIE Lab in units of kSteadyUnit, at half the size of the picture, (height, width, ...).
struct SteadyPlanes {
  int width = 0;  // of the planes
  int height = 0;
  std::vector<float> luma;       // 4: L / 50 - 1 of each pixel's 2 x 2 block, row by row
  std::vector<float> lightness;  // 1: their mean
  std::vector<float> chroma;     // 2: the block's means of a / 50 and b / 50
};

/// The lightness of one picture and the colours of another. Throws ShapeError when their sizes
/// differ or are odd.
SteadyPlanes steady_planes(const Picture& light, const Picture& colours);

/// A flow at half its size: means of 2 x 2 blocks, half as long. Throws ShapeError for an odd size.
Flow halved_flow(const Flow& flow);

}  // namespace afterglow
