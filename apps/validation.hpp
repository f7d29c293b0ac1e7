// How good a network is on clips that it does not learn from, and the statistics it needs for that.
#pragma once

#include <memory>
#include <optional>

#include "apps/training_pass.hpp"
#include "data/picture.hpp"
#include "kernels/backend.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow {

/// Loss over all batches of `options`, in inference mode and clip order, weighted by their frames;
/// on own outputs if `recurrence` says so, frame by frame as a film is coloured. As in training, a
/// batch's first frame has no temporal term, and with `options.flow` that term follows it. `region`
/// alone counts where given, and then without flow. Throws Interrupted after a signal.
TemporalMseValue validation_loss(ColorizationModel& model,
                                 const std::shared_ptr<const Dataset>& dataset,
                                 const BatchOptions& options, const Recurrence& recurrence,
                                 float beta, const std::optional<ops::Region>& region = {});

/// What the network makes of the first frames of a clip, run on its own outputs: six of up to 16,
/// under the true and the input ones. The clip is the first to validate on, without such the first
/// to train on. Leaves the model in inference mode.
Picture validation_picture(ColorizationModel& model, const Dataset& dataset);

/// Sets the batch norms' running statistics to their means over forward passes in training mode of
/// up to 8 batches spread evenly over the clips of `options.split`. The result depends on weights,
/// data and options alone. Leaves the model in inference mode.
void reestimate_norms(ColorizationModel& model, const std::shared_ptr<const Dataset>& dataset,
                      const BatchOptions& options, const Recurrence& recurrence);

}  // namespace afterglow
