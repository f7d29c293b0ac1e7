// A simulation of an image colorizer that colours a film frame by frame.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "data/picture.hpp"

namespace afterglow {

/// Turns true frames into what a per-frame colorizer might have made of them. It is a stated
/// simulation, not a colorizer. In BT.601 YCbCr, at a quarter of the size:
///   - bleeding: chroma is blurred over edges;
///   - wrong hues: soft regions (by luma, chroma and height) get their own turn of hue, gain and
///     offset, the latter mostly along blue-orange;
///   - flicker: those gains and offsets, a coarse field of patches, and the whole picture change
///     from frame to frame (AR(1) noise), slowly and fast;
///   - desaturation: one gain below 1 for the film, and no colour in black and white.
/// The luma of the input is kept, to rounding: chroma is drawn in where RGB would leave 0..255.
/// The same seed and frames give the same pictures.
class SimulatedColorizer {
 public:
  explicit SimulatedColorizer(std::uint64_t seed);
  ~SimulatedColorizer();
  SimulatedColorizer(SimulatedColorizer&&) noexcept;
  SimulatedColorizer& operator=(SimulatedColorizer&&) noexcept;

  /// Colours the next frame of the film. Throws ShapeError when its size differs from the first's.
  Picture colorize(const Picture& truth);

  /// "simulated 1": changes whenever its pictures do.
  static std::string name();
  /// SHA-256 (hexadecimal) of its stated parameters.
  static std::string sha256();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace afterglow
