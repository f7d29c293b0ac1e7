#include "data/lab_picture.hpp"

#include <algorithm>
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

}  // namespace afterglow
