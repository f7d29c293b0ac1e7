#include "apps/steady_trainer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>

#include "apps/device_options.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/sha256.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kSteadySaveInterval{3};
constexpr double kWeightDecay = 0.02;
constexpr double kEpsilon = 1e-8;     // Adam's
constexpr std::int64_t kWarmUp = 30;  // steps
constexpr double kLastRate = 0.02;    // of --lr, where the cosine ends
constexpr float kErrorFloor = 0.05F;  // no stream counts more than an error so small
constexpr const char* kSteadyDiverged = "; use a lower --lr (the last checkpoint is kept)";

TrainOptions checked_steady(const TrainOptions& options) {
  check_options(options);
  return options;
}

/// What tells film sets apart: SHA-256 over their clips, and first and last frames of each with
/// their flow.
std::string fingerprint(const FilmSet& films) {
  std::string content;
  for (const FilmSetClip& clip : films.clips()) {
    content += clip.id + ' ' + std::to_string(clip.frames) + ' ' + split_name(clip.split) + ' ' +
               std::to_string(clip.has_colorized) + '\n';
    std::vector<std::uint8_t> frame(std::size_t(clip.width) * std::size_t(clip.height) * 3);
    std::vector<float> flow(frame.size() / 6);
    for (const std::int64_t t : {std::int64_t{0}, clip.frames - 1}) {
      films.read_flow_back(clip, t, 1, flow);
      content += sha256({reinterpret_cast<const char*>(flow.data()), flow.size() * sizeof(float)});
      films.read_truth(clip, t, 1, frame);
      content += sha256({reinterpret_cast<const char*>(frame.data()), frame.size()});
      if (!clip.has_colorized) continue;
      films.read_colorized(clip, t, 1, frame);
      content += sha256({reinterpret_cast<const char*>(frame.data()), frame.size()});
    }
  }
  return sha256(content);
}

AdamOptions optimizer_options(const TrainOptions& options) {
  return {.learning_rate = options.learning_rate,
          .epsilon = kEpsilon,
          .clip_norm = options.clip_norm,
          .weight_decay = kWeightDecay};
}

void copy_weights(const SteadyModel& from, const SteadyModel& to) {
  const std::vector<Weight> source = from.weights();
  std::vector<Weight> target = to.weights();
  for (std::size_t i = 0; i < target.size(); ++i) {
    target[i].value.copy_from_host(std::span<const float>(source[i].value.to_host()));
  }
}

}  // namespace

SteadyTrainer::SteadyTrainer(const TrainOptions& options)
    : options_(checked_steady(options)),
      films_(std::make_shared<const FilmSet>(options.data)),
      folder_(options.out, options.resume),
      backend_(open_backend(options.backend, &why_not_cuda_)),
      configuration_(configuration(options, fingerprint(*films_))),
      saved_(Clock::now()) {
  streams_of_.streams = options_.batch;
  streams_of_.unroll = options_.unroll;
  streams_of_.seed = options_.seed;
  SteadyArch arch{};
  is_steady_arch(options_.arch, &arch);
  model_ = make_steady(backend_, arch, options_.seed);
  const std::int64_t h = streams_of_.height / 2, w = streams_of_.width / 2;
  training_.carried.chroma = Variable(Tensor::zeros(backend_, {options_.batch, h, w, 2}));
  training_.carried.lightness = Tensor::zeros(backend_, {options_.batch, h, w, 1});
  if (options_.resume && std::filesystem::exists(folder_.last())) {
    resume();
  } else {
    start();
  }
  folder_.write_config(configuration_);
  folder_.open_log(training_.state.step, 0);
  if (options_.tensorboard) events_.emplace(folder_.path(), training_.state.step + 1);
  streams_.emplace(films_, streams_of_, training_.state.step);
}

void SteadyTrainer::start() {
  if (!options_.init.empty()) {
    const std::unique_ptr<SteadyModel> from = load_steady(options_.init, backend_);
    if (from->arch() != model_->arch()) {
      throw InputError(
          options_.init.string(),
          "is a network '" + steady_arch_name(from->arch()) + "', not '" + options_.arch + "'",
          "change --arch or --init");
    }
    copy_weights(*from, *model_);
  }
  adam_.emplace(model_->parameters(), optimizer_options(options_));
  training_.state.config = configuration_;
}

void SteadyTrainer::resume() {
  training_.state = read_steady_state(folder_.last());
  check_same_configuration(training_.state.config, configuration_, folder_.path());
  training_.state.config = configuration_;
  load_steady_training(folder_.last(), *model_, training_.carried);
  adam_.emplace(model_->parameters(), optimizer_options(options_));
  load_optimizer(folder_.last(), *adam_);
}

