#include "data/lab_picture.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "data/colour.hpp"
#include "support/golden_values.hpp"

namespace afterglow {
namespace {

constexpr int kHeight = 24, kWidth = 16;

Picture ruled_picture() {
  Picture picture(kWidth, kHeight);
  const std::vector<double> values = golden_values("picture", kHeight * kWidth * 3);
  std::transform(values.begin(), values.end(), picture.rgb.begin(),
                 [](double value) { return static_cast<std::uint8_t>((value + 1) * 128); });
  return picture;
}

/// The same a and b everywhere.
std::vector<float> plain(float a, float b, int pixels) {
  std::vector<float> ab;
  for (int i = 0; i < pixels; ++i) ab.insert(ab.end(), {a, b});
  return ab;
}

}  // namespace

TEST_CASE("lightness and colours are those of scikit-image", "[golden]") {
  const hdf5::File golden = hdf5::File::open(std::string(AFTERGLOW_TEST_DATA) + "/lab.h5");
  const Picture picture = ruled_picture();
  // Its matrix and white point are given to fewer digits.
  constexpr double kDigits = 2e-3;
  constexpr int kLevels = 1;
  const std::vector<float> l = lightness(picture), l_there = golden.read<float>("lightness");
  REQUIRE(l.size() == l_there.size());
  for (std::size_t i = 0; i < l.size(); ++i) {
    REQUIRE(l[i] == Approx(l_there[i]).epsilon(0).margin(kDigits));
  }
  std::vector<float> ab;
  for (const double value : golden_values("ab", kHeight * kWidth * 2)) {
    ab.push_back(static_cast<float>(80 * value));
  }
  const Picture coloured = with_colours(picture, ab, kWidth, kHeight);
  const std::vector<std::uint8_t> there = golden.read<std::uint8_t>("coloured");
  REQUIRE(there.size() == coloured.rgb.size());
  for (std::size_t i = 0; i < there.size(); ++i) {
    CAPTURE(i);
    REQUIRE(std::abs(int{coloured.rgb[i]} - int{there[i]}) <= kLevels);
  }
}

TEST_CASE("lightness is CIE L in double, to float's last digit") {
  constexpr double kLastDigit = 4e-6;  // half a digit of float32 at 100
  Picture picture(86, 86 * 86);        // every third value of each channel
  std::size_t i = 0;
  for (int r = 0; r < 256; r += 3) {
    for (int g = 0; g < 256; g += 3) {
      for (int b = 0; b < 256; b += 3, i += 3) {
        picture.rgb[i] = static_cast<std::uint8_t>(r);
        picture.rgb[i + 1] = static_cast<std::uint8_t>(g);
        picture.rgb[i + 2] = static_cast<std::uint8_t>(b);
      }
    }
  }
  REQUIRE(i == picture.rgb.size());
  const std::vector<float> l = lightness(picture);
  double worst = 0;
  for (i = 0; i < l.size(); ++i) {
    const std::uint8_t* const rgb = picture.rgb.data() + 3 * i;
    const Triple exact = rgb_to_lab({double(rgb[0]), double(rgb[1]), double(rgb[2])});
    worst = std::max(worst, std::abs(double{l[i]} - exact[0]));
  }
  CHECK(worst < kLastDigit);
}

TEST_CASE("a picture's own colours give the picture again") {
  const Picture picture = ruled_picture();
  std::vector<float> ab;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const Triple lab = rgb_to_lab(picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]);
    ab.insert(ab.end(), {static_cast<float>(lab[1]), static_cast<float>(lab[2])});
  }
  CHECK(with_colours(picture, ab, kWidth, kHeight) == picture);
}

TEST_CASE("colours of another size are stretched over the picture") {
  const Picture picture = ruled_picture();
  const Picture whole = with_colours(picture, plain(12, -7, kWidth * kHeight), kWidth, kHeight);
  CHECK(with_colours(picture, plain(12, -7, 1), 1, 1) == whole);
  CHECK(with_colours(picture, plain(12, -7, 3 * 5), 3, 5) == whole);
  CHECK(with_colours(picture, plain(12, -7, 40 * 50), 40, 50) == whole);

  // Two columns of colours over four of pixels: a at 1/4, 3/4 of the way between the middles.
  const Picture gray = [] {
    Picture middle(4, 1);
    std::fill(middle.rgb.begin(), middle.rgb.end(), std::uint8_t{128});
    return middle;
  }();
  const Picture ramp = with_colours(gray, std::vector<float>{0, 0, 40, 0}, 2, 1);
  const double expected[] = {0, 10, 30, 40};
  constexpr double kRounding = 0.6;  // of a, when three channels are rounded to bytes
  for (std::size_t x = 0; x < 4; ++x) {
    const Triple lab = rgb_to_lab(ramp.rgb[3 * x], ramp.rgb[3 * x + 1], ramp.rgb[3 * x + 2]);
    CHECK(lab[1] == Approx(expected[x]).epsilon(0).margin(kRounding));
  }
  CHECK_THROWS_AS(with_colours(picture, plain(0, 0, 3), 2, 1), ShapeError);
}

