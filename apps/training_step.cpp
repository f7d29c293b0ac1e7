#include "apps/training_step.hpp"

#include <chrono>

namespace afterglow {

Recurrence recurrence_of(const TrainOptions& options) {
  return {options.previous == "own", options.unroll, options.stop_gradient};
}

std::optional<ops::Region> loss_region(const TrainOptions& options) {
  if (!options.loss_corner) return std::nullopt;
  constexpr int kHalf = kNetworkSide / 2;
  return ops::Region{kHalf, kHalf, kHalf, kHalf};
}

BatchOptions batch_options(const TrainOptions& options, Split split) {
  BatchOptions batches;
  batches.split = split;
  batches.batch = options.batch;
  batches.seed = options.seed;
  batches.context = context_frames(recurrence_of(options));
  batches.flow = batch_flow(options);
  if (split == Split::kTrain) {
    batches.order = parse_batch_order(options.order, "--order");
    batches.epochs = options.epochs;
  } else {
    batches.order = BatchOrder::kSequential;
  }
  return batches;
}

TrainingStep::TrainingStep(ColorizationModel& model, Adam& adam, const TrainOptions& options)
    : model_(model),
      adam_(adam),
      backend_(model.weights().front().value.backend()),
      recurrence_(recurrence_of(options)),
      beta_(static_cast<float>(options.beta)),
      region_(loss_region(options)) {}

TemporalMseValue TrainingStep::run(const Batch& batch) {
  Recorded& now = recorded_for(batch);
  now.batch.write(batch);
  now.passes->run(*backend_);
  return now.value.value();
}

TrainingStep::Recorded& TrainingStep::recorded_for(const Batch& batch) {
  const auto found = recorded_.find(kind_of(batch));
  if (found != recorded_.end()) return found->second;
  Recorded& recorded = recorded_
                           .try_emplace(kind_of(batch), BatchTensors(backend_, batch),
                                        DeviceArray<TemporalMseValue>(backend_))
                           .first->second;
  recorded.passes.emplace([this, &recorded] {
    const BatchTensors& tensors = recorded.batch;
    const Variable prediction = predict_batch(model_, tensors, recurrence_);
    if (tensors.flow()) {
      ops::backward_motion_temporal_mse(prediction, tensors.truth(), tensors.flow(), beta_,
                                        tensors.clip_starts(), recorded.value);
    } else {
      ops::backward_temporal_mse(prediction, tensors.truth(), beta_, tensors.clip_starts(),
                                 recorded.value, region_);
    }
    adam_.apply();
  });
  return recorded;
}

double time_training_step(const TrainOptions& options,
                          const std::shared_ptr<const Dataset>& dataset) {
  const auto backend = open_backend(options.backend);
  const ModelSpec spec{parse_arch(options.arch), parse_decoder(options.decoder)};
  const auto model = make_model(backend, spec, options.seed);
  model->train(true);
  Adam adam(model->parameters(), {});
  TrainingStep step(*model, adam, options);
  const Batch batch = *BatchProducer(dataset, batch_options(options, Split::kTrain)).next();
  std::chrono::duration<double> seconds{0};
  for (int i = 0; i < 2; ++i) {  // the first chooses algorithms and takes memory
    const auto start = std::chrono::steady_clock::now();
    adam.begin();
    step.run(batch);
    adam.end();
    seconds = std::chrono::steady_clock::now() - start;
  }
  return seconds.count();
}

}  // namespace afterglow
