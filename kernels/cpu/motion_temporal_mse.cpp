// The temporal loss along the motion. Every frame is the work of one thread, which also finds what
// the frame after it adds to its gradient: no two threads write to one place, and the sums have one
// order.
#include "kernels/motion_temporal_mse.hpp"

#include <vector>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {
namespace {

/// Calls body(value, origin, change) for every value of a frame that counts. p, and what it returns
/// as `value` and the pixels of `origin`: within a frame; before: the frame before.
template <typename Body>
void for_each_change(const FrameGeometry& g, const float* p, const float* before, const float* flow,
                     const Body& body) {
  const auto channels = static_cast<std::size_t>(g.c);
  MotionOrigin origin;
  std::size_t pixel = 0;
  for (std::int32_t y = 0; y < g.h; ++y) {
    for (std::int32_t x = 0; x < g.w; ++x, ++pixel) {
      if (!find_motion_origin(x, y, flow[2 * pixel], flow[2 * pixel + 1], g.h, g.w, origin)) {
        continue;
      }
      for (std::size_t c = 0; c < channels; ++c) {
        float from[4];
        for (int k = 0; k < 4; ++k) {
          from[k] = before[static_cast<std::size_t>(origin.at[k]) * channels + c];
        }
        const std::size_t value = pixel * channels + c;
        body(value, c, origin, motion_change(origin, p[value], from));
      }
    }
  }
}

}  // namespace

void CpuBackend::motion_temporal_mse(const FrameGeometry& g, float beta, Source p, Source y,
                                     Source flow, std::span<const std::uint8_t> clip_starts,
                                     Destination gradient, TemporalMseValue* value) {
  const auto frame = g.size() / static_cast<std::size_t>(g.n);
  const std::size_t frame_flow = frame / static_cast<std::size_t>(g.c) * 2;
  const auto channels = static_cast<std::size_t>(g.c);
  const auto values = static_cast<double>(g.size());
  const auto fidelity_scale = static_cast<float>(2.0 * static_cast<double>(beta) / values);
  const auto temporal_scale = static_cast<float>(2.0 * (1.0 - static_cast<double>(beta)) / values);
  std::vector<double> fidelity(static_cast<std::size_t>(g.n)), temporal(fidelity.size());
  const auto follows = [&](std::size_t i) {
    return i > 0 && i < fidelity.size() && clip_starts[i] == 0;
  };
  with_bytes_or_floats(y, [&](const auto* targets) {
    for_each_index(g.n, [&](std::int64_t index) {
      const auto i = static_cast<std::size_t>(index);
      const float* now = p.data() + i * frame;
      const auto* target = targets + i * frame;
      float* slope = gradient.empty() ? nullptr : gradient.data() + i * frame;
      for (std::size_t k = 0; k < frame; ++k) {
        const float error = now[k] - static_cast<float>(target[k]);
        fidelity[i] += static_cast<double>(error) * static_cast<double>(error);
        if (slope != nullptr) slope[k] = fidelity_scale * error;
      }
      if (follows(i)) {
        for_each_change(g, now, now - frame, flow.data() + i * frame_flow,
                        [&](std::size_t k, std::size_t, const MotionOrigin&, float change) {
                          temporal[i] += static_cast<double>(change) * static_cast<double>(change);
                          if (slope != nullptr) slope[k] += temporal_scale * change;
                        });
      }
      if (slope != nullptr && follows(i + 1)) {
        for_each_change(g, now + frame, now, flow.data() + (i + 1) * frame_flow,
                        [&](std::size_t, std::size_t c, const MotionOrigin& origin, float change) {
                          for (int k = 0; k < 4; ++k) {
                            slope[static_cast<std::size_t>(origin.at[k]) * channels + c] -=
                                temporal_scale * (origin.share[k] * change);
                          }
                        });
      }
    });
  });
  TemporalMseValue result;
  for (std::size_t i = 0; i < fidelity.size(); ++i) {
    result.fidelity += fidelity[i];
    result.temporal += temporal[i];
  }
  result.fidelity /= values;
  result.temporal /= values;
  result.loss = static_cast<double>(beta) * result.fidelity +
                (1.0 - static_cast<double>(beta)) * result.temporal;
  *value = result;
}

}  // namespace afterglow
