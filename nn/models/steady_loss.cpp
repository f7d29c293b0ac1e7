#include "nn/models/steady_loss.hpp"

#include "nn/ops/ops.hpp"

namespace afterglow {
namespace {

constexpr float kErrorRounding = 0.02F, kColourRounding = 0.01F;  // epsilons of the lengths
constexpr float kColourWeight = 0.3F, kChangeWeight = 0.5F;

Variable difference(const Variable& a, const Variable& b) {
  return ops::add(a, ops::affine(b, -1, 0));
}

Variable mean(const Variable& frames) {
  return ops::affine(ops::sum(frames), 1 / static_cast<float>(frames.shape()[0]), 0);
}

}  // namespace

Variable frame_colour(const Variable& chroma) {
  return ops::frame_mean(ops::pixel_length(chroma, kColourRounding));
}

Variable frame_error(const Variable& prediction, const Variable& truth) {
  return ops::frame_mean(ops::pixel_length(difference(prediction, truth), kErrorRounding));
}

Variable steady_loss(const Variable& prediction, const SteadyTruth& truth, const Variable& before,
                     const Tensor& truth_before) {
  const Variable target(truth.chroma);
  const Variable fidelity =
      ops::sum(ops::multiply(frame_error(prediction, target), Variable(truth.weights)));
  const Variable colour =
      mean(ops::abs(difference(frame_colour(prediction), Variable(truth.colour))));
  Variable loss = ops::add(fidelity, ops::affine(colour, kColourWeight, 0));
  if (!before) return loss;
  const Variable change =
      mean(frame_error(difference(prediction, before), difference(target, Variable(truth_before))));
  return ops::add(loss, ops::affine(change, kChangeWeight, 0));
}

}  // namespace afterglow
