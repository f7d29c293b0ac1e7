// What a steady network is trained for.
#pragma once

#include <cstdint>

#include "nn/models/steady.hpp"

namespace afterglow {

/// What a step of training knows of the true frames, all float32.
struct SteadyTruth {
  Tensor chroma;   // (N, h, w, 2): true ab, in units of 50
  Tensor weights;  // (N, 1, 1, 1): what each frame counts, together 1
  Tensor colour;   // (N, 1, 1, 1): frame_colour() of chroma
};

/// (N, 1, 1, 1): the mean over a frame's pixels of sqrt(|ab|^2 + 0.01^2), in units of 50.
Variable frame_colour(const Variable& chroma);
/// (N, 1, 1, 1): the mean over a frame's pixels of ch(e) = sqrt(|e|^2 + 0.02^2) (Charbonnier), e
/// the difference of two (N, h, w, 2).
Variable frame_error(const Variable& prediction, const Variable& truth);

/// The loss of one frame of each of N films, of size 1:
///   sum_n weights_n frame_error_n + 0.3 mean_n |frame_colour_n - true frame_colour_n|
///   + 0.5 mean_n frame_error_n of the changes since the frame before,
/// the last of which the first step of an unrolled pass leaves out (`before` and `truth_before`
/// empty).
Variable steady_loss(const Variable& prediction, const SteadyTruth& truth,
                     const Variable& before = {}, const Tensor& truth_before = {});

}  // namespace afterglow
