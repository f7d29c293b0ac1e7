#include "apps/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/device_options.hpp"
#include "apps/validation.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/sha256.hpp"
#include "weights/keras_vgg16.hpp"
#include "weights/manifest.hpp"
#include "weights/model_file.hpp"

namespace afterglow {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kSaveInterval{3};
constexpr const char* kDiverged = "; use a lower --lr or --clip-norm (the last checkpoint is kept)";

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::shared_ptr<const Dataset> open_dataset(const TrainOptions& options) {
  const std::filesystem::path& path = options.data;
  auto dataset = std::make_shared<const Dataset>(path);
  if (dataset->header().size != kNetworkSize) {
    const std::string size = std::to_string(dataset->header().size);
    throw InputError(path.string(), "its frames are " + size + "x" + size + ", not 128x128",
                     "make it with afterglow prepare");
  }
  if (dataset->clips(Split::kTrain).empty()) {
    throw InputError(path.string(), "has no clips to train on",
                     "leave some out of --test and --val of afterglow prepare");
  }
  if (batch_flow(options) != BatchFlow::kNone) {
    require_flow(*dataset, "--temporal " + options.temporal);
  }
  return dataset;
}

TrainOptions checked(const TrainOptions& options) {
  check_options(options);
  return options;
}

void require_finite_weights(const ColorizationModel& model, std::int64_t step) {
  for (const Weight& weight : model.weights()) {
    const auto& backend = weight.value.backend();
    const DeviceArray<double> squares(backend);
    const Source values = weight.value.source();
    backend->sum_of_squares({&values, 1}, squares.data());
    if (!std::isfinite(squares.value())) {
      throw RunError("training: weights are no longer finite after step " + std::to_string(step) +
                     kDiverged);
    }
  }
}

}  // namespace

void require_flow(const Dataset& dataset, const std::string& option) {
  if (dataset.has_flow()) return;
  throw InputError(dataset.path().string(), "has no flow, which " + option + " needs",
                   "make it again with afterglow prepare --flow");
}

