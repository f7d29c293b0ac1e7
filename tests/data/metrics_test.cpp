#include "data/metrics.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <complex>
#include <numbers>

#include "base/error.hpp"
#include "base/random.hpp"
#include "data/colour.hpp"
#include "support/flat_picture.hpp"

namespace afterglow {
namespace {

using test::flat;

// Everything is computed in double from integers of at most 18 bits.
constexpr double kExact = 1e-12;

Picture noise(int width, int height, Rng& rng) {
  Picture picture(width, height);
  for (auto& value : picture.rgb) value = static_cast<std::uint8_t>(rng.below(256));
  return picture;
}

std::vector<double> sine(double hertz, double amplitude, int n, double fps) {
  std::vector<double> series;
  for (int t = 0; t < n; ++t) {
    series.push_back(amplitude * std::sin(2 * std::numbers::pi * hertz * t / fps));
  }
  return series;
}

/// The definition of fast_power in another way: the fast part of the windowed series is brought
/// back by an inverse transform, and its mean square is taken.
double written_out_fast_power(const std::vector<double>& series, double fps) {
  const std::size_t n = series.size();
  const auto count = static_cast<double>(n);
  // The least-squares line by its normal equations.
  double st = 0, stt = 0, sy = 0, sty = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto t = static_cast<double>(i);
    st += t, stt += t * t, sy += series[i], sty += t * series[i];
  }
  const double slope = (count * sty - st * sy) / (count * stt - st * st);
  const double start = (sy - slope * st) / count;
  std::vector<double> x(n);
  double window_squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto t = static_cast<double>(i);
    const double window = std::pow(std::sin(std::numbers::pi * t / count), 2);
    x[i] = (series[i] - start - slope * t) * window;
    window_squares += window * window;
  }
  std::vector<std::complex<double>> spectrum(n);
  for (std::size_t k = 0; k < n; ++k) {
    const double hertz = static_cast<double>(std::min(k, n - k)) * fps / count;
    if (hertz <= 2) continue;
    for (std::size_t t = 0; t < n; ++t) {
      spectrum[k] +=
          x[t] * std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k * t) / count);
    }
  }
  double power = 0;
  for (std::size_t t = 0; t < n; ++t) {
    std::complex<double> value = 0;
    for (std::size_t k = 0; k < n; ++k) {
      value += spectrum[k] *
               std::polar(1.0 / count, 2 * std::numbers::pi * static_cast<double>(k * t) / count);
    }
    power += std::norm(value);
  }
  return power / window_squares;
}

TEST_CASE("PSNR of a constant offset is 20 log10(255 / offset)") {
  CHECK(psnr(flat(5, 3, 110, 110, 110), flat(5, 3, 100, 100, 100)) ==
        Approx(20 * std::log10(25.5)).epsilon(kExact));
  // Black beside white, darker and brighter: nothing wraps.
  CHECK(psnr(flat(2, 2, 0, 0, 0), flat(2, 2, 255, 255, 255)) == Approx(0).margin(kExact));
  CHECK(psnr(flat(2, 2, 3, 3, 3), flat(2, 2, 4, 4, 4)) ==
        Approx(psnr(flat(2, 2, 4, 4, 4), flat(2, 2, 3, 3, 3))).epsilon(kExact));
}

TEST_CASE("PSNR of equal pictures, and of nearly equal ones, is capped at 100 dB") {
  CHECK(psnr(flat(4, 4, 9, 8, 7), flat(4, 4, 9, 8, 7)) == 100);
  Picture large = flat(2048, 2048, 50, 50, 50);
  const Picture truth = large;
  large.rgb[77] += 1;  // MSE 1 / 12582912: 119 dB without a cap
  CHECK(psnr(large, truth) == 100);
}

TEST_CASE("mean squared error and pixel match of a small case by hand") {
  Picture a(2, 1), b(2, 1);
  a.rgb = {0, 10, 20, 30, 40, 50};
  b.rgb = {0, 10, 23, 30, 44, 255};
  CHECK(mean_squared_error(a, b) == Approx((9 + 16 + 205 * 205) / 6.0).epsilon(kExact));
  CHECK(pixel_match_percent(a, b) == Approx(50).epsilon(kExact));
}

TEST_CASE("metrics refuse pictures of different sizes") {
  CHECK_THROWS_AS(psnr(Picture(2, 3), Picture(3, 2)), ShapeError);
  CHECK_THROWS_AS(pixel_match_percent(Picture(2, 3), Picture(2, 2)), ShapeError);
}

TEST_CASE("colourfulness is Hasler and Suesstrunk's, with signed differences") {
  CHECK(colorfulness(flat(3, 3, 70, 70, 70)) == Approx(0).margin(kExact));
  // One colour: no variance; rg = 100 - 40, yb = 70 - 10.
  CHECK(colorfulness(flat(2, 2, 100, 40, 10)) == Approx(0.3 * std::hypot(60, 60)).epsilon(kExact));
  // Red beside green: rg = +200 and -200 (mean 0, deviation 200), yb = 100 twice. With absolute
  // values the deviation would be 0.
  Picture opposite(2, 1);
  opposite.rgb = {200, 0, 0, 0, 200, 0};
  CHECK(colorfulness(opposite) == Approx(200 + 0.3 * 100).epsilon(kExact));

  Rng rng(5);
  const Picture picture = noise(13, 7, rng);
  double rg_mean = 0, yb_mean = 0, variance = 0;
  const double pixels = 13 * 7;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    rg_mean += (picture.rgb[i] - double(picture.rgb[i + 1])) / pixels;
    yb_mean += ((double(picture.rgb[i]) + picture.rgb[i + 1]) / 2 - picture.rgb[i + 2]) / pixels;
  }
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const double rg = picture.rgb[i] - double(picture.rgb[i + 1]) - rg_mean;
    const double yb =
        (double(picture.rgb[i]) + picture.rgb[i + 1]) / 2 - picture.rgb[i + 2] - yb_mean;
    variance += (rg * rg + yb * yb) / pixels;
  }
  CHECK(colorfulness(picture) ==
        Approx(std::sqrt(variance) + 0.3 * std::hypot(rg_mean, yb_mean)).epsilon(1e-11));
}

