// A steady network at work on planes that need no film: for tests of backends, and of the plans of
// its convolutions.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "nn/models/steady.hpp"
#include "nn/models/steady_loss.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow::test {

/// Of n films of planes h x w whose values lie in waves that drift and whose light flickers: frame
/// t, which follows another but for the first.
class SteadyClip {
 public:
  SteadyClip(std::shared_ptr<Backend> backend, std::int64_t n, std::int64_t h, std::int64_t w)
      : backend_(std::move(backend)), n_(n), h_(h), w_(w) {}

  SteadyFrames frame(int t) const {
    const double flicker = 0.04 * std::sin(2.1 * t);
    return {waves(4, 0.3, 0.1 * t, flicker),
            waves(1, 0.3, 0.1 * t, flicker),
            waves(2, 0.4, 0.1 * t + 1 + std::sin(3.0 * t), 0.1),
            flow(),
            Tensor::full(backend_, {n_, h_, w_, 1}, t > 0 ? 1.0F : 0.0F),
            Tensor::full(backend_, {n_, h_, w_, 1}, 1)};
  }

  SteadyTruth truth(int t) const {
    const Tensor chroma = waves(2, 0.5, 0.1 * t + 1, 0.1);
    return {chroma, Tensor::full(backend_, {n_, 1, 1, 1}, 1 / static_cast<float>(n_)),
            frame_colour(Variable(chroma)).value()};
  }

  SteadyState nothing_before() const {
    return {Variable(Tensor::zeros(backend_, {n_, h_, w_, 2})),
            Tensor::zeros(backend_, {n_, h_, w_, 1})};
  }

 private:
  Tensor waves(std::int64_t channels, double size, double phase, double mean) const {
    return made(channels, [&](std::int64_t x, std::int64_t y, std::int64_t c) {
      return mean + size * std::sin(0.37 * double(x) + 0.23 * double(y) + double(c) + phase);
    });
  }

  /// Up to two pixels along each axis, in steps of 1/64: no rounding carries one over the border of
  /// the frame, where a pixel ceases to count.
  Tensor flow() const {
    return made(2, [](std::int64_t x, std::int64_t y, std::int64_t c) {
      return std::round(128 * std::sin(0.2 * double(x) - 0.3 * double(y) + double(c))) / 64;
    });
  }

  template <typename Value>
  Tensor made(std::int64_t channels, const Value& value) const {
    std::vector<float> values;
    for (std::int64_t n = 0; n < n_; ++n) {
      for (std::int64_t y = 0; y < h_; ++y) {
        for (std::int64_t x = 0; x < w_; ++x) {
          for (std::int64_t c = 0; c < channels; ++c) {
            values.push_back(static_cast<float>(value(x + 5 * n, y, c)));
          }
        }
      }
    }
    return Tensor::from_host(backend_, {n_, h_, w_, channels}, std::span<const float>(values));
  }

  std::shared_ptr<Backend> backend_;
  std::int64_t n_, h_, w_;
};

/// The loss of one step of training, over `frames` frames in a row, as the program unrolls them,
/// its gradients in the model's parameters. `clip`: a SteadyClip, or what has its functions.
template <typename Clip>
float backward_steady(const SteadyModel& model, const Clip& clip, int frames) {
  const KernelsStay shared;
  SteadyState state = clip.nothing_before();
  Variable total, before;
  Tensor truth_before;
  for (int t = 0; t < frames; ++t) {
    const SteadyFrames now = clip.frame(t);
    const SteadyTruth truth = clip.truth(t);
    state = {model.step(now, state), now.lightness};
    const Variable loss = steady_loss(state.chroma, truth, before, truth_before);
    total = total ? ops::add(total, loss) : loss;
    before = state.chroma;
    truth_before = truth.chroma;
  }
  total = ops::affine(total, 1 / static_cast<float>(frames), 0);
  backward(total);
  return total.value().item();
}

}  // namespace afterglow::test