std::string data_fingerprint(const Dataset& dataset, FingerprintFrames frames, bool with_flow) {
  const DatasetHeader& header = dataset.header();
  std::string content = std::to_string(header.size) + fit_name(header.fit) + header.colorizer +
                        header.colorizer_sha256;
  std::vector<std::uint8_t> frame(dataset.frame_bytes());
  std::vector<float> flow(with_flow ? frame.size() / 3 * 2 : 0);
  const auto add = [&](const auto& values) {
    const auto bytes = std::as_bytes(std::span(values));
    content += sha256({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  for (const ClipInfo& clip : dataset.clips()) {
    content += '\n' + clip.id + ' ' + std::to_string(clip.frames) + ' ' + split_name(clip.split);
    for (std::int64_t t = 0; t < clip.frames; ++t) {
      if (frames == FingerprintFrames::kEnds && t > 0 && t < clip.frames - 1) continue;
      dataset.read_colorized(clip.id, t, 1, frame);
      add(frame);
      dataset.read_truth(clip.id, t, 1, frame);
      add(frame);
      if (!with_flow) continue;
      dataset.read_flow(clip.id, t, 1, flow);
      add(flow);
    }
  }
  return sha256(content);
}

Trainer::Trainer(const TrainOptions& options)
    : options_(checked(options)),
      dataset_(open_dataset(options)),
      folder_(options.out, options.resume),
      backend_(open_backend(options.backend, &why_not_cuda_)),
      configuration_(
          configuration(options, data_fingerprint(*dataset_, FingerprintFrames::kEnds,
                                                  batch_flow(options) != BatchFlow::kNone))),
      saved_(Clock::now()) {
  const ModelSpec spec{parse_arch(options_.arch), parse_decoder(options_.decoder)};
  model_ = make_model(backend_, spec, options_.seed);
  const bool found = options_.resume && std::filesystem::exists(folder_.last());
  if (found) {
    resume();
  } else {
    start();
  }
  folder_.write_config(configuration_);
  folder_.open_log(state_.step, state_.epoch);
  if (options_.tensorboard) events_.emplace(folder_.path(), state_.step + 1);
  step_.emplace(*model_, *adam_, options_);
  batches_.emplace(dataset_, batch_options(options_, Split::kTrain),
                   BatchPosition{state_.epoch, state_.batch});
}

void Trainer::start() {
  if (!options_.vgg16_weights.empty()) {
    load_keras_vgg16(weights_file(options_.vgg16_weights), *model_, options_.vgg16_partial);
  }
  adam_.emplace(model_->parameters(), AdamOptions{.learning_rate = options_.learning_rate,
                                                  .clip_norm = options_.clip_norm});
  if (!options_.init.empty()) {
    load_any_weights(options_.init, *model_, options_.init_optimizer ? &*adam_ : nullptr);
  }
  state_.rng = Rng(options_.seed).state();
  state_.config = configuration_;
}

void Trainer::resume() {
  const ModelHeader header = read_model_header(folder_.last());
  if (!header.training || !header.has_optimizer) {
    throw InputError(folder_.last().string(), "is not a checkpoint", "give another --out");
  }
  state_ = *header.training;
  check_same_configuration(state_.config, configuration_, folder_.path());
  state_.config = configuration_;
  load_weights(folder_.last(), *model_);
  adam_.emplace(model_->parameters(), AdamOptions{.learning_rate = options_.learning_rate,
                                                  .clip_norm = options_.clip_norm});
  load_optimizer(folder_.last(), *adam_);
}

std::string Trainer::description() const {
  std::string text = options_.arch + ", " + std::to_string(model_->weight_count()) + " weights, " +
                     std::to_string(model_->trainable_count()) + " trained; " +
                     std::to_string(batches_->frames_per_epoch()) + " frames in " +
                     std::to_string(batches_->batches_per_epoch()) + " batches an epoch; " +
                     told_device(*backend_, why_not_cuda_);
  if (state_.step > 0) text += "; goes on after step " + std::to_string(state_.step);
  if (model_->spec().arch == Arch::kVgg16 && model_->pretrained().empty()) {
    text += "; note: the frozen encoder is random without --vgg16-weights";
  }
  return text;
}

std::int64_t Trainer::frames_left() const {
  if (state_.epoch >= options_.epochs) return 0;
  const auto plan = plan_epoch(dataset_->clips(Split::kTrain),
                               batch_options(options_, Split::kTrain), state_.epoch);
  std::int64_t frames = (options_.epochs - state_.epoch) * batches_->frames_per_epoch();
  for (std::int64_t i = 0; i < state_.batch; ++i) {
    frames -= static_cast<std::int64_t>(plan[static_cast<std::size_t>(i)].frames.size());
  }
  return frames;
}

void Trainer::run() {
  progress_.emplace("train", frames_left(), "frames");
  while (state_.epoch < options_.epochs) {
    while (state_.batch < batches_->batches_per_epoch()) {
      if (interrupted()) stop();
      step(*batches_->next());
      const bool due = (options_.save_every > 0 && state_.step % options_.save_every == 0) ||
                       Clock::now() - saved_ > kSaveInterval;
      if (due && state_.batch < batches_->batches_per_epoch()) save_last();
    }
    end_epoch();
  }
  if (!std::filesystem::exists(folder_.model())) {
    if (state_.best_epoch >= 0) {
      throw RunError(folder_.model().string() +
                     ": is gone, though every epoch is done; train again into a new folder");
    }
    throw RunError(std::string("training: the validation loss is not a number in any epoch") +
                   kDiverged);
  }
  progress_->finish();
}

void Trainer::step(const Batch& batch) {
  const auto start = Clock::now();
  model_->train(true);
  adam_->begin();
  const TemporalMseValue parts = step_->run(batch);
  if (!std::isfinite(parts.loss)) {
    throw RunError("training: the loss is not a number at step " + std::to_string(state_.step + 1) +
                   kDiverged);
  }
  adam_->end();
  ++state_.step;
  ++state_.batch;
  record_step(parts, batch.count(), seconds_since(start));
  frames_done_ += batch.count();
  progress_->update(frames_done_, "epoch " + std::to_string(state_.epoch + 1) + "/" +
                                      std::to_string(options_.epochs) + "  loss " +
                                      short_number(parts.loss) + note_);
}

void Trainer::record_step(const TemporalMseValue& parts, std::int64_t frames, double seconds) {
  folder_.write_log(nlohmann::ordered_json{
      {"step", state_.step},
      {"epoch", state_.epoch + 1},
      {"loss", parts.loss},
      {"fidelity", parts.fidelity},
      {"temporal", parts.temporal},
      {"seconds",
       seconds}}.dump());
  if (!events_) return;
  events_->add_scalars(state_.step,
                       {{"training/loss", parts.loss},
                        {"training/fidelity", parts.fidelity},
                        {"training/temporal", parts.temporal},
                        {"training/frames_per_second", static_cast<double>(frames) / seconds}});
}

void Trainer::end_epoch() {
  const auto start = Clock::now();
  require_finite_weights(*model_, state_.step);
  set_norms();
  nlohmann::ordered_json entry{{"epoch", state_.epoch + 1}};
  const bool held_out = !dataset_->clips(Split::kVal).empty();
  bool best = !held_out;  // without clips to judge by, the last network is the one to use
  if (held_out) {
    const TemporalMseValue loss = validate();
    best = loss.loss < state_.best_loss;
    if (best) {
      state_.best_loss = loss.loss;
      state_.best_epoch = state_.epoch;
    }
    entry["validation_loss"] = loss.loss;
    entry["validation_fidelity"] = loss.fidelity;
    entry["validation_temporal"] = loss.temporal;
    entry["best"] = best;
    if (events_) {
      events_->add_scalars(state_.step, {{"validation/loss", loss.loss},
                                         {"validation/fidelity", loss.fidelity},
                                         {"validation/temporal", loss.temporal}});
    }
    note_ = "  validation " + short_number(loss.loss);
  }
  if (events_) {
    events_->add_picture(state_.step, "validation/frames", validation_picture(*model_, *dataset_));
  }
  entry["seconds"] = seconds_since(start);
  folder_.write_log(entry.dump());
  ++state_.epoch;
  state_.batch = 0;
  if (best) {
    const std::string fit = fit_name(dataset_->header().fit);
    if (held_out) save_model(folder_.best(), *model_, fit, nullptr, &state_);
    save_model(folder_.model(), *model_, fit, nullptr, &state_);
  }
  write_checkpoint();  // last: what it does not know of is done again after a kill
}

TemporalMseValue Trainer::validate() {
  try {
    return validation_loss(*model_, dataset_, batch_options(options_, Split::kVal),
                           recurrence_of(options_), static_cast<float>(options_.beta),
                           loss_region(options_));
  } catch (const Interrupted&) {
    stop();
  }
}

void Trainer::set_norms() {
  if (options_.norms == "reestimate") {
    reestimate_norms(*model_, dataset_, batch_options(options_, Split::kTrain),
                     recurrence_of(options_));
  }
}

void Trainer::save_last() {
  require_finite_weights(*model_, state_.step);
  set_norms();
  write_checkpoint();
}

void Trainer::write_checkpoint() {
  folder_.sync_log();
  save_model(folder_.last(), *model_, fit_name(dataset_->header().fit), &*adam_, &state_);
  saved_ = Clock::now();
}

void Trainer::stop() {
  save_last();
  throw Interrupted(folder_.path().string() + ": interrupted after step " +
                    std::to_string(state_.step) + " and saved; go on with --resume");
}

}  // namespace afterglow
