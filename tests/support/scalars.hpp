// The loss and optimizer functions of a backend with their scalars on the host.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/device_array.hpp"

namespace afterglow::test {

inline TemporalMseValue temporal_mse(const std::shared_ptr<Backend>& backend,
                                     const TemporalMseGeometry& g, float beta, Source p, Source y,
                                     const std::vector<std::uint8_t>& clip_starts,
                                     Destination gradient) {
  const DeviceArray<std::uint8_t> starts(backend, clip_starts);
  const DeviceArray<TemporalMseValue> value(backend);
  backend->temporal_mse(g, beta, p, y, starts.span(), gradient, value.data());
  return value.value();
}

inline TemporalMseValue motion_temporal_mse(const std::shared_ptr<Backend>& backend,
                                            const FrameGeometry& g, float beta, Source p, Source y,
                                            Source flow,
                                            const std::vector<std::uint8_t>& clip_starts,
                                            Destination gradient) {
  const DeviceArray<std::uint8_t> starts(backend, clip_starts);
  const DeviceArray<TemporalMseValue> value(backend);
  backend->motion_temporal_mse(g, beta, p, y, flow, starts.span(), gradient, value.data());
  return value.value();
}

inline double sum_of_squares(const std::shared_ptr<Backend>& backend,
                             const std::vector<Source>& tensors) {
  const DeviceArray<double> sum(backend);
  backend->sum_of_squares(tensors, sum.data());
  return sum.value();
}

inline void adam(const std::shared_ptr<Backend>& backend, const AdamStep& step,
                 const AdamRate& rate, double squares, const std::vector<AdamSlot>& slots) {
  const DeviceArray<AdamRate> device_rate(backend, std::vector<AdamRate>{rate});
  const DeviceArray<double> device_squares(backend, std::vector<double>{squares});
  backend->adam(step, device_rate.data(), device_squares.data(), slots);
}

}  // namespace afterglow::test
