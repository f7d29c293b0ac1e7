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

/// Throws ShapeError, where `frame` is no frame; name: as in "a frame".
void require_frame(const Tensor& frame, const char* name) {
  const Shape expected{1, kNetworkSize, kNetworkSize, 3};
  if (frame.shape() == expected) return;
  throw ShapeError(std::string("recurrent colorizer: ") + name + " of " +
                   frame.shape().to_string() + " instead of " + expected.to_string());
}

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

void RecurrentColorizer::follow(const Tensor& before) {
  require_frame(before, "a frame before");
  copy(before, before_);
  starts_clip_ = false;
}

Tensor RecurrentColorizer::step(const Tensor& current, const Tensor& truth) {
  require_frame(current, "a frame");
  if (previous_ == Previous::kTruth) require_frame(truth, "a true frame");
  copy(current, now_);
  if (starts_clip_) copy(current, before_);
  starts_clip_ = false;
  frame_.run(*now_.backend());
  if (previous_ == Previous::kBaseline) copy(current, before_);
  if (previous_ == Previous::kTruth) copy(truth, before_);
  return output_;
}

}  // namespace afterglow
