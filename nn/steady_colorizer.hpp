// Makes the colours of a film steady with a network that remembers what it made of the frame
// before.
#pragma once

#include "nn/models/steady.hpp"

namespace afterglow {

/// Runs a network over the frames of a film in order. What it remembers is one frame, however long
/// the film is.
class SteadyColorizer {
 public:
  /// The model must outlive the colorizer.
  explicit SteadyColorizer(const SteadyModel& model) : model_(model) {}

  /// Forgets the frame before: the next one begins a scene.
  void reset() { before_ = {}; }
  bool starts_scene() const { return !before_.chroma; }

  /// The next frame's ab (1, h, w, 2), in units of 50. Its `follows` must be 0 where
  /// starts_scene(). Throws ShapeError as SteadyModel::step does.
  Tensor step(const SteadyFrames& now);

 private:
  const SteadyModel& model_;
  SteadyState before_;
};

}  // namespace afterglow
