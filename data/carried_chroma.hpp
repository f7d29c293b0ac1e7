// A trivial way to steady colours, shown beside real ones.
#pragma once

#include <vector>

#include "data/picture.hpp"
#include "data/warp_error.hpp"

namespace afterglow {

/// The share of the carried colours in the running average of CarriedChroma.
inline constexpr double kCarriedShare = 0.95;

/// A running average of a film's chroma (BT.601) along the motion of the truth: where a pixel was
/// seen in the frame before, 0.95 of what the output had there (sampled bilinearly) and 0.05 of its
/// own; elsewhere its own. The luma is each frame's own.
class CarriedChroma {
 public:
  /// The next frame. back: the motion from it to the frame before, or null for a frame without
  /// predecessor. Throws ShapeError when it is of another size than back.
  Picture push(const Picture& own, const VisibleFlow* back);

 private:
  std::vector<float> chroma_;  // of the last output, before rounding: (H, W, 2), R - Y and B - Y
};

}  // namespace afterglow
