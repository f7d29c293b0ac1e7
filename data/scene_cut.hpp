// Finds scene cuts as frames go by.
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "data/picture.hpp"

namespace afterglow {

/// Compares the luma of each frame with that of the frame before, so it works on gray and on
/// coloured films alike, whatever the colours do. Both are shrunk to a small picture and freed of
/// brightness and contrast; each block of the new one is then searched for near its place in the
/// old one, and what remains unexplained, as a share of the picture's own variation, is the
/// distance. A cut stands out both from what is usual in any film and from the last frames of this
/// one; pans, zooms and changes of light do not.
class SceneCutDetector {
 public:
  /// Takes the next frame of a film; true when it begins a new scene (never for the first frame).
  /// Frames may be of any size.
  bool push(const Picture& picture);

  /// The distance of the last frame from the one before, 0 (same) to about 1; 0 after the first
  /// frame.
  double distance() const { return distance_; }

  /// What it remembers, to go on elsewhere.
  struct Memory {
    std::vector<float> last;    // the last frame, small
    std::deque<double> recent;  // distances inside the current scene
  };
  const Memory& memory() const { return memory_; }
  void remember(Memory memory) { memory_ = std::move(memory); }

 private:
  Memory memory_;
  double distance_ = 0;
};

}  // namespace afterglow
