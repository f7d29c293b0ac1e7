#include "apps/training_pass.hpp"

#include <algorithm>

#include "nn/layers/batch_norm.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow {
namespace {

constexpr std::int64_t kFrameValues = kNetworkSize * kNetworkSize * 3;

/// One frame of many on the host.
std::span<const float> frame_of(const std::vector<float>& frames, std::int64_t index) {
  return std::span(frames).subspan(static_cast<std::size_t>(index * kFrameValues),
                                   static_cast<std::size_t>(kFrameValues));
}

/// Frames gathered on the host, for one pass.
class Gathered {
 public:
  void add(std::span<const float> frame) {
    values_.insert(values_.end(), frame.begin(), frame.end());
  }
  bool empty() const { return values_.empty(); }
  Tensor tensor(const std::shared_ptr<Backend>& backend) const {
    return frames_tensor(backend, values_);
  }

 private:
  std::vector<float> values_;
};

class OwnUnroll {
 public:
  OwnUnroll(ColorizationModel& model, const Batch& batch, const Recurrence& recurrence,
            const NormMomentum& momentum)
      : model_(model),
        batch_(batch),
        recurrence_(recurrence),
        momentum_(momentum),
        backend_(model.weights().front().value.backend()),
        unroll_(std::min<std::int64_t>(recurrence.unroll, batch.count())),
        segments_((batch.count() + unroll_ - 1) / unroll_) {}

  Variable run() {
    Variable previous = before_segments();
    std::vector<Variable> steps;
    for (std::int64_t j = 0; j < unroll_; ++j) {
      const std::int64_t width = segments_at(j);
      if (previous.shape()[0] > width) previous = ops::slice_frames(previous, 0, width);
      steps.push_back(pass(current_at(j), previous));
      previous = recurrence_.stop_gradient ? steps.back().detached() : steps.back();
    }
    std::vector<Variable> in_order;
    for (std::int64_t t = 0; t < batch_.count(); ++t) {
      in_order.push_back(
          ops::slice_frames(steps[static_cast<std::size_t>(t % unroll_)], t / unroll_, 1));
    }
    return ops::concat_frames(in_order);
  }

 private:
  /// How many segments have a frame j: all but perhaps the last.
  std::int64_t segments_at(std::int64_t j) const {
    return (segments_ - 1) * unroll_ + j < batch_.count() ? segments_ : segments_ - 1;
  }

  Variable current_at(std::int64_t j) const {
    Gathered frames;
    for (std::int64_t s = 0; s < segments_at(j); ++s) {
      frames.add(frame_of(batch_.current, s * unroll_ + j));
    }
    return Variable(frames.tensor(backend_));
  }

  Variable pass(const Variable& current, const Variable& previous) const {
    if (momentum_) model_.set_norm_momentum(momentum_());
    return model_.forward(ops::concat_channels(current, previous));
  }

  /// The previous frame of each segment's first.
  Variable before_segments() const {
    const bool starts_clip = batch_.frames.front() == 0;
    Gathered current;
    Gathered previous;
    if (!starts_clip) {
      const std::int64_t known = static_cast<std::int64_t>(batch_.context.size()) / kFrameValues;
      current.add(frame_of(batch_.context, known - 1));
      previous.add(frame_of(batch_.context, std::max<std::int64_t>(known - 2, 0)));
    }
    for (std::int64_t s = 1; s < segments_; ++s) {
      current.add(frame_of(batch_.current, s * unroll_ - 1));
      previous.add(frame_of(batch_.previous, s * unroll_ - 1));
    }
    std::vector<Variable> parts;
    if (starts_clip) {
      Gathered itself;
      itself.add(frame_of(batch_.current, 0));
      parts.emplace_back(itself.tensor(backend_));
    }
    if (!current.empty()) {
      const NoGradient guard;
      model_.set_norm_momentum(1.0F);  // leaves the running statistics as they are
      parts.push_back(model_.forward(ops::concat_channels(Variable(current.tensor(backend_)),
                                                          Variable(previous.tensor(backend_)))));
      model_.set_norm_momentum(BatchNorm::kMomentum);
    }
    return ops::concat_frames(parts);
  }

  ColorizationModel& model_;
  const Batch& batch_;
  const Recurrence& recurrence_;
  const NormMomentum& momentum_;
  std::shared_ptr<Backend> backend_;
  std::int64_t unroll_;
  std::int64_t segments_;
};

}  // namespace

int context_frames(const Recurrence& recurrence) { return recurrence.own ? 2 : 0; }

Tensor frames_tensor(const std::shared_ptr<Backend>& backend, const std::vector<float>& values) {
  const auto count = static_cast<std::int64_t>(values.size()) / kFrameValues;
  return Tensor::from_host(backend, {count, kNetworkSize, kNetworkSize, 3}, values);
}

Variable predict_batch(ColorizationModel& model, const Batch& batch, const Recurrence& recurrence,
                       const NormMomentum& momentum) {
  if (recurrence.own) return OwnUnroll(model, batch, recurrence, momentum).run();
  const auto backend = model.weights().front().value.backend();
  if (momentum) model.set_norm_momentum(momentum());
  return model.forward(ops::concat_channels(Variable(frames_tensor(backend, batch.current)),
                                            Variable(frames_tensor(backend, batch.previous))));
}

}  // namespace afterglow
