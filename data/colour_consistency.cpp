#include "data/colour_consistency.hpp"

#include <cmath>
#include <cstddef>

namespace afterglow {
namespace {

/// p ln(p / m), which goes to 0 with p.
double term(double p, double m) { return p > 0 ? p * std::log(p / m) : 0; }

double jensen_shannon(const std::array<double, 256>& p, const std::array<double, 256>& q) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double middle = (p[i] + q[i]) / 2;
    sum += term(p[i], middle) + term(q[i], middle);
  }
  return sum / 2;
}

}  // namespace

void ColourConsistency::push(const Picture& picture) {
  Histograms now{};
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) now[i % 3][picture.rgb[i]] += 1;
  const double pixels = static_cast<double>(picture.rgb.size()) / 3;
  for (auto& channel : now) {
    for (double& count : channel) count /= pixels;
  }
  for (std::size_t i = 0; i < kApart.size(); ++i) {
    if (last_.size() < kApart[i]) continue;
    const Histograms& then = last_[last_.size() - kApart[i]];
    for (std::size_t c = 0; c < 3; ++c) sums_[i] += jensen_shannon(then[c], now[c]) / 3;
    ++pairs_[i];
  }
  last_.push_back(now);
  if (last_.size() > kApart.back()) last_.pop_front();
}

std::optional<double> ColourConsistency::value() const {
  double sum = 0;
  for (std::size_t i = 0; i < kApart.size(); ++i) {
    if (pairs_[i] == 0) return std::nullopt;
    sum += sums_[i] / pairs_[i];
  }
  return sum / static_cast<double>(kApart.size());
}

}  // namespace afterglow
