// Given colours carried from frame to frame of a film, along its motion.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "data/flow_file.hpp"

namespace afterglow {

/// CIE lightness of a frame, 0..100, (height, width).
struct LightPlane {
  int width = 0;
  int height = 0;
  std::vector<float> lightness;
};

/// Colours of a frame, and how far each is known.
struct CarriedColours {
  std::vector<float> ab;          // (height, width, 2), CIE
  std::vector<float> confidence;  // (height, width): 1 given, 0 unknown
  bool empty() const { return confidence.empty(); }
};

/// Two frames beside each other in time.
struct FrameStep {
  const LightPlane& from;  // whose colours are known
  const LightPlane& to;
  const Flow& motion;  // where each pixel of `to` lies in `from`
  const Flow& back;    // where each pixel of `from` lies in `to`
};

/// The colours of `from` on `to`: sampled bilinearly along the motion, each sample by its
/// confidence, which falls where lightness changes by dL on the way, and where the way back misses
/// by e pixels on a way of d:
///   c = c_from exp(-(dL / 12)^2) exp(-e^2 / (0.5 + 0.02 d^2)), 0 where the motion leaves the
///   frame.
/// Throws ShapeError when sizes differ.
CarriedColours carry(const CarriedColours& colours, const FrameStep& step);

/// What colours go with what light in a frame: means of known colours by place, lightness and
/// texture (a bilateral grid: Chen, Paris and Durand, "Real-time edge-aware image processing with
/// the bilateral grid", 2007), where too few are known by lightness and texture alone, then of all.
class ColourGrid {
 public:
  ColourGrid();
  /// Adds colours, each as much as it is known. Throws ShapeError when sizes differ.
  void add(const LightPlane& light, const CarriedColours& colours);
  /// ab (height, width, 2) for a frame; 0 where nothing was added. Throws ShapeError for an empty
  /// frame.
  std::vector<float> colours(const LightPlane& light) const;

 private:
  struct Cell {
    float a = 0, b = 0, weight = 0;
  };
  std::vector<Cell> cells_;
};

}  // namespace afterglow
