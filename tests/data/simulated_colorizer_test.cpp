#include "data/simulated_colorizer.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "data/colour.hpp"
#include "data/synth.hpp"

namespace afterglow {
namespace {

// Each of R, G, B is rounded by at most one half, and so is their mean by the luma's weights.
constexpr double kRounding = 0.5 + 1e-9;

struct Chroma {
  double mean_cb = 0;
  double mean_cr = 0;
  double size = 0;  // mean distance from gray
};

Chroma chroma_of(const Picture& picture) {
  Chroma sum;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const Triple ycbcr = rgb_to_ycbcr(
        {double(picture.rgb[i]), double(picture.rgb[i + 1]), double(picture.rgb[i + 2])},
        {Matrix::kBt601, true, 8});
    sum.mean_cb += ycbcr[1] - 128;
    sum.mean_cr += ycbcr[2] - 128;
    sum.size += std::hypot(ycbcr[1] - 128, ycbcr[2] - 128);
  }
  const double pixels = static_cast<double>(picture.rgb.size()) / 3;
  return {sum.mean_cb / pixels, sum.mean_cr / pixels, sum.size / pixels};
}

}  // namespace

TEST_CASE("the simulated colorizer keeps luma") {
  const SynthClip clip(5, {3, 130, false});
  SimulatedColorizer colorizer(1);
  for (int t = 0; t < 3; ++t) {
    const Picture truth = clip.frame(t);
    const Picture result = colorizer.colorize(truth);
    double worst = 0;
    for (std::size_t i = 0; i < truth.rgb.size(); i += 3) {
      worst = std::max(worst, std::abs(luma(truth.rgb[i], truth.rgb[i + 1], truth.rgb[i + 2]) -
                                       luma(result.rgb[i], result.rgb[i + 1], result.rgb[i + 2])));
    }
    CHECK(worst <= kRounding);
    CHECK(result != truth);
  }
}

TEST_CASE("it flickers on a still film, mutes colours, and bleeds over edges") {
  const SynthClip clip(6, {1, 128, false});
  const Picture still = clip.frame(0);
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    CAPTURE(seed);
    SimulatedColorizer colorizer(seed);
    double step = 0;
    double size = 0;
    Chroma last = chroma_of(colorizer.colorize(still));
    constexpr int kFrames = 40;
    for (int t = 0; t < kFrames; ++t) {
      const Chroma now = chroma_of(colorizer.colorize(still));
      step += std::hypot(now.mean_cb - last.mean_cb, now.mean_cr - last.mean_cr) / kFrames;
      size += now.size / kFrames;
      last = now;
    }
    CHECK(step > 0.4);  // 0..255 units from frame to frame, averaged over the whole picture
    CHECK(step < 8);
    CHECK(size < chroma_of(still).size);
    CHECK(size > 0.2 * chroma_of(still).size);
  }
}

TEST_CASE("black and white carry no colour") {
  Picture picture(128, 128);
  std::fill(picture.rgb.begin(), picture.rgb.begin() + 128 * 64 * 3, std::uint8_t{255});
  SimulatedColorizer colorizer(2);
  CHECK(colorizer.colorize(picture) == picture);
}

TEST_CASE("the same seed gives the same film; sizes may not change") {
  const Picture picture = SynthClip(7, {1, 128, false}).frame(0);
  SimulatedColorizer a(3);
  SimulatedColorizer b(3);
  SimulatedColorizer c(4);
  CHECK(a.colorize(picture) == b.colorize(picture));
  const Picture second = a.colorize(picture);
  CHECK(second == b.colorize(picture));
  c.colorize(picture);
  CHECK(c.colorize(picture) != second);
  CHECK_THROWS_AS(a.colorize(Picture(128, 64)), ShapeError);
  CHECK(SimulatedColorizer::sha256().size() == 64);
}

TEST_CASE("pictures of any size can be coloured") {
  for (const int width : {1, 3, 5, 17}) {
    SimulatedColorizer colorizer(1);
    CHECK(colorizer.colorize(Picture(width, 2)).width == width);
  }
}

}  // namespace afterglow
