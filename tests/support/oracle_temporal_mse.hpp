// The paper's loss in double, written down once more: frame by frame and pair by pair.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/geometry.hpp"

namespace afterglow::oracle {

using Doubles = std::vector<double>;

struct TemporalMse {
  double loss = 0, fidelity = 0, temporal = 0;
  Doubles gradient;
};
TemporalMse temporal_mse(const TemporalMseGeometry& g, double beta, const Doubles& p,
                         const Doubles& y, const std::vector<std::uint8_t>& clip_starts);

}  // namespace afterglow::oracle
