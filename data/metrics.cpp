#include "data/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>

#include "base/error.hpp"
#include "data/colour.hpp"

namespace afterglow {
namespace {

void check_sizes(const Picture& a, const Picture& b) {
  if (a.width == b.width && a.height == b.height && !a.rgb.empty()) return;
  throw ShapeError("metrics: a picture of " + std::to_string(a.width) + "x" +
                   std::to_string(a.height) + " beside one of " + std::to_string(b.width) + "x" +
                   std::to_string(b.height));
}

/// Takes the least-squares line off.
std::vector<double> detrended(const std::vector<double>& series) {
  const auto n = static_cast<double>(series.size());
  const double middle = (n - 1) / 2;
  double mean = 0, moment = 0, spread = 0;
  for (std::size_t t = 0; t < series.size(); ++t) {
    const double from_middle = static_cast<double>(t) - middle;
    mean += series[t] / n;
    moment += from_middle * series[t];
    spread += from_middle * from_middle;
  }
  const double slope = spread > 0 ? moment / spread : 0;
  std::vector<double> rest(series);
  for (std::size_t t = 0; t < rest.size(); ++t) {
    rest[t] -= mean + slope * (static_cast<double>(t) - middle);
  }
  return rest;
}

}  // namespace

double mean_squared_error(const Picture& a, const Picture& b) {
  check_sizes(a, b);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) {
    const int difference = int{a.rgb[i]} - int{b.rgb[i]};
    sum += difference * difference;
  }
  return static_cast<double>(sum) / static_cast<double>(a.rgb.size());
}

double psnr(const Picture& picture, const Picture& truth) {
  const double error = mean_squared_error(picture, truth);
  return error > 0 ? std::min(kLargestPsnr, 20 * std::log10(255 / std::sqrt(error))) : kLargestPsnr;
}

double pixel_match_percent(const Picture& picture, const Picture& truth) {
  check_sizes(picture, truth);
  std::int64_t equal = 0;
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) equal += picture.rgb[i] == truth.rgb[i];
  return 100 * static_cast<double>(equal) / static_cast<double>(picture.rgb.size());
}

double colorfulness(const Picture& picture) {
  // Twice rg and twice yb are integers: exact sums.
  std::int64_t rg_sum = 0, yb_sum = 0, rg_squares = 0, yb_squares = 0;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const int red = picture.rgb[i], green = picture.rgb[i + 1], blue = picture.rgb[i + 2];
    const int rg = 2 * (red - green);
    const int yb = red + green - 2 * blue;
    rg_sum += rg;
    yb_sum += yb;
    rg_squares += rg * rg;
    yb_squares += yb * yb;
  }
  const auto pixels = static_cast<double>(picture.rgb.size()) / 3;
  const double rg_mean = static_cast<double>(rg_sum) / (2 * pixels);
  const double yb_mean = static_cast<double>(yb_sum) / (2 * pixels);
  const double squares_of_means = rg_mean * rg_mean + yb_mean * yb_mean;
  const double variances =
      static_cast<double>(rg_squares + yb_squares) / (4 * pixels) - squares_of_means;
  return std::sqrt(std::max(0.0, variances)) + 0.3 * std::sqrt(squares_of_means);
}

LabChroma lab_chroma(const Picture& picture) {
  // Pictures repeat their colours, and Lab takes three cube roots: what was computed last is kept,
  // one colour a place.
  struct Known {
    std::uint32_t colour = ~0U;
    double a = 0, b = 0;
  };
  constexpr std::uint32_t kPlaceBits = 14;
  std::vector<Known> known(1U << kPlaceBits);
  LabChroma chroma{picture.width, picture.height, {}, {}};
  chroma.ab.reserve(picture.rgb.size() / 3 * 2);
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const std::uint8_t* const rgb = picture.rgb.data() + i;
    const std::uint32_t colour = rgb[0] << 16U | rgb[1] << 8U | rgb[2];
    Known& here = known[colour * 0x9E3779B1U >> (32 - kPlaceBits)];  // Fibonacci hashing
    if (here.colour != colour) {
      const Triple lab = rgb_to_lab(rgb[0], rgb[1], rgb[2]);
      here = {colour, lab[1], lab[2]};
    }
    chroma.ab.push_back(static_cast<float>(here.a));
    chroma.ab.push_back(static_cast<float>(here.b));
    chroma.mean[0] += here.a;
    chroma.mean[1] += here.b;
  }
  const auto pixels = static_cast<double>(picture.rgb.size()) / 3;
  for (double& mean : chroma.mean) mean /= pixels;
  return chroma;
}

std::optional<double> fast_power(const std::vector<double>& series, double fps) {
  const std::size_t n = series.size();
  const auto length = static_cast<double>(n);
  if (n < 2 || length < fps || fps <= 2 * kFlickerHertz) return std::nullopt;
  std::vector<double> cosine(n), sine(n);
  for (std::size_t t = 0; t < n; ++t) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(t) / length;
    cosine[t] = std::cos(angle);
    sine[t] = std::sin(angle);
  }
  std::vector<double> windowed = detrended(series);
  double window_squares = 0;
  for (std::size_t t = 0; t < n; ++t) {
    const double window = (1 - cosine[t]) / 2;
    windowed[t] *= window;
    window_squares += window * window;
  }
  double power = 0;
  for (std::size_t k = 1; 2 * k <= n; ++k) {
    if (static_cast<double>(k) * fps <= kFlickerHertz * length) continue;
    double real = 0, imaginary = 0;
    for (std::size_t t = 0, angle = 0; t < n; ++t, angle = (angle + k) % n) {
      real += windowed[t] * cosine[angle];
      imaginary -= windowed[t] * sine[angle];
    }
    power += (2 * k == n ? 1 : 2) * (real * real + imaginary * imaginary);
  }
  return power / (length * window_squares);
}

Picture halve_chroma(const Picture& picture) {
  Picture halved = picture;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const double gray = luma(picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]);
    for (std::size_t c = i; c < i + 3; ++c) halved.rgb[c] = to_byte((gray + picture.rgb[c]) / 2);
  }
  return halved;
}

}  // namespace afterglow
