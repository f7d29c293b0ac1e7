#include "data/steady_planes.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "data/colour.hpp"
#include "data/synth.hpp"

namespace afterglow {
namespace {

constexpr double kRounding = 1e-5;  // of float32, of values up to 2

}  // namespace

TEST_CASE("planes are CIE Lab in units of 50, at half the size") {
  SynthOptions options;
  options.frames = 2;
  options.size = 34;
  const SynthClip clip(2, options);
  const Picture light = clip.frame(0), colours = clip.frame(1);
  const SteadyPlanes planes = steady_planes(light, colours);
  REQUIRE(planes.width == 17);
  REQUIRE(planes.height == 17);
  for (const auto& [x, y] : {std::pair{0, 0}, {16, 3}, {8, 16}}) {
    const auto pixel = static_cast<std::size_t>(17 * y + x);
    double l = 0, a = 0, b = 0;
    for (int i = 0; i < 4; ++i) {
      const auto at = static_cast<std::size_t>(3 * ((2 * y + i / 2) * 34 + 2 * x + i % 2));
      const auto lab_of = [at](const Picture& picture) {
        return rgb_to_lab(
            {double(picture.rgb[at]), double(picture.rgb[at + 1]), double(picture.rgb[at + 2])});
      };
      const double here = lab_of(light)[0] / 50 - 1;
      CHECK(double{planes.luma[4 * pixel + std::size_t(i)]} == Approx(here).margin(kRounding));
      l += here / 4;
      a += lab_of(colours)[1] / 200;
      b += lab_of(colours)[2] / 200;
    }
    CHECK(double{planes.lightness[pixel]} == Approx(l).margin(kRounding));
    CHECK(double{planes.chroma[2 * pixel]} == Approx(a).margin(kRounding));
    CHECK(double{planes.chroma[2 * pixel + 1]} == Approx(b).margin(kRounding));
  }
}

TEST_CASE("planes of odd sizes, and of two sizes, are refused") {
  CHECK_THROWS_AS(steady_planes(Picture(33, 32), Picture(33, 32)), ShapeError);
  CHECK_THROWS_AS(steady_planes(Picture(32, 32), Picture(32, 34)), ShapeError);
  CHECK_THROWS_AS(halved_flow(Flow(32, 31)), ShapeError);
}

TEST_CASE("halved flow is half as long") {
  Flow flow(4, 2);
  for (std::size_t i = 0; i < flow.uv.size(); i += 2) {
    flow.uv[i] = i < 4 || (i >= 8 && i < 12) ? 2.0F : 6.0F;  // left half, right half
    flow.uv[i + 1] = -1;
  }
  const Flow half = halved_flow(flow);
  CHECK(half.uv == std::vector<float>{1, -0.5F, 3, -0.5F});
}

TEST_CASE("a steady network's size keeps a film's shape, in steps of 16") {
  const auto size_of = [](int width, int height) {
    const SteadySize size = steady_size(width, height);
    return std::pair{size.width, size.height};
  };
  CHECK(size_of(1920, 1080) == std::pair{256, 144});
  CHECK(size_of(854, 480) == std::pair{256, 144});
  CHECK(size_of(1080, 1920) == std::pair{144, 256});
  CHECK(size_of(176, 144) == std::pair{176, 144});
  CHECK(size_of(170, 100) == std::pair{176, 96});
  CHECK(size_of(1, 1) == std::pair{32, 32});
}

}  // namespace afterglow
