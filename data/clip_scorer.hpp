// Scores a film as its frames go by.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "data/colour_consistency.hpp"
#include "data/metrics.hpp"
#include "data/picture.hpp"
#include "data/scores.hpp"
#include "data/warp_error.hpp"

namespace afterglow {

/// The truth's motion from the frame before to this one, estimated and given; null where there is
/// none.
struct TrueMotion {
  const VisibleFlow* dis = nullptr;
  const VisibleFlow* flo = nullptr;
};

/// Scores one clip; keeps the last frame, four histograms and a few numbers a frame.
class ClipScorer {
 public:
  /// Adds the next frame and its truth, and returns this frame's own scores: all that are
  /// per_frame. Throws ShapeError when sizes differ.
  Scores push(const Picture& picture, const Picture& truth, const TrueMotion& motion = {});

  /// The clip's scores so far. fps: frames a second; truth: a scorer that was given each true frame
  /// as its own truth.
  Scores scores(double fps, const ClipScorer& truth) const;

 private:
  /// fast_power of mean a plus that of mean b.
  std::optional<double> fast_colour(double fps) const;

  Picture last_;
  LabChroma last_chroma_;
  ScoreMeans means_;
  std::array<std::vector<double>, 2> ab_;  // means of each frame
  ColourConsistency consistency_;
};

}  // namespace afterglow
