// temporal_mse and mse: both get value and gradient from one pass and only scale the gradient
// later.
#include "nn/ops/checks.hpp"

namespace afterglow::ops {
namespace {

void check(const std::string& op, const Shape& prediction, const Shape& target) {
  check_frames(op, "prediction", prediction);
  check_same(op, "prediction", prediction, "target", target);
}

Loss record_loss(const Variable& prediction, const Tensor& target, float beta,
                 const std::vector<std::uint8_t>& clip_starts, const Region& region) {
  const Shape& shape = prediction.shape();
  const TemporalMseGeometry g{extent(shape, 0), extent(shape, 1), extent(shape, 2),
                              extent(shape, 3), region.top,       region.left,
                              region.height,    region.width};
  const auto& backend = prediction.backend();
  Tensor gradient = new_if(prediction.wants_gradient() && gradients_enabled(), backend, shape);
  const TemporalMseValue value = backend->temporal_mse(
      g, beta, prediction.value().source(), target.source(), clip_starts, destination_of(gradient));
  Variable loss =
      record(Tensor::full(backend, {1}, static_cast<float>(value.loss)), {prediction},
             [gradient](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
               const float upstream = dy.item();
               if (upstream == 1.0F) return {gradient};
               Tensor scaled(dy.backend(), gradient.shape());
               dy.backend()->scale(gradient.source(), upstream, scaled.destination());
               return {scaled};
             });
  return {loss, value};
}

Region whole_frame(const Shape& shape) { return {0, 0, extent(shape, 1), extent(shape, 2)}; }

}  // namespace

Loss temporal_mse(const Variable& prediction, const Tensor& target, float beta,
                  const std::vector<std::uint8_t>& clip_starts,
                  const std::optional<Region>& region) {
  constexpr const char* kOp = "temporal_mse";
  const Shape& shape = prediction.shape();
  check(kOp, shape, target.shape());
  if (!(beta >= 0.0F && beta <= 1.0F)) {
    refuse(kOp, "beta " + std::to_string(beta) + " is outside 0 to 1");
  }
  if (static_cast<std::int64_t>(clip_starts.size()) != shape[0]) {
    refuse(kOp,
           std::to_string(clip_starts.size()) + " clip starts for " + named("prediction", shape));
  }
  const Region r = region.value_or(whole_frame(shape));
  check_rectangle(kOp, r.top, r.left, r.height, r.width, "prediction", shape);
  return record_loss(prediction, target, beta, clip_starts, r);
}

Variable mse(const Variable& prediction, const Tensor& target) {
  const Shape& shape = prediction.shape();
  check("mse", shape, target.shape());
  // Every frame starts a clip, so that no temporal term exists.
  const std::vector<std::uint8_t> starts(static_cast<std::size_t>(shape[0]), 1);
  return record_loss(prediction, target, 1.0F, starts, whole_frame(shape)).value;
}

}  // namespace afterglow::ops
