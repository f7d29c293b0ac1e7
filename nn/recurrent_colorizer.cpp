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

RecurrentColorizer::RecurrentColorizer(ColorizationModel& model, Previous previous)
    : model_(model), previous_(previous) {
  model_.train(false);
}

void RecurrentColorizer::reset() { before_ = {}; }

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
  const NoGradient guard;
  const Variable now(current);
  const Variable before(before_ ? before_ : current);
  Tensor output = model_.forward(ops::concat_channels(now, before)).value();
  switch (previous_) {
    case Previous::kOwn:
      before_ = output;
      break;
    case Previous::kBaseline:
      before_ = current;
      break;
    case Previous::kTruth:
      before_ = truth;
      break;
  }
  return output;
}

}  // namespace afterglow
