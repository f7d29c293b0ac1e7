// Procedural clips with known colours and known motion.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/flow_file.hpp"
#include "data/picture.hpp"

namespace afterglow {

struct SynthOptions {
  int frames = 60;   // 1 or more
  int size = 256;    // pixels a side
  bool cut = false;  // a scene cut near the middle (needs 4 frames or more)
};

/// A clip of landscapes and objects: sky, hills and ground with textured shapes in front, each
/// moving on its own under a camera that pans and zooms, in changing light. Colours follow material
/// and shade (sky, foliage, soil, stone, skin, fabric), as in photographs, so that luma and texture
/// say much about colour. Edges are antialiased.
class SynthClip {
 public:
  /// The same seed and options give the same clip.
  SynthClip(std::uint64_t seed, const SynthOptions& options);
  ~SynthClip();
  SynthClip(SynthClip&&) noexcept;
  SynthClip& operator=(SynthClip&&) noexcept;

  /// Frame t, 0 .. frames-1, in any order.
  Picture frame(int t) const;

  /// True optical flow from frame t to t+1 of what is seen at each pixel's centre, 0 <= t <
  /// frames-1; unknown everywhere when a cut lies between. Hidden or leaving pixels have the flow
  /// of their surface all the same.
  Flow flow(int t) const;

  /// The first frame of each scene but the first.
  std::vector<int> cuts() const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace afterglow
