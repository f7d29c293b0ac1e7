// What one batch goes through: the forward pass, on input frames or on the network's own outputs.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

#include "data/batches.hpp"
#include "kernels/device_array.hpp"
#include "nn/models/colorization_model.hpp"

namespace afterglow {

/// What the network sees as the previous frame while it learns.
struct Recurrence {
  bool own = false;            // false: the previous input frame, as in the paper
  int unroll = 4;              // K, steps in a row on own outputs
  bool stop_gradient = false;  // no gradients from a step to the one before
};

/// What the calls of a pass depend on, but for the frames' values.
struct BatchKind {
  std::int64_t count = 0;    // frames
  std::int64_t context = 0;  // frames before them
  bool starts_clip = false;

  // NOLINTNEXTLINE(modernize-use-nullptr): takes the 0 that it compares with for a pointer
  auto operator<=>(const BatchKind&) const = default;
};
BatchKind kind_of(const Batch& batch);

/// A batch on the backend.
class BatchTensors {
 public:
  BatchTensors(const std::shared_ptr<Backend>& backend, const Batch& batch);

  /// Another batch of the same kind into the same memory.
  void write(const Batch& batch);

  const BatchKind& kind() const { return kind_; }
  const std::shared_ptr<Backend>& backend() const { return current_.backend(); }
  // (N, 128, 128, 3) of bytes each, as in Batch; context is empty when it has no frames.
  const Tensor& current() const { return current_; }
  const Tensor& previous() const { return previous_; }
  const Tensor& truth() const { return truth_; }
  const Tensor& context() const { return context_; }
  /// (N, 128, 128, 2), or empty.
  const Tensor& flow() const { return flow_; }
  const DeviceArray<std::uint8_t>& clip_starts() const { return clip_starts_; }

 private:
  BatchKind kind_;
  Tensor current_, previous_, truth_, context_, flow_;
  DeviceArray<std::uint8_t> clip_starts_;
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
Variable predict_batch(ColorizationModel& model, const BatchTensors& batch,
                       const Recurrence& recurrence, const NormMomentum& momentum = {});

}  // namespace afterglow
