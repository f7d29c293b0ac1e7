#include "data/colour_carrier.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.hpp"

namespace afterglow {
namespace {

constexpr int kWidth = 20, kHeight = 12;
constexpr std::size_t kPixels = std::size_t{kWidth} * kHeight;
constexpr double kFloat = 1e-5;  // of a few operations in float, relative

std::size_t at(int x, int y) { return std::size_t(y * kWidth + x); }

LightPlane plain_light(float value) {
  return {kWidth, kHeight, std::vector<float>(kPixels, value)};
}

Flow uniform(float u, float v) {
  Flow flow(kWidth, kHeight);
  for (std::size_t i = 0; i < kPixels; ++i) {
    flow.uv[2 * i] = u;
    flow.uv[2 * i + 1] = v;
  }
  return flow;
}

/// Colours that tell where they come from, all known.
CarriedColours places() {
  CarriedColours colours{std::vector<float>(2 * kPixels), std::vector<float>(kPixels, 1.0F)};
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      colours.ab[2 * at(x, y)] = static_cast<float>(x);
      colours.ab[2 * at(x, y) + 1] = static_cast<float>(-y);
    }
  }
  return colours;
}

TEST_CASE("colours go along the motion, between samples too, and not beyond the frame") {
  const LightPlane light = plain_light(40);
  const Flow motion = uniform(3.5F, -2), back = uniform(-3.5F, 2);
  const CarriedColours carried = carry(places(), {light, light, motion, back});
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      CAPTURE(x, y);
      const std::size_t i = at(x, y);
      if (x + 3.5 > kWidth - 0.5 || y - 2 < -0.5) {
        CHECK(carried.confidence[i] == 0);
        CHECK(carried.ab[2 * i] == 0);
      } else {
        CHECK(carried.confidence[i] == Approx(1).epsilon(kFloat));
        const double from = std::min(x + 3.5, double{kWidth - 1});  // edges are repeated
        CHECK(carried.ab[2 * i] == Approx(from).epsilon(kFloat));
        CHECK(carried.ab[2 * i + 1] == Approx(-(y - 2)).epsilon(kFloat));
      }
    }
  }
}

TEST_CASE("what changes its light or does not find back is known less") {
  const Flow still = uniform(0, 0);
  const CarriedColours darker = carry(places(), {plain_light(40), plain_light(31), still, still});
  CHECK(darker.confidence[at(7, 5)] == Approx(std::exp(-81.0 / 144)).epsilon(kFloat));
  const LightPlane light = plain_light(40);
  const Flow there = uniform(2, 1), elsewhere = uniform(-1, -1);
  const CarriedColours lost = carry(places(), {light, light, there, elsewhere});
  CHECK(lost.confidence[at(7, 5)] == Approx(std::exp(-1 / (0.5 + 0.02 * 5))).epsilon(kFloat));
}

TEST_CASE("colours count as much as they are known") {
  CarriedColours colours = places();
  colours.confidence[at(5, 5)] = 0.25F;
  colours.confidence[at(6, 5)] = 0.75F;
  colours.confidence[at(7, 5)] = 0;
  const LightPlane light = plain_light(40);
  const Flow half = uniform(0.5F, 0), back = uniform(-0.5F, 0);
  const CarriedColours carried = carry(colours, {light, light, half, back});
  CHECK(carried.ab[2 * at(5, 5)] == Approx((0.25 * 5 + 0.75 * 6) / 1.0).epsilon(kFloat));
  CHECK(carried.confidence[at(5, 5)] == Approx(0.5).epsilon(kFloat));
  CHECK(carried.ab[2 * at(6, 5)] == Approx(6).epsilon(kFloat));
  CHECK(carried.confidence[at(6, 5)] == Approx(0.375).epsilon(kFloat));
  CHECK_THROWS_AS(carry(colours, {light, light, Flow(3, 3), back}), ShapeError);
  colours.ab.pop_back();
  CHECK_THROWS_AS(carry(colours, {light, light, half, back}), ShapeError);
}

TEST_CASE("a grid gives back the colours that go with light and place") {
  // Dark is green and bright is orange; on the right half mid-gray is blue, on the left violet.
  LightPlane light{kWidth, kHeight, std::vector<float>(kPixels)};
  CarriedColours colours{std::vector<float>(2 * kPixels), std::vector<float>(kPixels, 1.0F)};
  const auto colour_of = [](int x, int y) -> std::array<float, 3> {
    if (y < 4) return {10, -30, 20};
    if (y < 8) return {90, 20, 40};
    return x < kWidth / 2 ? std::array<float, 3>{50, 40, -40} : std::array<float, 3>{50, 0, -50};
  };
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const auto [l, a, b] = colour_of(x, y);
      light.lightness[at(x, y)] = l;
      colours.ab[2 * at(x, y)] = a;
      colours.ab[2 * at(x, y) + 1] = b;
    }
  }
  ColourGrid grid;
  CHECK(grid.colours(light) == std::vector<float>(2 * kPixels));
  grid.add(light, colours);
  const std::vector<float> found = grid.colours(light);
  // CIE units: what neighbouring cells mix in, which are 5 L apart, and a quarter of the frame.
  constexpr double kBlurred = 2, kAcross = 4;
  for (const auto& [x, y] : {std::pair{3, 1}, {15, 1}, {3, 5}, {15, 5}, {1, 10}, {18, 10}}) {
    CAPTURE(x, y);
    const double tolerance = y < 8 ? kBlurred : kAcross;
    for (std::size_t c = 0; c < 2; ++c) {
      CHECK(found[2 * at(x, y) + c] == Approx(colours.ab[2 * at(x, y) + c]).margin(tolerance));
    }
  }
  // What is not known does not count.
  CarriedColours wrong = colours;
  std::fill(wrong.ab.begin(), wrong.ab.end(), 100.0F);
  std::fill(wrong.confidence.begin(), wrong.confidence.end(), 0.0F);
  grid.add(light, wrong);
  CHECK(grid.colours(light) == found);
  // Bright things in a place that has seen none: as bright things elsewhere.
  const std::vector<float> bright = grid.colours(plain_light(90));
  CHECK(bright[2 * at(10, 11)] == Approx(20).margin(kBlurred));
  CHECK(bright[2 * at(10, 11) + 1] == Approx(40).margin(kBlurred));
  CHECK_THROWS_AS(grid.colours({kWidth, kHeight, {}}), ShapeError);
}

}  // namespace
}  // namespace afterglow
