#include "data/carried_chroma.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.hpp"
#include "data/colour.hpp"

namespace afterglow {
namespace {

// A channel is rounded by half a level; Cb and Cr are differences of two, scaled by less than 1.
constexpr double kRounding = 1;

const YCbCrCoding kCoding{Matrix::kBt601, true, 8};

/// Luma and colours that do not clip: a pattern in the luma, one colour everywhere.
Picture coloured(int width, int height, double cb, double cr) {
  Picture picture(width, height);
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const Triple rgb = ycbcr_to_rgb({100 + double(i % 50), 128 + cb, 128 + cr}, kCoding);
    for (std::size_t c = 0; c < 3; ++c) picture.rgb[i + c] = to_byte(rgb[c]);
  }
  return picture;
}

Triple ycbcr_at(const Picture& picture, int x, int y) {
  const auto i = std::size_t(3 * (y * picture.width + x));
  return rgb_to_ycbcr(
      {double(picture.rgb[i]), double(picture.rgb[i + 1]), double(picture.rgb[i + 2])}, kCoding);
}

VisibleFlow still(int width, int height) {
  return visible_flow(Flow(width, height), Flow(width, height));
}

}  // namespace

TEST_CASE("carried chroma is an exponential average where the pixel was seen") {
  CarriedChroma carried;
  const VisibleFlow motion = still(6, 4);
  double cb = 20, cr = -10;
  CHECK(carried.push(coloured(6, 4, cb, cr), nullptr) == coloured(6, 4, cb, cr));
  for (const double own_cb : {-20.0, 25.0, 0.0, 30.0}) {
    const Picture own = coloured(6, 4, own_cb, 15);
    const Picture made = carried.push(own, &motion);
    cb = 0.95 * cb + 0.05 * own_cb;
    cr = 0.95 * cr + 0.05 * 15;
    for (int x = 0; x < 6; ++x) {
      CHECK(ycbcr_at(made, x, 2)[0] == Approx(ycbcr_at(own, x, 2)[0]).margin(kRounding));
      CHECK(ycbcr_at(made, x, 2)[1] - 128 == Approx(cb).margin(kRounding));
      CHECK(ycbcr_at(made, x, 2)[2] - 128 == Approx(cr).margin(kRounding));
    }
  }
}

TEST_CASE("carried chroma moves with the motion, and hidden pixels keep their own") {
  CarriedChroma carried;
  Picture first = coloured(8, 3, 0, 0);
  const Picture spot = coloured(8, 3, 30, -20);
  for (std::size_t c = 0; c < 3; ++c) first.rgb[3 * (8 + 2) + c] = spot.rgb[3 * (8 + 2) + c];
  carried.push(first, nullptr);
  // Everything went two pixels to the right.
  Flow back(8, 3), there(8, 3);
  for (std::size_t i = 0; i < back.uv.size(); i += 2) back.uv[i] = -2, there.uv[i] = 2;
  const VisibleFlow motion = visible_flow(back, there);
  const Picture own = coloured(8, 3, -10, 25);
  const Picture made = carried.push(own, &motion);
  CHECK(ycbcr_at(made, 4, 1)[1] - 128 == Approx(0.95 * 30 + 0.05 * -10).margin(kRounding));
  CHECK(ycbcr_at(made, 4, 1)[2] - 128 == Approx(0.95 * -20 + 0.05 * 25).margin(kRounding));
  CHECK(ycbcr_at(made, 5, 1)[1] - 128 == Approx(0.05 * -10).margin(kRounding));
  for (const int x : {0, 1}) {  // came into the picture
    CHECK(ycbcr_at(made, x, 1)[1] - 128 == Approx(-10).margin(kRounding));
    CHECK(ycbcr_at(made, x, 1)[2] - 128 == Approx(25).margin(kRounding));
  }
}

TEST_CASE("carried chroma is not taken from where the pixel was hidden") {
  CarriedChroma carried;
  VisibleFlow motion = still(4, 3);
  motion.visible[4 * 1 + 2] = 0;
  carried.push(coloured(4, 3, 30, 30), nullptr);
  const Picture made = carried.push(coloured(4, 3, -30, -30), &motion);
  CHECK(ycbcr_at(made, 2, 1)[1] - 128 == Approx(-30).margin(kRounding));
  CHECK(ycbcr_at(made, 1, 1)[1] - 128 == Approx(27).margin(kRounding));
}

TEST_CASE("a film of one picture stays as it is") {
  CarriedChroma carried;
  const VisibleFlow motion = still(5, 5);
  const Picture picture = coloured(5, 5, 14, -33);
  carried.push(picture, nullptr);
  for (int t = 0; t < 20; ++t) CHECK(carried.push(picture, &motion) == picture);
}

TEST_CASE("carried chroma refuses frames of another size") {
  CarriedChroma carried;
  const VisibleFlow motion = still(5, 4);
  CHECK_THROWS_AS(carried.push(Picture(5, 4), &motion), ShapeError);  // nothing to carry yet
  carried.push(Picture(5, 4), nullptr);
  CHECK_THROWS_AS(carried.push(Picture(4, 5), &motion), ShapeError);
}

}  // namespace afterglow
