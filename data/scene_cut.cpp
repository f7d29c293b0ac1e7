#include "data/scene_cut.hpp"

#include <algorithm>
#include <cmath>

#include "data/colour.hpp"

namespace afterglow {
namespace {

constexpr int kSide = 48;       // the small picture's width and height
constexpr int kBlock = 8;       // side of a block that is searched for
constexpr int kReach = 8;       // how far a block may have moved: a sixth of the picture
constexpr double kNoise = 4.0;  // variance (0..255 squared) taken for noise in flat pictures
// No block counts for more than this, in variances of the picture, so that something bright that
// comes into an even picture is no cut.
constexpr double kMost = 2.0;
// A cut's distance is at least kCut and kStandsOut times the usual one: the upper quartile of the
// last kMemory distances (films with doubled frames have many zeros).
constexpr double kCut = 0.2;
constexpr double kStandsOut = 3.0;
constexpr std::size_t kMemory = 12;

/// The luma of a picture at kSide x kSide, without its mean.
std::vector<float> small_luma(const Picture& picture) {
  const Picture small = resize_area(picture, kSide, kSide);
  std::vector<float> values(std::size_t{kSide} * kSide);
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] =
        static_cast<float>(luma(small.rgb[3 * i], small.rgb[3 * i + 1], small.rgb[3 * i + 2]));
    sum += values[i];
  }
  const auto mean = static_cast<float>(sum / static_cast<double>(values.size()));
  for (float& value : values) value -= mean;
  return values;
}

double variance(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += double{value} * value;
  return sum / static_cast<double>(values.size());
}

/// Squared difference of a block of `now` at (x, y) and of `last * gain` moved by (dx, dy), with
/// pixels outside taken from the border; stops once above `best`.
double block_difference(const std::vector<float>& now, const std::vector<float>& last, double gain,
                        int x, int y, int dx, int dy, double best) {
  double sum = 0;
  for (int v = y; v < y + kBlock && sum < best; ++v) {
    const int row = std::clamp(v + dy, 0, kSide - 1);
    for (int u = x; u < x + kBlock; ++u) {
      const int column = std::clamp(u + dx, 0, kSide - 1);
      const double difference = double{now[static_cast<std::size_t>(v * kSide + u)]} -
                                gain * double{last[static_cast<std::size_t>(row * kSide + column)]};
      sum += difference * difference;
    }
  }
  return sum;
}

/// The share of `now` that no moved block of `last` explains.
double unexplained(const std::vector<float>& now, const std::vector<float>& last) {
  const double now_variance = variance(now);
  const double gain = std::sqrt((now_variance + kNoise) / (variance(last) + kNoise));
  const double most = kMost * (now_variance + kNoise) * kBlock * kBlock;
  double sum = 0;
  for (int y = 0; y < kSide; y += kBlock) {
    for (int x = 0; x < kSide; x += kBlock) {
      double best = block_difference(now, last, gain, x, y, 0, 0, INFINITY);
      for (int dy = -kReach; dy <= kReach; ++dy) {
        for (int dx = -kReach; dx <= kReach; ++dx) {
          best = std::min(best, block_difference(now, last, gain, x, y, dx, dy, best));
        }
      }
      sum += std::min(best, most);
    }
  }
  return sum / (kSide * kSide) / (now_variance + kNoise);
}

}  // namespace

bool SceneCutDetector::push(const Picture& picture) {
  std::vector<float> now = small_luma(picture);
  distance_ = memory_.last.empty() ? 0 : unexplained(now, memory_.last);
  const bool first = memory_.last.empty();
  memory_.last = std::move(now);
  if (first) return false;
  std::vector<double> sorted(memory_.recent.begin(), memory_.recent.end());
  std::sort(sorted.begin(), sorted.end());
  const double usual = sorted.empty() ? 0 : sorted[sorted.size() * 3 / 4];
  const bool cut = distance_ > kCut && distance_ > kStandsOut * usual;
  if (cut) {
    memory_.recent.clear();
  } else {
    memory_.recent.push_back(distance_);
    if (memory_.recent.size() > kMemory) memory_.recent.pop_front();
  }
  return cut;
}

}  // namespace afterglow
