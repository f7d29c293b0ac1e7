#include "nn/steady_colorizer.hpp"

namespace afterglow {

Tensor SteadyColorizer::step(const SteadyFrames& now) {
  const NoGradient guard;
  if (starts_scene()) before_ = {Variable(now.input), now.lightness};
  before_ = {model_.step(now, before_), now.lightness};
  return before_.chroma.value();
}

}  // namespace afterglow
