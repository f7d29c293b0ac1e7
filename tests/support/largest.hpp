// Sizes of many values at once.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

namespace afterglow::test {

/// The largest absolute value, 0 of none.
inline double largest(const std::vector<float>& values) {
  double size = 0;
  for (const float value : values) size = std::max(size, std::abs(double{value}));
  return size;
}

/// The largest absolute difference of two equally long lists, all of whose differences must be
/// finite.
inline double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(double{a[i]} - double{b[i]});
    REQUIRE(std::isfinite(difference));
    size = std::max(size, difference);
  }
  return size;
}

}  // namespace afterglow::test
