#include "data/ssim.hpp"

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
    const double from_middle = static_cast<double>(i) - 0.5 * (kSsimWindow - 1);
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

using WindowTaps = std::array<const double*, kWindow>;

/// to[i] = sum of weights[k] taps[k][i], count values. The loop over k is short and constant, so
/// that it is unrolled and the one over i runs on vectors.
void blur_window(const WindowTaps& taps, const std::array<double, kWindow>& weights,
                 double* __restrict to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < kWindow; ++k) sum += weights[k] * taps[k][i];
    to[i] = sum;
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
    for (std::size_t map = 0; map < kMaps; ++map) {
      WindowTaps along_x;
      for (std::size_t k = 0; k < kWindow; ++k) along_x[k] = maps.data() + map * width + k;
      blur_window(along_x, weights, newest + map * columns, columns);
    }
    if (y + 1 < kWindow) continue;
    WindowTaps along_y;  // from the oldest row on
    for (std::size_t k = 0; k < kWindow; ++k) {
      along_y[k] = ring.data() + (y + 1 + k) % kWindow * blurred;
    }
    blur_window(along_y, weights, moments.data(), blurred);
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
  if (picture == truth) return 1;  // as the formula gives, in a moment
  double sum = 0;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    sum += sum_of_channel(picture, truth, channel);
  }
  const double windows =
      double(picture.width - kSsimWindow + 1) * double(picture.height - kSsimWindow + 1);
  return sum / (3 * windows);
}

}  // namespace afterglow
