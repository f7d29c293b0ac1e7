#include "nn/recurrent_colorizer.hpp"

#include "base/error.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow {

Previous parse_previous(const std::string& text, const std::string& subject) {
  if (text == "own") return Previous::kOwn;
  if (text == "baseline") return Previous::kBaseline;
  if (text == "truth") return Previous::kTruth;
  throw InputError(subject, "'" + text + "' is not known", "use own, baseline or truth");
}

namespace {

Tensor empty_frame(const ColorizationModel& model) {
  return {model.weights().front().value.backend(), {1, kNetworkSize, kNetworkSize, 3}};
}

void copy(const Tensor& from, Tensor& to) { from.backend()->copy(from.source(), to.destination()); }

}  // namespace

RecurrentColorizer::RecurrentColorizer(ColorizationModel& model, Previous previous)
    : model_(model),
      previous_(previous),
      now_(empty_frame(model)),
      before_(empty_frame(model)),
      output_(empty_frame(model)),
      frame_([this] {
        const NoGradient guard;
        // To memory of our own: what the work allocates itself holds until the next recording runs.
        copy(model_.forward(ops::concat_channels(Variable(now_), Variable(before_))).value(),
             output_);
        if (previous_ == Previous::kOwn) copy(output_, before_);
      }) {
  model_.train(false);
}

void RecurrentColorizer::reset() { starts_clip_ = true; }

Tensor RecurrentColorizer::step(const Tensor& current, const Tensor& truth) {
  const Shape expected{1, kNetworkSize, kNetworkSize, 3};
  if (current.shape() != expected) {
    throw ShapeError("recurrent colorizer: a frame of " + current.shape().to_string() +
                     " instead of " + expected.to_string());
  }
  if (previous_ == Previous::kTruth && truth.shape() != expected) {
    throw ShapeError("recurrent colorizer: a true frame of " + truth.shape().to_string() +
                     " instead of " + expected.to_string());
  }
  copy(current, now_);
  if (starts_clip_) copy(current, before_);
  starts_clip_ = false;
  frame_.run(*now_.backend());
  if (previous_ == Previous::kBaseline) copy(current, before_);
  if (previous_ == Previous::kTruth) copy(truth, before_);
  return output_;
}

}  // namespace afterglow
