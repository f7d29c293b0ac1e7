// One axis of a separable resize, shared by pictures and chroma planes.
#pragma once

#include <cstdint>
#include <vector>

namespace afterglow {

/// The weights with which source samples enter one output sample.
struct Taps {
  int first = 0;                       // source sample of the first weight
  std::vector<std::uint32_t> weights;  // integers, so that resizing 8-bit samples is exact
};

struct ResampleAxis {
  std::vector<Taps> taps;  // one per output sample
  std::uint64_t sum = 0;   // of every output sample's weights
};

/// Area (box) weights when to <= from: output i covers source samples i from/to .. (i + 1) from/to.
/// Bilinear when growing: output i stands at (i + 1/2) from/to - 1/2, edges repeat. from, to > 0.
ResampleAxis make_axis(int from, int to);

}  // namespace afterglow
