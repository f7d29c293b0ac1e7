#include "data/resample.hpp"

#include <algorithm>

namespace afterglow {
namespace {

/// Shrinking: output i covers [i * from, (i + 1) * from) in units of 1 / to source samples.
ResampleAxis area_axis(int from, int to) {
  ResampleAxis axis;
  axis.sum = std::uint64_t(from);
  for (std::int64_t i = 0; i < to; ++i) {
    const std::int64_t begin = i * from;
    const std::int64_t end = begin + from;
    Taps taps{int(begin / to), {}};
    for (std::int64_t sample = taps.first; sample * to < end; ++sample) {
      const std::int64_t overlap = std::min(end, (sample + 1) * to) - std::max(begin, sample * to);
      taps.weights.push_back(std::uint32_t(overlap));
    }
    axis.taps.push_back(std::move(taps));
  }
  return axis;
}

/// Growing: output i stands at (i + 1/2) from / to - 1/2, between two samples; edges repeat.
ResampleAxis bilinear_axis(int from, int to) {
  ResampleAxis axis;
  const std::int64_t unit = 2 * std::int64_t(to);
  axis.sum = std::uint64_t(unit);
  for (std::int64_t i = 0; i < to; ++i) {
    const std::int64_t position =
        std::clamp<std::int64_t>((2 * i + 1) * from - to, 0, std::int64_t(from - 1) * unit);
    const std::int64_t right = position % unit;
    Taps taps{int(position / unit), {std::uint32_t(unit - right)}};
    if (right > 0) taps.weights.push_back(std::uint32_t(right));
    axis.taps.push_back(std::move(taps));
  }
  return axis;
}

}  // namespace

ResampleAxis make_axis(int from, int to) {
  return to <= from ? area_axis(from, to) : bilinear_axis(from, to);
}

}  // namespace afterglow
