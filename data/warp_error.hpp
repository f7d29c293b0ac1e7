// Warping error (Lai et al., "Learning Blind Video Temporal Consistency", 2018): how much a film
// changes along the motion of the truth.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "data/flow_file.hpp"
#include "data/metrics.hpp"
#include "data/picture.hpp"

namespace afterglow {

/// Where the pixels of one picture lie in another, and which of them are seen there.
struct VisibleFlow {
  Flow flow;
  std::vector<std::uint8_t> visible;  // (H, W), 1 or 0
};

/// The motion of flow `there` (from a picture to another), told visible by flow `back` (from the
/// other to the first). With w = there(x) and its way back r, `back` sampled bilinearly at x + w, a
/// pixel x is not visible where
///   x + w lies outside the picture, or either flow is unknown;
///   |w + r|^2 > 0.01 (|w|^2 + |r|^2) + 0.5, an occlusion;
///   |grad w|^2 > 0.01 |w|^2 + 0.002, a boundary of motion: squared forward differences of both
///   components along x and y, none beyond the last column and row.
/// Throws ShapeError when sizes differ.
VisibleFlow visible_flow(Flow there, const Flow& back);

/// The mean over visible pixels x of |now(x) - next(x + w)|^2, `next` sampled bilinearly, RGB in
/// 0..1 and the square the sum over R, G and B. motion: from `now` to `next`. Nothing when no pixel
/// is visible. Throws ShapeError when sizes differ.
std::optional<double> warp_error(const Picture& now, const Picture& next,
                                 const VisibleFlow& motion);

/// The same of a and b, both divided by 110.
std::optional<double> warp_error(const LabChroma& now, const LabChroma& next,
                                 const VisibleFlow& motion);

/// The four pixels round a point and their shares in bilinear interpolation.
struct Neighbours {
  std::array<std::size_t, 4> at{};  // y * width + x
  std::array<double, 4> share{};

  /// The interpolated value of one channel of a picture (H, W, channels).
  template <typename Values>
  double sample(const Values& values, std::size_t channels, std::size_t channel) const {
    double sum = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      sum += share[i] * static_cast<double>(values[at[i] * channels + channel]);
    }
    return sum;
  }
};

/// The neighbours of where `flow` leads from pixel (x, y); nothing when that lies outside
/// 0 .. width - 1, 0 .. height - 1 or is unknown.
std::optional<Neighbours> follow(const Flow& flow, int x, int y);

}  // namespace afterglow
