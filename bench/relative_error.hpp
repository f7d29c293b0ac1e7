// How far a result is from an oracle's.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace afterglow::bench {

/// Largest difference over the largest reference value; infinity when a difference is not finite or
/// the sizes differ.
inline double relative_error(const std::vector<double>& result,
                             const std::vector<double>& reference) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (result.size() != reference.size()) return kInfinity;
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double error = std::abs(result[i] - reference[i]);
    if (!std::isfinite(error)) return kInfinity;
    worst = std::max(worst, error);
    largest = std::max(largest, std::abs(reference[i]));
  }
  return worst > 0 ? worst / largest : 0;
}

}  // namespace afterglow::bench
