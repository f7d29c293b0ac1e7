#include "data/lab_picture.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/error.hpp"
#include "data/colour.hpp"
#include "data/names.hpp"
#include "data/resample.hpp"

namespace afterglow {
namespace {

double lightness_of(const std::uint8_t* rgb) { return rgb_to_lab(rgb[0], rgb[1], rgb[2])[0]; }

/// (height, width, 2) resized along x: (height, axis, 2).
std::vector<float> resize_across(std::span<const float> ab, int width, int height,
                                 const ResampleAxis& axis) {
  std::vector<float> result;
  result.reserve(std::size_t(height) * axis.taps.size() * 2);
  for (std::size_t y = 0; y < std::size_t(height); ++y) {
    for (const Taps& taps : axis.taps) {
      const float* from = ab.data() + (y * std::size_t(width) + std::size_t(taps.first)) * 2;
      double a = 0, b = 0;
      for (const std::uint32_t weight : taps.weights) {
        a += weight * double{from[0]};
        b += weight * double{from[1]};
        from += 2;
      }
      result.push_back(float(a / double(axis.sum)));
      result.push_back(float(b / double(axis.sum)));
    }
  }
  return result;
}

/// The gamma curve of sRGB, times 255, at 0 .. 1 in kSteps steps and one beyond.
constexpr int kGammaSteps = 4096;
const std::vector<float>& gamma_table() {
  static const std::vector<float> table = [] {
    std::vector<float> values;
    for (int i = 0; i <= kGammaSteps + 1; ++i) {
      const double linear = double(i) / kGammaSteps;
      values.push_back(float(
          255 * (linear > 0.0031308 ? 1.055 * std::pow(linear, 1 / 2.4) - 0.055 : 12.92 * linear)));
    }
    return values;
  }();
  return table;
}

float gamma_coded(const float* table, float linear) {
  const float positive = linear > 0 ? linear : 0;  // what is no number becomes 0
  const float place = std::min(positive, 1.0F) * kGammaSteps;
  const int step = int(place);
  return table[step] + (place - float(step)) * (table[step + 1] - table[step]);
}

/// min(value, 0), without a branch, which would keep the compiler from vectorising.
template <typename T>
T negative_part(T value) {
  return T(0.5) * (value - std::abs(value));
}

/// f^3 above 6/29 and its tangent below.
float inverse_lab(float f) {
  constexpr float kDelta = 6.0F / 29;
  const float below = negative_part(f - kDelta), above = f - below;
  return above * above * above + 3 * kDelta * kDelta * below;
}

constexpr std::size_t kLabBlock = 64;  // pixels that go through one loop after the other

using LightTable = std::array<double, 256>;

LightTable light_table(double weight) {
  LightTable table = linear_light();
  for (double& value : table) value *= weight;
  return table;
}

/// One of Halley's steps towards the cube root: of an error e, 2/3 e^3 remains.
double nearer_root(double root, double of) {
  const double cube = root * root * root;
  return root * (cube + 2 * of) / (2 * cube + of);
}

/// CIE L of Y, 0..1: the cube root above (6/29)^3 and its tangent below. The root starts from a
/// third of the exponent's bits, within 4 %, and ends within 1e-13; std::cbrt() takes ten times as
/// long.
double lightness_of_light(double light) {
  constexpr double kDelta = 6.0 / 29, kCube = kDelta * kDelta * kDelta;
  const double below = negative_part(light - kCube), above = light - below;
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(above));
  const double start = double{std::bit_cast<float>(bits / 3 + 0x2a5119f2)};
  const double root = nearer_root(nearer_root(start, above), above);
  return 116 * (root + below / (3 * kDelta * kDelta)) - 16;
}

/// R, G and B of at most kLabBlock pixels.
using RgbBlock = std::array<std::array<float, kLabBlock>, 3>;

/// Of CIE Lab.
void fill_rgb(std::span<const float> lightness, const float* ab, RgbBlock& rgb) {
  const float* const l = lightness.data();
  auto& [red, green, blue] = rgb;
  for (std::size_t i = 0; i < lightness.size(); ++i) {
    const float fy = (l[i] + 16) / 116;
    const float fz = fy - ab[2 * i + 1] / 200;  // what is below 0 becomes 0
    const float x = 0.95047F * inverse_lab(fy + ab[2 * i] / 500);
    const float y = inverse_lab(fy);
    const float z = 1.08883F * inverse_lab(fz - negative_part(fz));
    red[i] = 3.2404542F * x - 1.5371385F * y - 0.4985314F * z;
    green[i] = -0.9692660F * x + 1.8760108F * y + 0.0415560F * z;
    blue[i] = 0.0556434F * x - 0.2040259F * y + 1.0572252F * z;
  }
  const float* const table = gamma_table().data();
  for (auto& channel : rgb) {
    for (std::size_t i = 0; i < lightness.size(); ++i) channel[i] = gamma_coded(table, channel[i]);
  }
}

/// The lightness at which at most kLabBlock pixels have the luma that is wanted, found by secants,
/// and by halves where those leave what it may be or do not get there.
class LightnessSearch {
 public:
  /// lightness: where to begin; rgb: of the luma that is wanted.
  LightnessSearch(std::span<const float> lightness, const std::uint8_t* rgb,
                  const std::array<float, 3>& weights)
      : count_(lightness.size()), weights_(weights) {
    constexpr float kSlopeOfGray = 2.5F;  // 2 to 3.7
    std::copy(lightness.begin(), lightness.end(), now_.begin());
    for (std::size_t i = 0; i < count_; ++i) {
      wanted_[i] = luma(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]);
    }
    slope_.fill(kSlopeOfGray);
    most_.fill(100);
  }

