// A simulation of an image colorizer that colours a film frame by frame.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "data/picture.hpp"

namespace afterglow {

/// What the simulated colorizer takes after.
enum class SimulatedKind {
  kMuted,  // weaker colours than the truth's
  kVivid,  // stronger ones, in patches, wrong more often and towards orange, as ECCV16 makes them
};

/// "muted" or "vivid".
std::string simulated_kind_name(SimulatedKind kind);

/// The inverse of simulated_kind_name. Throws InputError(subject, ...) for anything else.
SimulatedKind parse_simulated_kind(const std::string& text, const std::string& subject);

/// Turns true frames into what a per-frame colorizer might have made of them. It is a stated
/// simulation, not a colorizer. In BT.601 YCbCr, at a quarter of the size:
///   - bleeding: chroma is blurred over edges;
///   - wrong hues: soft regions (by luma, texture, chroma and height, as pixels of the first frame
///     have them) get their own turn of hue, gain and offset, the latter mostly along blue-orange,
///     and of a vivid colorizer often towards orange;
///   - flicker: those gains and offsets, a coarse field of patches, and the whole picture change
///     from frame to frame (AR(1) noise), slowly and fast;
///   - one gain for the film, below 1 or (vivid) mostly above, and no colour in black and white.
/// The luma of the input is kept, to rounding: chroma is drawn in where RGB would leave 0..255.
/// The same kind, seed and frames give the same pictures.
class SimulatedColorizer {
 public:
  explicit SimulatedColorizer(std::uint64_t seed, SimulatedKind kind = SimulatedKind::kMuted);
  ~SimulatedColorizer();
  SimulatedColorizer(SimulatedColorizer&&) noexcept;
  SimulatedColorizer& operator=(SimulatedColorizer&&) noexcept;

  /// Colours the next frame of the film. Throws ShapeError when its size differs from the first's.
  Picture colorize(const Picture& truth);

  /// "simulated 2 muted": changes whenever its pictures do.
  static std::string name(SimulatedKind kind = SimulatedKind::kMuted);
  /// SHA-256 (hexadecimal) of its stated parameters.
  static std::string sha256(SimulatedKind kind = SimulatedKind::kMuted);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace afterglow
