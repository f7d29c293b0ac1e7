#include "data/guided_colours.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "data/names.hpp"
#include "data/resample.hpp"

namespace afterglow {
namespace {

constexpr float kLumaNoise = 20, kColourNoise = 0.5F;              // variances that explain nothing
constexpr std::array<float, 3> kGuideWindow{0.21F, 0.58F, 0.21F};  // a Gaussian of sigma 0.7

/// One channel, row by row.
struct GuidePlane {
  int width = 0;
  int height = 0;
  std::vector<float> values;

  GuidePlane() = default;
  GuidePlane(int w, int h) : width(w), height(h), values(std::size_t(w) * std::size_t(h)) {}
  float* row(int y) { return values.data() + std::size_t(y) * std::size_t(width); }
  const float* row(int y) const { return values.data() + std::size_t(y) * std::size_t(width); }
};

/// Of each output sample: four source samples and their weights.
struct CubicTap {
  std::array<int, 4> at;
  std::array<float, 4> weight;
};

/// Keys's cubic convolution with a = -0.75; sample centres aligned, edges repeated.
std::vector<CubicTap> cubic_taps(int from, int to) {
  constexpr double kA = -0.75;
  const auto near = [](double x) { return ((kA + 2) * x - (kA + 3)) * x * x + 1; };
  const auto far = [](double x) { return ((kA * x - 5 * kA) * x + 8 * kA) * x - 4 * kA; };
  std::vector<CubicTap> taps;
  for (int i = 0; i < to; ++i) {
    const double place = (i + 0.5) * from / to - 0.5;
    const double whole = std::floor(place), share = place - whole;
    CubicTap tap{};
    const std::array<double, 4> weights{far(1 + share), near(share), near(1 - share),
                                        far(2 - share)};
    for (int k = 0; k < 4; ++k) {
      tap.at[std::size_t(k)] = std::clamp(static_cast<int>(whole) + k - 1, 0, from - 1);
      tap.weight[std::size_t(k)] = static_cast<float>(weights[std::size_t(k)]);
    }
    taps.push_back(tap);
  }
  return taps;
}

/// A plane enlarged along x alone.
GuidePlane widened(const GuidePlane& small, const std::vector<CubicTap>& across) {
  GuidePlane rows(static_cast<int>(across.size()), small.height);
  for (int y = 0; y < small.height; ++y) {
    const float* from = small.row(y);
    float* to = rows.row(y);
    for (const CubicTap& tap : across) {
      *to++ = tap.weight[0] * from[tap.at[0]] + tap.weight[1] * from[tap.at[1]] +
              tap.weight[2] * from[tap.at[2]] + tap.weight[3] * from[tap.at[3]];
    }
  }
  return rows;
}

/// One row between the rows of a widened plane.
void enlarge_row(const GuidePlane& wide, const CubicTap& tap, float* to) {
  const float *a = wide.row(tap.at[0]), *b = wide.row(tap.at[1]), *c = wide.row(tap.at[2]),
              *d = wide.row(tap.at[3]);
  for (int x = 0; x < wide.width; ++x) {
    to[x] =
        tap.weight[0] * a[x] + tap.weight[1] * b[x] + tap.weight[2] * c[x] + tap.weight[3] * d[x];
  }
}

/// Area means.
GuidePlane shrunk(const GuidePlane& large, int width, int height) {
  const ResampleAxis across = make_axis(large.width, width), down = make_axis(large.height, height);
  GuidePlane rows(large.width, height);
  for (int y = 0; y < height; ++y) {
    const Taps& taps = down.taps[std::size_t(y)];
    float* to = rows.row(y);
    for (std::size_t k = 0; k < taps.weights.size(); ++k) {
      const float weight = static_cast<float>(double(taps.weights[k]) / double(down.sum));
      const float* from = large.row(taps.first + int(k));
      for (int x = 0; x < large.width; ++x) to[x] += weight * from[x];
    }
  }
  GuidePlane result(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const Taps& taps = across.taps[std::size_t(x)];
      double sum = 0;
      for (std::size_t k = 0; k < taps.weights.size(); ++k) {
        sum += taps.weights[k] * double{rows.row(y)[taps.first + int(k)]};
      }
      result.row(y)[x] = static_cast<float>(sum / double(across.sum));
    }
  }
  return result;
}

/// Means under the window, edges repeated.
GuidePlane smoothed(const GuidePlane& plane) {
  GuidePlane rows(plane.width, plane.height), result(plane.width, plane.height);
  for (int y = 0; y < plane.height; ++y) {
    const float* from = plane.row(y);
    for (int x = 0; x < plane.width; ++x) {
      rows.row(y)[x] = kGuideWindow[0] * from[std::max(x - 1, 0)] + kGuideWindow[1] * from[x] +
                       kGuideWindow[2] * from[std::min(x + 1, plane.width - 1)];
    }
  }
  for (int y = 0; y < plane.height; ++y) {
    const float *above = rows.row(std::max(y - 1, 0)), *here = rows.row(y),
                *below = rows.row(std::min(y + 1, plane.height - 1));
    for (int x = 0; x < plane.width; ++x) {
      result.row(y)[x] =
          kGuideWindow[0] * above[x] + kGuideWindow[1] * here[x] + kGuideWindow[2] * below[x];
    }
  }
  return result;
}

GuidePlane product(const GuidePlane& a, const GuidePlane& b) {
  GuidePlane result(a.width, a.height);
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] = a.values[i] * b.values[i];
  }
  return result;
}

