#include "apps/training_pass.hpp"

#include <algorithm>

#include "nn/layers/batch_norm.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow {
namespace {

constexpr std::int64_t kFrameValues = kNetworkSize * kNetworkSize * 3;

Tensor frames_of(const std::shared_ptr<Backend>& backend, const std::vector<std::uint8_t>& values) {
  const auto count = static_cast<std::int64_t>(values.size()) / kFrameValues;
  if (count == 0) return {};
  return Tensor::from_host(backend, {count, kNetworkSize, kNetworkSize, 3}, std::span(values));
}

Tensor flow_of(const std::shared_ptr<Backend>& backend, const Batch& batch) {
  if (batch.flow.empty()) return {};
  return Tensor::from_host(backend, {batch.count(), kNetworkSize, kNetworkSize, 2}, batch.flow);
}

/// One frame of many.
struct FrameOf {
  const Tensor& frames;
  std::int64_t index;
};

/// Frames gathered into one tensor.
Tensor gathered(const std::vector<FrameOf>& frames) {
  const auto& backend = frames.front().frames.backend();
  const auto size = static_cast<std::size_t>(kFrameValues);
  Tensor result(backend, {static_cast<std::int64_t>(frames.size()), kNetworkSize, kNetworkSize, 3},
                frames.front().frames.type());
  const Destination to = result.destination();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto at = static_cast<std::size_t>(frames[i].index) * size;
    backend->copy(frames[i].frames.source().subspan(at, size), to.subspan(i * size, size));
  }
  return result;
}

class OwnUnroll {
 public:
  OwnUnroll(ColorizationModel& model, const BatchTensors& batch, const Recurrence& recurrence,
            const NormMomentum& momentum)
      : model_(model),
        batch_(batch),
        recurrence_(recurrence),
        momentum_(momentum),
        count_(batch.kind().count),
        unroll_(std::min<std::int64_t>(recurrence.unroll, count_)),
        segments_((count_ + unroll_ - 1) / unroll_) {}

  Variable run() {
    const KernelsStay shared;  // by all steps of the unroll
    Variable previous = before_segments();
    std::vector<Variable> steps;
    for (std::int64_t j = 0; j < unroll_; ++j) {
      const std::int64_t width = segments_at(j);
      if (previous.shape()[0] > width) previous = ops::slice_frames(previous, 0, width);
      steps.push_back(pass(current_at(j), previous));
      previous = recurrence_.stop_gradient ? steps.back().detached() : steps.back();
    }
    std::vector<Variable> in_order;
    for (std::int64_t t = 0; t < count_; ++t) {
      in_order.push_back(
          ops::slice_frames(steps[static_cast<std::size_t>(t % unroll_)], t / unroll_, 1));
    }
    return ops::concat_frames(in_order);
  }

 private:
  /// How many segments have a frame j: all but perhaps the last.
  std::int64_t segments_at(std::int64_t j) const {
    return (segments_ - 1) * unroll_ + j < count_ ? segments_ : segments_ - 1;
  }

  Variable current_at(std::int64_t j) const {
    std::vector<FrameOf> frames;
    for (std::int64_t s = 0; s < segments_at(j); ++s) {
      frames.push_back({batch_.current(), s * unroll_ + j});
    }
    return Variable(gathered(frames));
  }

  Variable pass(const Variable& current, const Variable& previous) const {
    if (momentum_) model_.set_norm_momentum(momentum_());
    return model_.forward(ops::concat_channels(current, previous));
  }

  /// The previous frame of each segment's first.
  Variable before_segments() const {
    std::vector<FrameOf> current;
    std::vector<FrameOf> previous;
    if (!batch_.kind().starts_clip) {
      const std::int64_t known = batch_.kind().context;
      current.push_back({batch_.context(), known - 1});
      previous.push_back({batch_.context(), std::max<std::int64_t>(known - 2, 0)});
    }
    for (std::int64_t s = 1; s < segments_; ++s) {
      current.push_back({batch_.current(), s * unroll_ - 1});
      previous.push_back({batch_.previous(), s * unroll_ - 1});
    }
    std::vector<Variable> parts;
    if (batch_.kind().starts_clip) parts.emplace_back(gathered({{batch_.current(), 0}}));
    if (!current.empty()) {
      const NoGradient guard;
      model_.set_norm_momentum(1.0F);  // leaves the running statistics as they are
      parts.push_back(model_.forward(
          ops::concat_channels(Variable(gathered(current)), Variable(gathered(previous)))));
      model_.set_norm_momentum(BatchNorm::kMomentum);
    }
    return ops::concat_frames(parts);
  }

  ColorizationModel& model_;
  const BatchTensors& batch_;
  const Recurrence& recurrence_;
  const NormMomentum& momentum_;
  std::int64_t count_;
  std::int64_t unroll_;
  std::int64_t segments_;
};

}  // namespace

BatchKind kind_of(const Batch& batch) {
  return {batch.count(), static_cast<std::int64_t>(batch.context.size()) / kFrameValues,
          batch.frames.front() == 0};
}

BatchTensors::BatchTensors(const std::shared_ptr<Backend>& backend, const Batch& batch)
    : kind_(kind_of(batch)),
      current_(frames_of(backend, batch.current)),
      previous_(frames_of(backend, batch.previous)),
      truth_(frames_of(backend, batch.truth)),
      context_(frames_of(backend, batch.context)),
      flow_(flow_of(backend, batch)),
      clip_starts_(backend, batch.clip_starts) {}

void BatchTensors::write(const Batch& batch) {
  current_.copy_from_host(std::span(batch.current));
  previous_.copy_from_host(std::span(batch.previous));
  truth_.copy_from_host(std::span(batch.truth));
  if (context_) context_.copy_from_host(std::span(batch.context));
  if (flow_) flow_.copy_from_host(std::span(batch.flow));
  clip_starts_.write(batch.clip_starts);
}

int context_frames(const Recurrence& recurrence) { return recurrence.own ? 2 : 0; }

Variable predict_batch(ColorizationModel& model, const BatchTensors& batch,
                       const Recurrence& recurrence, const NormMomentum& momentum) {
  if (recurrence.own) return OwnUnroll(model, batch, recurrence, momentum).run();
  if (momentum) model.set_norm_momentum(momentum());
  return model.forward(ops::concat_channels(Variable(batch.current()), Variable(batch.previous())));
}

}  // namespace afterglow
