#include "data/ssim.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "base/error.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

constexpr double kSigma = 1.5;
constexpr double kC1 = (0.01 * 255) * (0.01 * 255);
constexpr double kC2 = (0.03 * 255) * (0.03 * 255);
constexpr std::size_t kWindow = kSsimWindow;
constexpr std::size_t kMaps = 5;  // x, y, x^2, y^2, xy

std::array<double, kWindow> gaussian() {
  std::array<double, kWindow> weights{};
  double sum = 0;
  for (std::size_t i = 0; i < kWindow; ++i) {
    const double from_middle = static_cast<double>(i) - (kSsimWindow - 1) / 2;
    weights[i] = std::exp(-from_middle * from_middle / (2 * kSigma * kSigma));
    sum += weights[i];
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

/// One channel's values, squares and products in row y: (kMaps, width).
void load_row(const Picture& a, const Picture& b, std::size_t y, std::size_t channel,
              std::vector<double>& maps) {
  const auto width = static_cast<std::size_t>(a.width);
  for (std::size_t x = 0; x < width; ++x) {
    const double u = a.rgb[3 * (y * width + x) + channel];
    const double v = b.rgb[3 * (y * width + x) + channel];
    maps[x] = u;
    maps[width + x] = v;
    maps[2 * width + x] = u * u;
    maps[3 * width + x] = v * v;
    maps[4 * width + x] = u * v;
  }
}

/// Sums the similarity over a row of windows. moments: (kMaps, columns).
double sum_of_row(const std::vector<double>& moments, std::size_t columns) {
  double sum = 0;
  for (std::size_t x = 0; x < columns; ++x) {
    const double u = moments[x], v = moments[columns + x];
    const double uu = moments[2 * columns + x] - u * u;
    const double vv = moments[3 * columns + x] - v * v;
    const double uv = moments[4 * columns + x] - u * v;
    sum += (2 * u * v + kC1) * (2 * uv + kC2) / ((u * u + v * v + kC1) * (uu + vv + kC2));
  }
  return sum;
}

/// The Gaussian is a product of one along x and one along y: each row is blurred along x once, and
/// the last kWindow of such rows lie in a ring.
double sum_of_channel(const Picture& a, const Picture& b, std::size_t channel) {
  static const std::array<double, kWindow> weights = gaussian();
  const auto width = static_cast<std::size_t>(a.width), height = static_cast<std::size_t>(a.height);
  const std::size_t columns = width - kWindow + 1, blurred = kMaps * columns;
  std::vector<double> maps(kMaps * width), ring(kWindow * blurred), moments(blurred);
  double sum = 0;
  for (std::size_t y = 0; y < height; ++y) {
    load_row(a, b, y, channel, maps);
    double* const newest = ring.data() + y % kWindow * blurred;
    std::fill_n(newest, blurred, 0.0);
    for (std::size_t map = 0; map < kMaps; ++map) {
      double* const to = newest + map * columns;
      for (std::size_t k = 0; k < kWindow; ++k) {
        const double* const from = maps.data() + map * width + k;
        for (std::size_t x = 0; x < columns; ++x) to[x] += weights[k] * from[x];
      }
    }
    if (y + 1 < kWindow) continue;
    std::fill(moments.begin(), moments.end(), 0.0);
    for (std::size_t k = 0; k < kWindow; ++k) {  // from the oldest row on
      const double* const from = ring.data() + (y + 1 + k) % kWindow * blurred;
      for (std::size_t i = 0; i < blurred; ++i) moments[i] += weights[k] * from[i];
    }
    sum += sum_of_row(moments, columns);
  }
  return sum;
}

}  // namespace

std::optional<double> ssim(const Picture& picture, const Picture& truth) {
  if (picture.width != truth.width || picture.height != truth.height) {
    throw ShapeError("ssim: a picture of " + size_text(picture.width, picture.height) +
                     " beside one of " + size_text(truth.width, truth.height));
  }
  if (picture.width < kSsimWindow || picture.height < kSsimWindow) return std::nullopt;
  double sum = 0;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    sum += sum_of_channel(picture, truth, channel);
  }
  const double windows =
      double(picture.width - kSsimWindow + 1) * double(picture.height - kSsimWindow + 1);
  return sum / (3 * windows);
}

}  // namespace afterglow