/// What one unit of lightness brings of the colour round each small pixel, as far as it explains
/// it.
GuidePlane slopes(const GuidePlane& lightness, const GuidePlane& colour) {
  const GuidePlane mean_l = smoothed(lightness), mean_c = smoothed(colour);
  const GuidePlane ll = smoothed(product(lightness, lightness));
  const GuidePlane lc = smoothed(product(lightness, colour));
  const GuidePlane cc = smoothed(product(colour, colour));
  GuidePlane result(colour.width, colour.height);
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    const float l = mean_l.values[i], c = mean_c.values[i];
    const float var_l = std::max(0.0F, ll.values[i] - l * l) + kLumaNoise;
    const float var_c = std::max(0.0F, cc.values[i] - c * c) + kColourNoise;
    const float cov = lc.values[i] - l * c;
    result.values[i] = cov / var_l * std::min(1.0F, cov * cov / (var_l * var_c));
  }
  return result;
}

/// a or b on its way.
struct GuideChannel {
  GuidePlane colour;      // small
  GuidePlane wide;        // it, or what is still missing of it, enlarged along x
  GuidePlane wide_slope;  // the slopes, enlarged along x
  GuidePlane large;
};

void require_size(const std::string& name, std::size_t values, int width, int height,
                  std::size_t channels) {
  if (width > 0 && height > 0 && values == std::size_t(width) * std::size_t(height) * channels) {
    return;
  }
  throw ShapeError("guided_colours: " + name + " has " + std::to_string(values) +
                   " values, which are not " + std::to_string(channels) + " of each pixel of " +
                   size_text(width, height));
}

}  // namespace

std::vector<float> guided_colours(const SmallColours& small, std::span<const float> lightness,
                                  int width, int height) {
  require_size("ab", small.ab.size(), small.width, small.height, 2);
  require_size("the small lightness", small.lightness.size(), small.width, small.height, 1);
  require_size("lightness", lightness.size(), width, height, 1);
  const std::vector<CubicTap> across = cubic_taps(small.width, width);
  const std::vector<CubicTap> down = cubic_taps(small.height, height);
  GuidePlane small_l(small.width, small.height);
  std::copy(small.lightness.begin(), small.lightness.end(), small_l.values.begin());
  const GuidePlane wide_l = widened(small_l, across);
  std::array<GuideChannel, 2> channels;
  for (std::size_t c = 0; c < 2; ++c) {
    GuidePlane colour(small.width, small.height);
    for (std::size_t i = 0; i < colour.values.size(); ++i) colour.values[i] = small.ab[2 * i + c];
    channels[c] = {colour, widened(colour, across), widened(slopes(small_l, colour), across),
                   GuidePlane(width, height)};
  }
  // Row by row, so that what is enlarged is used while it is in the cache.
  const auto pixels = static_cast<std::size_t>(width);
  std::vector<float> detail(pixels), slope(pixels);
  for (int y = 0; y < height; ++y) {
    const CubicTap& tap = down[std::size_t(y)];
    const float* const light = lightness.data() + std::size_t(y) * pixels;
    enlarge_row(wide_l, tap, detail.data());
    for (std::size_t x = 0; x < pixels; ++x) detail[x] = light[x] - detail[x];
    for (GuideChannel& channel : channels) {
      float* const large = channel.large.row(y);
      enlarge_row(channel.wide, tap, large);
      enlarge_row(channel.wide_slope, tap, slope.data());
      for (std::size_t x = 0; x < pixels; ++x) large[x] += slope[x] * detail[x];
    }
  }
  for (GuideChannel& channel : channels) {
    GuidePlane missing = shrunk(channel.large, small.width, small.height);
    for (std::size_t i = 0; i < missing.values.size(); ++i) {
      missing.values[i] = channel.colour.values[i] - missing.values[i];
    }
    channel.wide = widened(missing, across);
  }
  std::vector<float> result(lightness.size() * 2);
  std::vector<float> a(pixels), b(pixels);
  for (int y = 0; y < height; ++y) {
    const CubicTap& tap = down[std::size_t(y)];
    enlarge_row(channels[0].wide, tap, a.data());
    enlarge_row(channels[1].wide, tap, b.data());
    const float *large_a = channels[0].large.row(y), *large_b = channels[1].large.row(y);
    float* const to = result.data() + 2 * std::size_t(y) * pixels;
    for (std::size_t x = 0; x < pixels; ++x) {
      to[2 * x] = large_a[x] + a[x];
      to[2 * x + 1] = large_b[x] + b[x];
    }
  }
  return result;
}

}  // namespace afterglow