  std::span<const float> lightness() const { return {now_.data(), count_}; }

  /// Takes the RGB that the lightness makes, and moves it; false: all is near enough.
  bool moves(const RgbBlock& rgb) {
    constexpr float kNear = 0.25F;   // of luma: the film's own is rounded to one
    constexpr float kStill = 0.02F;  // of L: a twentieth of one of luma
    constexpr int kSecants = 4;
    constexpr int kMostRounds = kSecants + 13;  // halving 100 of L that often ends below kStill
    int far = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const float made = luma(rgb[0][i], rgb[1][i], rgb[2][i]), error = wanted_[i] - made;
      const float now = now_[i], way = now - before_[i];
      least_[i] = error > 0 ? now : least_[i];
      most_[i] = error > 0 ? most_[i] : now;
      const bool known = rounds_ > 0 && std::abs(way) > kStill;
      slope_[i] = known ? (made - made_[i]) / way : slope_[i];
      const float next = now + error / slope_[i];
      const bool inside = next >= least_[i] && next <= most_[i] && rounds_ < kSecants;
      before_[i] = now;
      made_[i] = made;
      const bool near = std::abs(error) <= kNear;
      now_[i] = near ? now : inside ? next : (least_[i] + most_[i]) / 2;
      far |= int(!near) & int(most_[i] - least_[i] > kStill);
    }
    return far != 0 && ++rounds_ < kMostRounds;
  }

 private:
  float luma(float red, float green, float blue) const {
    return weights_[0] * red + weights_[1] * green + weights_[2] * blue;
  }

  std::size_t count_;
  std::array<float, 3> weights_;
  int rounds_ = 0;
  std::array<float, kLabBlock> now_, before_{}, made_{}, wanted_, slope_, least_{}, most_;
};

}  // namespace

std::vector<float> rgb_at_luma(const Picture& picture, std::span<const float> lightness,
                               std::span<const float> ab, const std::array<float, 3>& weights) {
  if (3 * lightness.size() != picture.rgb.size() || ab.size() != 2 * lightness.size()) {
    throw ShapeError("rgb_at_luma: " + std::to_string(lightness.size()) + " and " +
                     std::to_string(ab.size()) + " values are not lightness and colours of " +
                     size_text(picture.width, picture.height));
  }
  std::vector<float> rgb(picture.rgb.size());
  RgbBlock block;
  for (std::size_t begin = 0; begin < lightness.size(); begin += kLabBlock) {
    const std::size_t count = std::min(kLabBlock, lightness.size() - begin);
    LightnessSearch search(lightness.subspan(begin, count), picture.rgb.data() + 3 * begin,
                           weights);
    do {
      fill_rgb(search.lightness(), ab.data() + 2 * begin, block);
    } while (search.moves(block));
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t c = 0; c < 3; ++c) rgb[3 * (begin + i) + c] = block[c][i];
    }
  }
  return rgb;
}

std::vector<float> lightness(const Picture& picture) {
  // The weights of Y (IEC 61966-2-1), as in rgb_to_lab().
  static const std::array<LightTable, 3> tables{light_table(0.2126729), light_table(0.7151522),
                                                light_table(0.0721750)};
  std::vector<float> result(picture.rgb.size() / 3);
  std::array<double, kLabBlock> light;
  for (std::size_t begin = 0; begin < result.size(); begin += kLabBlock) {
    const std::size_t count = std::min(kLabBlock, result.size() - begin);
    const std::uint8_t* rgb = picture.rgb.data() + 3 * begin;
    for (std::size_t i = 0; i < count; ++i, rgb += 3) {
      light[i] = tables[0][rgb[0]] + tables[1][rgb[1]] + tables[2][rgb[2]];
    }
    for (std::size_t i = 0; i < count; ++i) result[begin + i] = float(lightness_of_light(light[i]));
  }
  return result;
}

Picture with_colours(const Picture& picture, std::span<const float> ab, int width, int height) {
  if (width < 1 || height < 1 || ab.size() != std::size_t(width) * std::size_t(height) * 2) {
    throw ShapeError("with_colours: " + std::to_string(ab.size()) + " values are not a and b of " +
                     size_text(width, height));
  }
  const ResampleAxis down = make_axis(height, picture.height);
  const std::vector<float> rows = resize_across(ab, width, height, make_axis(width, picture.width));
  const std::size_t row_size = std::size_t(picture.width) * 2;
  Picture result(picture.width, picture.height);
  std::vector<double> row(row_size);
  for (std::size_t y = 0; y < std::size_t(picture.height); ++y) {
    std::fill(row.begin(), row.end(), 0);
    const float* from = rows.data() + std::size_t(down.taps[y].first) * row_size;
    for (const std::uint32_t weight : down.taps[y].weights) {
      for (std::size_t i = 0; i < row_size; ++i) row[i] += weight * double{from[i]};
      from += row_size;
    }
    for (std::size_t x = 0; x < std::size_t(picture.width); ++x) {
      const std::size_t at = (y * std::size_t(picture.width) + x) * 3;
      const double l = lightness_of(picture.rgb.data() + at);
      const double yellowest = 200 * (l + 16) / 116;  // beyond it f(Z) is negative
      const Triple rgb = lab_to_rgb({l, row[2 * x] / double(down.sum),
                                     std::min(row[2 * x + 1] / double(down.sum), yellowest)});
      std::transform(rgb.begin(), rgb.end(), result.rgb.begin() + std::ptrdiff_t(at), to_byte);
    }
  }
  return result;
}

}  // namespace afterglow
