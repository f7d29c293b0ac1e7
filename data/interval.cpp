#include "data/interval.hpp"

#include <cmath>
#include <cstddef>
#include <numbers>

namespace afterglow {
namespace {

/// P(|T| < sqrt(freedom) tan(angle)): finite sums (Abramowitz & Stegun, 26.7.3 and 26.7.4).
double inner_probability(int freedom, double angle) {
  const double sine = std::sin(angle), cosine = std::cos(angle);
  const bool odd = freedom % 2 == 1;
  double sum = 0;
  double term = odd ? cosine : 1;
  for (int power = odd ? 1 : 0; power <= freedom - 2; power += 2) {
    sum += term;
    term *= cosine * cosine * (power + 1) / (power + 2);
  }
  return odd ? 2 / std::numbers::pi * (angle + sine * sum) : sine * sum;
}

}  // namespace

double student_t_95(int freedom) {
  double low = 0, high = std::numbers::pi / 2;
  constexpr int kHalvings = 60;  // beyond a double's digits
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (inner_probability(freedom, middle) < 0.95 ? low : high) = middle;
  }
  return std::sqrt(freedom) * std::tan(low);
}

std::optional<MeanInterval> mean_interval(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  const auto n = static_cast<double>(values.size());
  MeanInterval interval{static_cast<int>(values.size()), 0, std::nullopt};
  for (const double value : values) interval.mean += value;
  interval.mean /= n;
  if (interval.n == 1) return interval;
  double squares = 0;
  for (const double value : values) squares += (value - interval.mean) * (value - interval.mean);
  interval.half_width = student_t_95(interval.n - 1) * std::sqrt(squares / (n - 1) / n);
  return interval;
}

}  // namespace afterglow
