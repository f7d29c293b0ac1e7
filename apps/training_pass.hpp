// What one batch goes through: the forward pass, on input frames or on the network's own outputs.
#pragma once

#include <functional>

#include "data/batches.hpp"
#include "nn/models/colorization_model.hpp"

namespace afterglow {

/// What the network sees as the previous frame while it learns.
struct Recurrence {
  bool own = false;            // false: the previous input frame, as in the paper
  int unroll = 4;              // K, steps in a row on own outputs
  bool stop_gradient = false;  // no gradients from a step to the one before
};

/// How many frames before a batch its producer must bring along (BatchOptions::context).
int context_frames(const Recurrence& recurrence);

/// Says the batch norms' momentum before each forward pass that counts in their running statistics.
using NormMomentum = std::function<float()>;

/// Predictions (N, 128, 128, 3) for the frames of a batch, in order, in the mode that the model is
/// in.
///
/// On own outputs the N frames are cut into segments of K, the last may be shorter, that run side
/// by side: step j takes frame j of every segment. A segment's first frame has as its previous one
/// the network's own prediction of the frame before, made from input frames without gradients and
/// outside the running statistics; the first frame of a clip has itself, as at inference. The other
/// frames have the output of the step before, neither rounded nor clamped.
Variable predict_batch(ColorizationModel& model, const Batch& batch, const Recurrence& recurrence,
                       const NormMomentum& momentum = {});

/// The batch's frames `values` (N, 128, 128, 3) on the backend.
Tensor frames_tensor(const std::shared_ptr<Backend>& backend, const std::vector<float>& values);

}  // namespace afterglow