std::string SteadyTrainer::description() const {
  std::string text = options_.arch + ", " + std::to_string(model_->weight_count()) + " weights; " +
                     std::to_string(options_.batch) + " streams, " +
                     std::to_string(options_.unroll) + " frames a step; " +
                     told_device(*backend_, why_not_cuda_);
  if (training_.state.step > 0) {
    text += "; goes on after step " + std::to_string(training_.state.step);
  }
  return text;
}

void SteadyTrainer::run() {
  begun_ = training_.state.step;
  progress_.emplace("train", options_.steps - begun_, "steps");
  while (training_.state.step < options_.steps) {
    if (interrupted()) stop();
    step(streams_->next());
    const bool due = (options_.save_every > 0 && training_.state.step % options_.save_every == 0) ||
                     Clock::now() - saved_ > kSteadySaveInterval;
    if (due) write_checkpoint();
  }
  save_steady(folder_.model(), *model_);
  write_checkpoint();
  progress_->finish();
}

double SteadyTrainer::learning_rate() const {
  const auto step = static_cast<double>(training_.state.step);
  const double warm = std::min(1.0, (step + 1) / kWarmUp);
  const double done = step / static_cast<double>(options_.steps);
  const double cosine = (1 + std::cos(std::numbers::pi * done)) / 2;
  return options_.learning_rate * warm * (kLastRate + (1 - kLastRate) * cosine);
}

void SteadyTrainer::step(const std::vector<StreamFrames>& frames) {
  const auto start = Clock::now();
  Variable total, before;
  Tensor truth_before;
  {
    const KernelsStay shared;
    for (const StreamFrames& now : frames) {
      const SteadyFrames planes = planes_of(now);
      const SteadyTruth truth = truth_of(now, planes);
      const Variable chroma = model_->step(planes, training_.carried);
      const Variable loss = steady_loss(chroma, truth, before, truth_before);
      total = total ? ops::add(total, loss) : loss;
      before = chroma;
      truth_before = truth.chroma;
      training_.carried = {chroma, planes.lightness};
    }
    total = ops::affine(total, 1 / static_cast<float>(frames.size()), 0);
    backward(total);
  }
  training_.carried.chroma = training_.carried.chroma.detached();
  const double loss = double{total.value().item()};
  if (!std::isfinite(loss)) {
    throw RunError("training: the loss is not a number at step " +
                   std::to_string(training_.state.step + 1) + kSteadyDiverged);
  }
  adam_->set_learning_rate(learning_rate());
  adam_->step();
  ++training_.state.step;
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  folder_.write_log(
      nlohmann::ordered_json{{"step", training_.state.step}, {"loss", loss}, {"seconds", seconds}}
          .dump());
  if (events_) {
    const double per_second =
        static_cast<double>(frames.size()) * static_cast<double>(options_.batch) / seconds;
    events_->add_scalars(training_.state.step,
                         {{"training/loss", loss}, {"training/frames_per_second", per_second}});
  }
  char note[32];
  std::snprintf(note, sizeof note, "loss %.4g", loss);
  progress_->update(training_.state.step - begun_, note);
}

Tensor SteadyTrainer::plane(const std::vector<float>& values, std::int64_t channels) const {
  return Tensor::from_host(
      backend_, {options_.batch, streams_of_.height / 2, streams_of_.width / 2, channels},
      std::span<const float>(values));
}

SteadyFrames SteadyTrainer::planes_of(const StreamFrames& frames) const {
  return {plane(frames.luma, 4), plane(frames.lightness, 1), plane(frames.input, 2),
          plane(frames.flow, 2), plane(frames.follows, 1),   plane(frames.kind, 1)};
}

SteadyTruth SteadyTrainer::truth_of(const StreamFrames& frames, const SteadyFrames& planes) const {
  const Tensor chroma = plane(frames.truth, 2);
  // Streams whose input is far off shall not drown the others.
  std::vector<float> weights =
      frame_error(Variable(planes.input), Variable(chroma)).value().to_host();
  float sum = 0;
  for (float& weight : weights) sum += weight = 1 / (weight + kErrorFloor);
  for (float& weight : weights) weight /= sum;
  return {chroma,
          Tensor::from_host(backend_, {options_.batch, 1, 1, 1}, std::span<const float>(weights)),
          frame_colour(Variable(chroma)).value()};
}

void SteadyTrainer::write_checkpoint() {
  folder_.sync_log();
  save_steady(folder_.last(), *model_, &*adam_, &training_);
  saved_ = Clock::now();
}

void SteadyTrainer::stop() {
  write_checkpoint();
  throw Interrupted(folder_.path().string() + ": interrupted after step " +
                    std::to_string(training_.state.step) + " and saved; go on with --resume");
}

}  // namespace afterglow
