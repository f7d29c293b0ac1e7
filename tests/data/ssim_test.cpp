#include "data/ssim.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "support/golden_values.hpp"

namespace afterglow {
namespace {

enum class Kind { kNoise, kRamp, kFlat };

/// The cases of make_ssim_goldens.py.
struct SsimCase {
  int height, width;
  Kind kind;
  double strength;  // of the noise that makes the other picture
};
constexpr SsimCase kCases[] = {{11, 11, Kind::kNoise, 20},
                               {24, 17, Kind::kNoise, 60},
                               {24, 17, Kind::kRamp, 8},
                               {31, 40, Kind::kRamp, 100},
                               {13, 64, Kind::kFlat, 3}};

// Both add some thousand terms in double, in different order.
constexpr double kSameSum = 1e-11;

Picture ruled(const SsimCase& of) {
  Picture picture(of.width, of.height);
  const std::vector<double> noise =
      golden_values("picture", std::int64_t{of.height} * of.width * 3);
  std::size_t i = 0;
  for (int y = 0; y < of.height; ++y) {
    for (int x = 0; x < of.width; ++x) {
      for (int c = 0; c < 3; ++c, ++i) {
        const int ramp = (50 * c + (of.kind == Kind::kRamp ? 7 * x + 11 * y : 0)) % 256;
        picture.rgb[i] = of.kind == Kind::kNoise
                             ? static_cast<std::uint8_t>(std::floor((noise[i] + 1) * 128))
                             : static_cast<std::uint8_t>(ramp);
      }
    }
  }
  return picture;
}

Picture noisy(const Picture& picture, double strength) {
  Picture other = picture;
  const std::vector<double> noise =
      golden_values("noise", static_cast<std::int64_t>(picture.rgb.size()));
  for (std::size_t i = 0; i < noise.size(); ++i) {
    other.rgb[i] = static_cast<std::uint8_t>(
        std::clamp(std::floor(picture.rgb[i] + strength * noise[i]), 0.0, 255.0));
  }
  return other;
}

/// SSIM of two pictures of 11x11, which have one window, with a two-dimensional Gaussian and
/// variances from differences to the mean.
double written_out_ssim(const Picture& a, const Picture& b) {
  double sum = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    double weights = 0, ma = 0, mb = 0;
    const auto weight = [](int x, int y) { return std::exp(-(x * x + y * y) / (2 * 1.5 * 1.5)); };
    const auto over_window = [&](const auto& add) {
      for (int y = -5; y <= 5; ++y) {
        for (int x = -5; x <= 5; ++x) {
          const auto at = static_cast<std::size_t>(3 * ((y + 5) * 11 + x + 5)) + c;
          add(weight(x, y), double(a.rgb[at]), double(b.rgb[at]));
        }
      }
    };
    over_window([&](double w, double, double) { weights += w; });
    over_window([&](double w, double u, double v) { ma += w * u, mb += w * v; });
    ma /= weights, mb /= weights;
    double vaa = 0, vbb = 0, vab = 0;
    over_window([&](double w, double u, double v) {
      vaa += w * (u - ma) * (u - ma) / weights;
      vbb += w * (v - mb) * (v - mb) / weights;
      vab += w * (u - ma) * (v - mb) / weights;
    });
    const double c1 = 2.55 * 2.55, c2 = 7.65 * 7.65;
    sum += (2 * ma * mb + c1) * (2 * vab + c2) / ((ma * ma + mb * mb + c1) * (vaa + vbb + c2));
  }
  return sum / 3;
}

}  // namespace

TEST_CASE("SSIM is that of scikit-image over the valid region", "[golden]") {
  const std::vector<double> there =
      hdf5::File::open(std::string(AFTERGLOW_TEST_DATA) + "/ssim.h5").read<double>("ssim");
  REQUIRE(there.size() == std::size(kCases));
  for (std::size_t i = 0; i < there.size(); ++i) {
    CAPTURE(i);
    const Picture truth = ruled(kCases[i]);
    const Picture other = noisy(truth, kCases[i].strength);
    CHECK(ssim(other, truth).value() == Approx(there[i]).epsilon(kSameSum));
    CHECK(ssim(truth, other).value() == Approx(there[i]).epsilon(kSameSum));
  }
}

TEST_CASE("SSIM of one window is the written-out formula") {
  const Picture truth = ruled(kCases[0]);
  for (const double strength : {1.0, 30.0, 200.0}) {
    const Picture other = noisy(truth, strength);
    CHECK(ssim(other, truth).value() == Approx(written_out_ssim(other, truth)).epsilon(kSameSum));
  }
  Picture inverted = truth;
  for (auto& value : inverted.rgb) value = static_cast<std::uint8_t>(255 - value);
  CHECK(ssim(inverted, truth).value() < -0.5);
}

TEST_CASE("SSIM of equal pictures is exactly 1, and small or unequal ones have none") {
  const Picture truth = ruled(kCases[3]);
  CHECK(ssim(truth, truth).value() == 1);
  CHECK_FALSE(ssim(Picture(10, 40), Picture(10, 40)).has_value());
  CHECK_FALSE(ssim(Picture(40, 10), Picture(40, 10)).has_value());
  CHECK(ssim(Picture(11, 11), Picture(11, 11)).value() == 1);
  CHECK_THROWS_AS(ssim(Picture(12, 11), Picture(11, 12)), ShapeError);
}

}  // namespace afterglow
