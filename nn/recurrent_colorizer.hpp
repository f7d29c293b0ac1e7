// Colours a film frame by frame with a network that also sees the frame before.
#pragma once

#include <string>

#include "nn/models/colorization_model.hpp"
#include "nn/repeated.hpp"
#include "nn/tensor.hpp"

namespace afterglow {

/// What enters the network as the frame before.
enum class Previous {
  kOwn,       // the network's own last output (REFERENCE.md section 1.7)
  kBaseline,  // the last input, as the authors' published code ran it
  kTruth,     // the last true frame: not automatic, for study only
};

/// The inverse of "own", "baseline" and "truth". Throws InputError(subject, ...) for anything else.
Previous parse_previous(const std::string& text, const std::string& subject = "--previous");

/// Runs a network over the frames of a film in order. What it remembers is one frame, however long
/// the film is.
class RecurrentColorizer {
 public:
  /// Puts the model in inference mode; it must outlive the colorizer.
  RecurrentColorizer(ColorizationModel& model, Previous previous);

  /// Forgets the frame before: the next step begins a clip, whose first frame is its own
  /// predecessor.
  void reset();

  /// Colours the next frame. current: (1, 128, 128, 3), RGB 0..255; truth: the same frame's true
  /// picture, needed with Previous::kTruth alone. Returns (1, 128, 128, 3), neither rounded nor
  /// clamped (0 to above 255); just so it enters the next step, as in training on own outputs. The
  /// next step may overwrite it. Throws ShapeError for another shape.
  Tensor step(const Tensor& current, const Tensor& truth = {});

  /// Behind a step: what the next one sees as the frame before, (1, 128, 128, 3), which that may
  /// overwrite.
  Tensor before() const { return before_; }
  /// Goes on where before() was taken. Throws ShapeError for another shape.
  void follow(const Tensor& before);

  RecurrentColorizer(const RecurrentColorizer&) = delete;
  RecurrentColorizer& operator=(const RecurrentColorizer&) = delete;

 private:
  ColorizationModel& model_;
  Previous previous_;
  Tensor now_, before_, output_;
  bool starts_clip_ = true;
  Repeated frame_;  // now_, before_ -> output_, and before_ with Previous::kOwn
};

}  // namespace afterglow
