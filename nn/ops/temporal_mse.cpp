// temporal_mse, motion_temporal_mse and mse: all get value and gradient from one call of the
// backend and only scale the gradient later.
#include "kernels/device_array.hpp"
#include "nn/ops/checks.hpp"

namespace afterglow::ops {
namespace {

void check(const std::string& op, const Shape& prediction, const Shape& target) {
  check_frames(op, "prediction", prediction);
  check_same(op, "prediction", prediction, "target", target);
}

TemporalMseGeometry geometry(const Shape& shape, const Region& region) {
  return {extent(shape, 0), extent(shape, 1), extent(shape, 2), extent(shape, 3),
          region.top,       region.left,      region.height,    region.width};
}

/// compute(gradient, value): the backend's call; the gradient is empty where nobody wants it.
template <typename Compute>
Loss record_loss(const Variable& prediction, const Compute& compute) {
  const auto& backend = prediction.backend();
  Tensor gradient = new_if(prediction.wants_gradient() && gradients_enabled(), backend,
                           prediction.shape(), prediction.value().type());
  const DeviceArray<TemporalMseValue> on_device(backend);
  compute(destination_of(gradient), on_device.data());
  const TemporalMseValue value = on_device.value();
  Variable loss =
      record(Tensor::full(backend, {1}, static_cast<float>(value.loss)), {prediction},
             [gradient](const Tensor& dy, const std::vector<bool>&) -> std::vector<Tensor> {
               const float upstream = dy.item();
               if (upstream == 1.0F) return {gradient};
               Tensor scaled(dy.backend(), gradient.shape(), gradient.type());
               dy.backend()->scale(gradient.source(), upstream, scaled.destination());
               return {scaled};
             });
  return {loss, value};
}

Loss record_temporal_mse(const Variable& prediction, const Tensor& target, float beta,
                         const std::vector<std::uint8_t>& clip_starts, const Region& region) {
  const auto& backend = prediction.backend();
  const DeviceArray<std::uint8_t> starts(backend, clip_starts);
  return record_loss(prediction, [&](Destination gradient, TemporalMseValue* value) {
    backend->temporal_mse(geometry(prediction.shape(), region), beta, prediction.value().source(),
                          target.source(), starts.span(), gradient, value);
  });
}

Region whole_frame(const Shape& shape) { return {0, 0, extent(shape, 1), extent(shape, 2)}; }

/// The region that counts. Refuses one that does not lie in the frame.
Region checked_region(const std::string& op, const std::optional<Region>& region,
                      const Shape& shape) {
  const Region r = region.value_or(whole_frame(shape));
  check_rectangle(op, r.top, r.left, r.height, r.width, "prediction", shape);
  return r;
}

void check_beta(const std::string& op, float beta) {
  if (!(beta >= 0.0F && beta <= 1.0F)) {
    refuse(op, "beta " + std::to_string(beta) + " is outside 0 to 1");
  }
}

void check_starts(const std::string& op, std::size_t count, const Shape& shape) {
  if (static_cast<std::int64_t>(count) != shape[0]) {
    refuse(op, std::to_string(count) + " clip starts for " + named("prediction", shape));
  }
}

void check_motion(const std::string& op, const Shape& prediction, const Shape& target,
                  const Shape& flow, float beta, std::size_t starts) {
  check(op, prediction, target);
  check_flow(op, flow, "prediction", prediction);
  check_beta(op, beta);
  check_starts(op, starts, prediction);
}

}  // namespace

Loss temporal_mse(const Variable& prediction, const Tensor& target, float beta,
                  const std::vector<std::uint8_t>& clip_starts,
                  const std::optional<Region>& region) {
  constexpr const char* kOp = "temporal_mse";
  const Shape& shape = prediction.shape();
  check(kOp, shape, target.shape());
  check_beta(kOp, beta);
  check_starts(kOp, clip_starts.size(), shape);
  return record_temporal_mse(prediction, target, beta, clip_starts,
                             checked_region(kOp, region, shape));
}

void backward_temporal_mse(const Variable& prediction, const Tensor& target, float beta,
                           const DeviceArray<std::uint8_t>& clip_starts,
                           const DeviceArray<TemporalMseValue>& value,
                           const std::optional<Region>& region) {
  constexpr const char* kOp = "backward_temporal_mse";
  const Shape& shape = prediction.shape();
  check(kOp, shape, target.shape());
  check_beta(kOp, beta);
  check_starts(kOp, clip_starts.span().size(), shape);
  const Region counted = checked_region(kOp, region, shape);
  const auto& backend = prediction.backend();
  Tensor gradient(backend, shape, prediction.value().type());
  backend->temporal_mse(geometry(shape, counted), beta, prediction.value().source(),
                        target.source(), clip_starts.span(), gradient.destination(), value.data());
  backward(prediction, gradient);
}

Loss motion_temporal_mse(const Variable& prediction, const Tensor& target, const Tensor& flow,
                         float beta, const std::vector<std::uint8_t>& clip_starts) {
  const Shape& shape = prediction.shape();
  check_motion("motion_temporal_mse", shape, target.shape(), flow.shape(), beta,
               clip_starts.size());
  const auto& backend = prediction.backend();
  const DeviceArray<std::uint8_t> starts(backend, clip_starts);
  return record_loss(prediction, [&](Destination gradient, TemporalMseValue* value) {
    backend->motion_temporal_mse(frame_geometry(shape), beta, prediction.value().source(),
                                 target.source(), flow.source(), starts.span(), gradient, value);
  });
}

void backward_motion_temporal_mse(const Variable& prediction, const Tensor& target,
                                  const Tensor& flow, float beta,
                                  const DeviceArray<std::uint8_t>& clip_starts,
                                  const DeviceArray<TemporalMseValue>& value) {
  const Shape& shape = prediction.shape();
  check_motion("backward_motion_temporal_mse", shape, target.shape(), flow.shape(), beta,
               clip_starts.span().size());
  const auto& backend = prediction.backend();
  Tensor gradient(backend, shape, prediction.value().type());
  backend->motion_temporal_mse(frame_geometry(shape), beta, prediction.value().source(),
                               target.source(), flow.source(), clip_starts.span(),
                               gradient.destination(), value.data());
  backward(prediction, gradient);
}

Variable mse(const Variable& prediction, const Tensor& target) {
  const Shape& shape = prediction.shape();
  check("mse", shape, target.shape());
  // Every frame starts a clip, so that no temporal term exists.
  const std::vector<std::uint8_t> starts(static_cast<std::size_t>(shape[0]), 1);
  return record_temporal_mse(prediction, target, 1.0F, starts, whole_frame(shape)).value;
}

}  // namespace afterglow::ops
