// Makes the colours of a film steady with a network that remembers what it made of the frame
// before.
#pragma once

#include <utility>

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
  /// What it remembers of the frame before; nothing where starts_scene().
  const SteadyState& before() const { return before_; }
  /// Goes on behind a frame that another colorizer made. Both as before() gives them.
  void follow(SteadyState before) { before_ = std::move(before); }

  /// The next frame's ab (1, h, w, 2), in units of 50. Its `follows` must be 0 where
  /// starts_scene(). Throws ShapeError as SteadyModel::step does.
  Tensor step(const SteadyFrames& now);

 private:
  const SteadyModel& model_;
  SteadyState before_;
};

}  // namespace afterglow
