// Central differences: what proves the gradients of an oracle.
#pragma once

#include <cstddef>
#include <vector>

namespace afterglow::oracle {

/// The slope of f (a function of a vector) along each of the values. Exact but for rounding where f
/// is linear or quadratic; else its error is step^2 / 6 times the third derivative.
template <typename F>
std::vector<double> slopes(std::vector<double> values, double step, F&& f) {
  std::vector<double> result;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double at = values[i];
    values[i] = at + step;
    const double above = f(values);
    values[i] = at - step;
    result.push_back((above - f(values)) / (2 * step));
    values[i] = at;
  }
  return result;
}

}  // namespace afterglow::oracle