TEST_CASE("a and b of one colour are its Lab values, and so is their mean") {
  // sRGB red under D65: L 53.24, a 80.09, b 67.20 (to the digits usually printed).
  const LabChroma red = lab_chroma(flat(3, 2, 255, 0, 0));
  CHECK(red.width == 3);
  CHECK(red.height == 2);
  REQUIRE(red.ab.size() == 3 * 2 * 2);
  for (std::size_t i = 0; i < red.ab.size(); i += 2) {
    CHECK(red.ab[i] == Approx(80.09).margin(0.02));
    CHECK(red.ab[i + 1] == Approx(67.20).margin(0.02));
  }
  CHECK(red.mean[0] == Approx(80.09).margin(0.02));
  CHECK(red.mean[1] == Approx(67.20).margin(0.02));
  const auto gray = lab_chroma(flat(3, 2, 99, 99, 99)).mean;
  CHECK(std::abs(gray[0]) < 0.02);  // the printed white point is rounded to five digits
  CHECK(std::abs(gray[1]) < 0.02);
}

TEST_CASE("a and b are each pixel's own, however many colours there are") {
  Rng rng(12);
  const Picture picture = noise(150, 200, rng);
  const LabChroma chroma = lab_chroma(picture);
  double a = 0, b = 0;
  bool same = true;
  for (std::size_t i = 0; i < picture.rgb.size() / 3; ++i) {
    const std::uint8_t* const rgb = picture.rgb.data() + 3 * i;
    const Triple lab = rgb_to_lab(rgb[0], rgb[1], rgb[2]);
    same = same && chroma.ab[2 * i] == static_cast<float>(lab[1]) &&
           chroma.ab[2 * i + 1] == static_cast<float>(lab[2]);
    a += lab[1];
    b += lab[2];
  }
  CHECK(same);
  CHECK(chroma.mean[0] == Approx(a / (150 * 200)).epsilon(kExact));
  CHECK(chroma.mean[1] == Approx(b / (150 * 200)).epsilon(kExact));
}

TEST_CASE("fast power of a 3 Hz sine is half its squared amplitude, of a 1 Hz sine nothing") {
  const double fps = 30;
  const int n = 120;  // 4 s: the window's main lobe reaches 0.5 Hz to either side
  const double amplitude = 4;
  // Detrending a sine of whole periods takes some slow power from it and spreads a little.
  CHECK(fast_power(sine(3, amplitude, n, fps), fps).value() ==
        Approx(amplitude * amplitude / 2).epsilon(0.01));
  CHECK(fast_power(sine(1, amplitude, n, fps), fps).value() < 1e-3);
  CHECK(fast_power(sine(14, amplitude, n, fps), fps).value() ==
        Approx(amplitude * amplitude / 2).epsilon(0.01));
}

TEST_CASE("fast power sees neither level nor steady drift") {
  std::vector<double> series = sine(5, 1, 90, 30);
  const double before = fast_power(series, 30).value();
  for (std::size_t t = 0; t < series.size(); ++t) series[t] += 40 - 0.7 * static_cast<double>(t);
  CHECK(fast_power(series, 30).value() == Approx(before).epsilon(1e-9));
  CHECK(fast_power(std::vector<double>(90, 17.0), 30).value() == Approx(0).margin(1e-20));
}

TEST_CASE("fast power equals the mean square of the fast part brought back in time") {
  const int n = GENERATE(30, 31, 60, 77);
  const double fps = GENERATE(25.0, 29.97, 10.0);
  CAPTURE(n, fps);
  Rng rng(11);
  std::vector<double> series;
  for (int t = 0; t < n; ++t) series.push_back(3 * rng.normal() + 0.1 * t);
  CHECK(fast_power(series, fps).value() ==
        Approx(written_out_fast_power(series, fps)).epsilon(1e-9));
}

TEST_CASE("fast power has no value for too short or too slow a series") {
  CHECK_FALSE(fast_power(sine(3, 1, 29, 30), 30).has_value());
  CHECK(fast_power(sine(3, 1, 30, 30), 30).has_value());
  CHECK_FALSE(fast_power(sine(1, 1, 100, 4), 4).has_value());
  CHECK_FALSE(fast_power({}, 30).has_value());
  CHECK_FALSE(fast_power({1.0}, 5).has_value());
}

TEST_CASE("halved chroma keeps luma and halves Cb and Cr") {
  Rng rng(3);
  const Picture picture = noise(9, 9, rng);
  const Picture halved = halve_chroma(picture);
  const YCbCrCoding coding{Matrix::kBt601, true, 8};
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const auto triple = [i](const Picture& p) {
      return Triple{double(p.rgb[i]), double(p.rgb[i + 1]), double(p.rgb[i + 2])};
    };
    const Triple before = rgb_to_ycbcr(triple(picture), coding);
    const Triple after = rgb_to_ycbcr(triple(halved), coding);
    // RGB is rounded by up to 0.5 a channel.
    CHECK(after[0] == Approx(before[0]).margin(0.51));
    CHECK(after[1] - 128 == Approx((before[1] - 128) / 2).margin(0.76));
    CHECK(after[2] - 128 == Approx((before[2] - 128) / 2).margin(0.76));
  }
}

}  // namespace
}  // namespace afterglow
