#include "apps/validation.hpp"

#include <algorithm>
#include <vector>

#include "apps/clip_colorizer.hpp"
#include "base/interrupt.hpp"
#include "data/contact_sheet.hpp"
#include "nn/layers/batch_norm.hpp"
#include "nn/recurrent_colorizer.hpp"

namespace afterglow {
namespace {

constexpr std::int64_t kNormBatches = 8;
constexpr std::int64_t kPictureFrames = 16;
constexpr int kPictureColumns = 6;

/// Predictions as a film is coloured; the colorizer remembers the frame before the batch.
Variable predict_recurrently(RecurrentColorizer& colorizer, const BatchTensors& batch) {
  const Variable frames(batch.current());
  if (batch.kind().starts_clip) colorizer.reset();
  std::vector<Variable> outputs;
  for (std::int64_t t = 0; t < batch.kind().count; ++t) {
    outputs.emplace_back(colorizer.step(ops::slice_frames(frames, t, 1).value()).clone());
  }
  return ops::concat_frames(outputs);
}

BatchOptions in_order(BatchOptions options) {
  options.order = BatchOrder::kSequential;
  options.epochs = 1;
  return options;
}

}  // namespace

TemporalMseValue validation_loss(ColorizationModel& model,
                                 const std::shared_ptr<const Dataset>& dataset,
                                 const BatchOptions& options, const Recurrence& recurrence,
                                 float beta, const std::optional<ops::Region>& region) {
  const NoGradient guard;
  const auto backend = model.weights().front().value.backend();
  RecurrentColorizer colorizer(model, Previous::kOwn);
  model.train(false);
  BatchProducer batches(dataset, in_order(options));
  const auto frames = static_cast<double>(batches.frames_per_epoch());
  TemporalMseValue mean;
  while (const std::optional<Batch> batch = batches.next()) {
    throw_if_interrupted();
    const BatchTensors tensors(backend, *batch);
    const Variable prediction = recurrence.own ? predict_recurrently(colorizer, tensors)
                                               : predict_batch(model, tensors, {});
    const TemporalMseValue parts =
        (tensors.flow()
             ? ops::motion_temporal_mse(prediction, tensors.truth(), tensors.flow(), beta,
                                        batch->clip_starts)
             : ops::temporal_mse(prediction, tensors.truth(), beta, batch->clip_starts, region))
            .parts;
    const double weight = static_cast<double>(batch->count()) / frames;
    mean.loss += weight * parts.loss;
    mean.fidelity += weight * parts.fidelity;
    mean.temporal += weight * parts.temporal;
  }
  return mean;
}

Picture validation_picture(ColorizationModel& model, const Dataset& dataset) {
  const std::vector<ClipInfo> held_out = dataset.clips(Split::kVal);
  const ClipInfo clip = held_out.empty() ? dataset.clips(Split::kTrain).front() : held_out.front();
  const std::int64_t frames = std::min(clip.frames, kPictureFrames);
  const std::vector<std::int64_t> shown = evenly_spaced(frames, kPictureColumns);

  const NoGradient guard;
  RecurrentColorizer colorizer(model, Previous::kOwn);
  const auto backend = model.weights().front().value.backend();
  SheetRow truth{"truth", {}}, input{"input", {}}, result{"result", {}};
  Picture picture(kNetworkSide, kNetworkSide);
  for (std::int64_t t = 0; t < frames; ++t) {
    dataset.read_colorized(clip.id, t, 1, picture.rgb);
    const std::vector<float> values(picture.rgb.begin(), picture.rgb.end());
    const Tensor output =
        colorizer.step(Tensor::from_host(backend, {1, kNetworkSize, kNetworkSize, 3}, values));
    if (std::find(shown.begin(), shown.end(), t) == shown.end()) continue;
    input.frames.push_back(picture);
    result.frames.push_back(rounded_picture(output.to_host()));
    dataset.read_truth(clip.id, t, 1, picture.rgb);
    truth.frames.push_back(picture);
  }
  return contact_sheet({truth, input, result});
}

void reestimate_norms(ColorizationModel& model, const std::shared_ptr<const Dataset>& dataset,
                      const BatchOptions& options, const Recurrence& recurrence) {
  const NoGradient guard;
  BatchOptions ordered = in_order(options);
  ordered.flow = BatchFlow::kNone;  // it counts in losses alone
  const auto available =
      static_cast<std::int64_t>(plan_epoch(dataset->clips(options.split), ordered, 0).size());
  const std::int64_t count = std::min(available, kNormBatches);
  int passes = 0;
  // The mean of passes 0 .. n: the one before weighs n / (n + 1).
  const NormMomentum averaging = [&passes] {
    const auto n = static_cast<float>(passes++);
    return n / (n + 1);
  };
  const auto backend = model.weights().front().value.backend();
  model.train(true);
  for (std::int64_t i = 0; i < count; ++i) {
    BatchProducer batches(dataset, ordered, {0, i * available / count});
    predict_batch(model, BatchTensors(backend, *batches.next()), recurrence, averaging);
  }
  model.set_norm_momentum(BatchNorm::kMomentum);
  model.train(false);
}

}  // namespace afterglow
