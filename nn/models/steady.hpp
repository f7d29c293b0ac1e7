// Networks that make the colours of a film steady: recurrent, fully convolutional, working on
// chroma alone, along the motion.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nn/layers/conv2d.hpp"
#include "nn/module.hpp"

namespace afterglow {

/// What is known of N frames of as many films, all float32 at half their resolution (N, h, w, ...),
/// h and w multiples of kSteadyStride. CIE Lab in units of 50: L / 50 - 1, a / 50, b / 50.
struct SteadyFrames {
  Tensor luma;       // 4 channels: L of each pixel's 2 x 2 block (ops::space_to_depth)
  Tensor lightness;  // 1: their mean
  Tensor input;      // 2: ab of the per-frame colorized film
  Tensor flow;       // 2: where each pixel lies in the frame before, (u, v) in pixels from itself
  Tensor follows;    // 1: 1 where the frame has a predecessor, 0 all over where it has none
  Tensor kind;       // 1: what made the input: -1 a muted colorizer, 1 a vivid one, 0 unknown
};

/// The encoder halves its planes three times.
inline constexpr std::int64_t kSteadyStride = 8;

/// What is remembered of the frame before: its ab (N, h, w, 2) as the network made it, and its
/// lightness (N, h, w, 1).
struct SteadyState {
  Variable chroma;
  Tensor lightness;
};

enum class SteadyArch { kSteady, kFlowAverage };

/// "steady", "flow-average".
std::string steady_arch_name(SteadyArch arch);
/// True for those two; arch, if given, gets the value.
bool is_steady_arch(const std::string& name, SteadyArch* arch = nullptr);

/// y = g warp(y_before) + (1 - g) s input + mask r, per pixel: the input times a gain s, averaged
/// over time along the flow with weight g, and corrected by r. g = k sigmoid(...) with k = exp(-(dL
/// / 8)^2), dL the change of L along the flow: where the flow is wrong, nothing is carried on. mask
/// is 0 in black, 1 from L = 8.
class SteadyModel : public Module {
 public:
  /// The frames' ab (N, h, w, 2), float32, in units of 50. Where a frame has no predecessor,
  /// `before` may hold anything finite. Throws ShapeError when shapes do not fit together, or h or
  /// w is no multiple of kSteadyStride.
  Variable step(const SteadyFrames& now, const SteadyState& before) const;

  virtual SteadyArch arch() const = 0;

 protected:
  /// What the frames before leave to a network, (N, h, w, ...).
  struct Planes {
    const SteadyFrames& now;
    Variable carried;  // 2: ab of the frame before, warped; the input where there is none
    Variable change;   // 1: L / 50 minus that of the frame before, warped
    Variable trust;    // 1: k, 0 where there is no frame before
    Variable mask;     // 1
  };

  using Module::Module;
  virtual Variable run(const Planes& planes) const = 0;
};

/// The network: a U-Net of 357,558 weights over ten planes, which finds g, s and r for every pixel.
class Steady final : public SteadyModel {
 public:
  Steady(const std::shared_ptr<Backend>& backend, Rng& rng);
  SteadyArch arch() const override { return SteadyArch::kSteady; }

 protected:
  Variable run(const Planes& planes) const override;

 private:
  Conv2d encoder0a_, encoder0b_, encoder1a_, encoder1b_, encoder2a_, encoder2b_, encoder3a_,
      encoder3b_;
  Conv2d scene1_, scene2_;  // 1 x 1, on the mean of a frame
  Conv2d decoder2_, decoder1_, decoder0_, output_;
  Conv2d gain_;  // 1 x 1, from the kind of the input
};

/// What the network has to beat, of two weights: g = 0.8 k, one gain s per kind of input, and
/// the mask.
class FlowAverage final : public SteadyModel {
 public:
  FlowAverage(const std::shared_ptr<Backend>& backend, Rng& rng);
  SteadyArch arch() const override { return SteadyArch::kFlowAverage; }

 protected:
  Variable run(const Planes& planes) const override;

 private:
  Conv2d gain_;
};

/// Makes one with fresh weights drawn from the seed.
std::unique_ptr<SteadyModel> make_steady(const std::shared_ptr<Backend>& backend, SteadyArch arch,
                                         std::uint64_t seed);

}  // namespace afterglow