namespace {

constexpr std::array<float, 3> kBt709{0.2126F, 0.7152F, 0.0722F};

double luma_of(const Triple& rgb) {
  return kBt709[0] * rgb[0] + kBt709[1] * rgb[1] + kBt709[2] * rgb[2];
}

Triple clamped(Triple rgb) {
  for (double& value : rgb) value = std::clamp(value, 0.0, 255.0);
  return rgb;
}

/// Clamped RGB of a, b at the lightness that has this luma, by bisection in double.
Triple coloured_gray(double luma, double a, double b) {
  double low = 0, high = 100;
  for (int i = 0; i < 60; ++i) {
    const double l = (low + high) / 2, yellowest = 200 * (l + 16) / 116;
    const Triple rgb = clamped(lab_to_rgb({l, a, std::min(b, yellowest)}));
    (luma_of(rgb) < luma ? low : high) = l;
  }
  return clamped(lab_to_rgb({high, a, std::min(b, 200 * (high + 16) / 116)}));
}

}  // namespace

TEST_CASE("colours on gray of their luma are the colours again, however vivid") {
  constexpr double kStep = 3.5;  // of blue: a quarter of one of luma
  for (int r = 0; r < 256; r += 51) {
    for (int g = 0; g < 256; g += 51) {
      for (int b = 0; b < 256; b += 51) {
        const Triple rgb{double(r), double(g), double(b)};
        const Triple lab = rgb_to_lab(rgb);
        Picture gray(1, 1);
        std::fill(gray.rgb.begin(), gray.rgb.end(), to_byte(luma_of(rgb)));
        const std::vector<float> made = rgb_at_luma(
            gray, lightness(gray), std::vector<float>{float(lab[1]), float(lab[2])}, kBt709);
        CAPTURE(r, g, b, made[0], made[1], made[2]);
        const Triple best = coloured_gray(gray.rgb[0], lab[1], lab[2]);
        for (std::size_t c = 0; c < 3; ++c) {
          CHECK(double{made[c]} == Approx(best[c]).epsilon(0).margin(kStep));
        }
      }
    }
  }
}

TEST_CASE("colours keep a picture's luma where sRGB has them, and are finite where not") {
  constexpr double kQuarterOfStep = 0.25;
  Picture picture(43, 17);  // more than one block of the loops, and no multiple of it
  std::vector<float> ab;
  const std::vector<double> values = golden_values("luma", 5 * 43 * 17);
  for (std::size_t i = 0; i < picture.rgb.size() / 3; ++i) {
    for (std::size_t c = 0; c < 3; ++c)
      picture.rgb[3 * i + c] = to_byte(128 + 127 * values[5 * i + c]);
    ab.insert(ab.end(), {float(90 * values[5 * i + 3]), float(90 * values[5 * i + 4])});
  }
  const std::vector<float> rgb = rgb_at_luma(picture, lightness(picture), ab, kBt709);
  int held = 0;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const double luma =
        luma_of({double(picture.rgb[i]), double(picture.rgb[i + 1]), double(picture.rgb[i + 2])});
    const double a = double{ab[i / 3 * 2]}, b = double{ab[i / 3 * 2 + 1]};
    const Triple best = coloured_gray(luma, a, b);
    CAPTURE(i / 3, luma, a, b);
    for (std::size_t c = 0; c < 3; ++c) {
      REQUIRE(rgb[i + c] >= 0);
      REQUIRE(rgb[i + c] <= 255);
    }
    if (std::abs(luma_of(best) - luma) > kQuarterOfStep / 10) continue;  // no lightness has it
    ++held;
    CHECK(luma_of({double{rgb[i]}, double{rgb[i + 1]}, double{rgb[i + 2]}}) ==
          Approx(luma).epsilon(0).margin(kQuarterOfStep));
  }
  CHECK(held > 600);

  CHECK_THROWS_AS(rgb_at_luma(picture, lightness(picture), std::vector<float>(5), kBt709),
                  ShapeError);
}

}  // namespace afterglow
