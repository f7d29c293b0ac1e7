// One step of a training of the paper's networks: forward, loss, backward, Adam.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "apps/train_options.hpp"
#include "apps/training_pass.hpp"
#include "data/batches.hpp"
#include "kernels/device_array.hpp"
#include "nn/models/colorization_model.hpp"
#include "nn/ops/ops.hpp"
#include "nn/optimizer.hpp"
#include "nn/repeated.hpp"

namespace afterglow {

Recurrence recurrence_of(const TrainOptions& options);

/// The part of frames that the loss sees; nothing: all.
std::optional<ops::Region> loss_region(const TrainOptions& options);

/// The batches to learn from (kTrain, in the options' order), or others in their own order.
BatchOptions batch_options(const TrainOptions& options, Split split);

/// Batches through the network and Adam, one recording for every kind of batch where the device
/// makes them.
class TrainingStep {
 public:
  /// Keeps references to model and Adam.
  TrainingStep(ColorizationModel& model, Adam& adam, const TrainOptions& options);

  /// Learns from a batch, between begin() and end() of Adam; the model must be in training mode.
  /// The loss is that before the step.
  TemporalMseValue run(const Batch& batch);

 private:
  struct Recorded {
    Recorded(BatchTensors tensors, DeviceArray<TemporalMseValue> loss)
        : batch(std::move(tensors)), value(std::move(loss)) {}

    BatchTensors batch;
    DeviceArray<TemporalMseValue> value;
    std::optional<Repeated> passes;
  };

  Recorded& recorded_for(const Batch& batch);

  ColorizationModel& model_;
  Adam& adam_;
  std::shared_ptr<Backend> backend_;
  Recurrence recurrence_;
  float beta_;
  std::optional<ops::Region> region_;
  std::map<BatchKind, Recorded> recorded_;
};

/// Seconds that a step of such a training takes on this machine, by the second of two, of a network
/// that is thrown away. Throws InputError when the data or the device cannot be used.
double time_training_step(const TrainOptions& options,
                          const std::shared_ptr<const Dataset>& dataset);

}  // namespace afterglow
