// How good a network is on clips that it does not learn from, and the statistics it needs for that.
#pragma once

#include <memory>
#include <optional>

#include "apps/training_pass.hpp"
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

/// Sets the batch norms' running statistics to their means over forward passes in training mode of
/// up to 8 batches spread evenly over the clips of `options.split`. The result depends on weights,
/// data and options alone. Leaves the model in inference mode.
void reestimate_norms(ColorizationModel& model, const std::shared_ptr<const Dataset>& dataset,
                      const BatchOptions& options, const Recurrence& recurrence);

}  // namespace afterglow
