// The temporal loss along the motion in double, written down once more: pixel by pixel, every pixel
// of the frame before with a weight that falls off linearly with its distance.
#pragma once

#include <cstdint>
#include <vector>

#include "support/oracle_temporal_mse.hpp"

namespace afterglow::oracle {

/// flow: (N, H, W, 2).
TemporalMse motion_temporal_mse(const FrameGeometry& g, double beta, const Doubles& p,
                                const Doubles& y, const Doubles& flow,
                                const std::vector<std::uint8_t>& clip_starts);

}  // namespace afterglow::oracle
