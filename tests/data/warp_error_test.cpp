#include "data/warp_error.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "base/random.hpp"
#include "data/colour.hpp"
#include "data/optical_flow.hpp"
#include "data/synth.hpp"

namespace afterglow {
namespace {

constexpr double kExact = 1e-12;  // in double
constexpr double kFloat = 1e-6;   // of what is stored as float

Picture random_picture(int width, int height, std::uint64_t seed) {
  Rng rng(seed);
  Picture picture(width, height);
  for (auto& value : picture.rgb) value = static_cast<std::uint8_t>(rng.below(256));
  return picture;
}

Flow uniform(int width, int height, float u, float v) {
  Flow flow(width, height);
  for (std::size_t i = 0; i < flow.uv.size(); i += 2) {
    flow.uv[i] = u;
    flow.uv[i + 1] = v;
  }
  return flow;
}

std::size_t at(const Flow& flow, int x, int y) {
  return std::size_t(y) * std::size_t(flow.width) + std::size_t(x);
}

void set(Flow& flow, int x, int y, float u, float v) {
  flow.uv[2 * at(flow, x, y)] = u;
  flow.uv[2 * at(flow, x, y) + 1] = v;
}

/// The picture moved right and down by whole pixels; what comes in is noise of its own.
Picture moved(const Picture& picture, int right, int down, std::uint64_t seed) {
  Picture next = random_picture(picture.width, picture.height, seed);
  for (int y = 0; y + down < picture.height; ++y) {
    for (int x = 0; x + right < picture.width; ++x) {
      const auto from = std::size_t(3 * (y * picture.width + x));
      const auto to = std::size_t(3 * ((y + down) * picture.width + x + right));
      for (std::size_t c = 0; c < 3; ++c) next.rgb[to + c] = picture.rgb[from + c];
    }
  }
  return next;
}

int count_visible(const VisibleFlow& motion) {
  int count = 0;
  for (const auto seen : motion.visible) count += seen;
  return count;
}

/// Both rules and the error once more, from REFERENCE's words, with another way to interpolate.
std::optional<double> written_out_error(const Picture& now, const Picture& next, const Flow& there,
                                        const Flow& back) {
  const int width = now.width, height = now.height;
  const auto mixed = [&](const auto& value, double x, double y) {
    const double left = std::floor(x), top = std::floor(y);
    double sum = 0;
    for (int dy = 0; dy <= 1; ++dy) {
      for (int dx = 0; dx <= 1; ++dx) {
        const double share = (1 - std::abs(x - left - dx)) * (1 - std::abs(y - top - dy));
        if (share > 0) sum += share * value(int(left) + dx, int(top) + dy);
      }
    }
    return sum;
  };
  const auto u = [&](int x, int y) { return double(there.uv[2 * at(there, x, y)]); };
  const auto v = [&](int x, int y) { return double(there.uv[2 * at(there, x, y) + 1]); };
  double sum = 0;
  int count = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double gx = x + u(x, y), gy = y + v(x, y);
      if (gx < 0 || gy < 0 || gx > width - 1 || gy > height - 1) continue;
      const double ru = mixed([&](int i, int j) { return back.uv[2 * at(back, i, j)]; }, gx, gy);
      const double rv =
          mixed([&](int i, int j) { return back.uv[2 * at(back, i, j) + 1]; }, gx, gy);
      const double forth = u(x, y) * u(x, y) + v(x, y) * v(x, y);
      if (std::pow(u(x, y) + ru, 2) + std::pow(v(x, y) + rv, 2) >
          0.01 * (forth + ru * ru + rv * rv) + 0.5) {
        continue;
      }
      double gradient = 0;
      if (x + 1 < width) {
        gradient += std::pow(u(x + 1, y) - u(x, y), 2) + std::pow(v(x + 1, y) - v(x, y), 2);
      }
      if (y + 1 < height) {
        gradient += std::pow(u(x, y + 1) - u(x, y), 2) + std::pow(v(x, y + 1) - v(x, y), 2);
      }
      if (gradient > 0.01 * forth + 0.002) continue;
      for (int c = 0; c < 3; ++c) {
        const auto channel = [&](const Picture& picture, int i, int j) {
          return picture.rgb[std::size_t(3 * (j * width + i) + c)] / 255.0;
        };
        const double there_value = mixed([&](int i, int j) { return channel(next, i, j); }, gx, gy);
        sum += std::pow(channel(now, x, y) - there_value, 2);
      }
      ++count;
    }
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

}  // namespace

TEST_CASE("a moved picture has no warp error, and its border that left is not looked at") {
  const auto [right, down] = GENERATE(table<int, int>({{3, 0}, {0, 2}, {4, 5}, {0, 0}}));
  CAPTURE(right, down);
  const Picture now = random_picture(20, 15, 1);
  const Picture next = moved(now, right, down, 2);
  const VisibleFlow motion = visible_flow(uniform(20, 15, float(right), float(down)),
                                          uniform(20, 15, float(-right), float(-down)));
  CHECK(count_visible(motion) == (20 - right) * (15 - down));
  CHECK(warp_error(now, next, motion).value() == 0);
  CHECK(warp_error(lab_chroma(now), lab_chroma(next), motion).value() == 0);
  // Seen the other way, what came in is hidden.
  const VisibleFlow back = visible_flow(uniform(20, 15, float(-right), float(-down)),
                                        uniform(20, 15, float(right), float(down)));
  CHECK(count_visible(back) == (20 - right) * (15 - down));
  CHECK(warp_error(next, now, back).value() == 0);
}

TEST_CASE("a known error gives a known number") {
  Picture now(8, 6), next(8, 6);
  for (std::size_t i = 0; i < now.rgb.size(); i += 3) {
    now.rgb[i] = 100, now.rgb[i + 1] = 50, now.rgb[i + 2] = 200;
    next.rgb[i] = 103, next.rgb[i + 1] = 46, next.rgb[i + 2] = 212;
  }
  const VisibleFlow motion = visible_flow(uniform(8, 6, 1.25F, -0.5F), uniform(8, 6, -1.25F, 0.5F));
  CHECK(warp_error(now, next, motion).value() ==
        Approx((9 + 16 + 144) / (255.0 * 255)).epsilon(kExact));
  const Triple before = rgb_to_lab(Triple{100, 50, 200}), after = rgb_to_lab(Triple{103, 46, 212});
  const double a = (before[1] - after[1]) / 110, b = (before[2] - after[2]) / 110;
  CHECK(warp_error(lab_chroma(now), lab_chroma(next), motion).value() ==
        Approx(a * a + b * b).epsilon(20 * kFloat));  // a difference of a tenth of the values
}

TEST_CASE("fractional flow samples between pixels") {
  Picture now(4, 1), next(4, 1);
  for (std::size_t x = 0; x < 4; ++x) {
    for (std::size_t c = 0; c < 3; ++c) {
      now.rgb[3 * x + c] = static_cast<std::uint8_t>(10 + 40 * x);
      next.rgb[3 * x + c] = static_cast<std::uint8_t>(40 * x);
    }
  }
  // A quarter to the right is where the ramp has the same value; the last pixel leaves.
  const VisibleFlow motion = visible_flow(uniform(4, 1, 0.25F, 0), uniform(4, 1, -0.25F, 0));
  CHECK(motion.visible == std::vector<std::uint8_t>{1, 1, 1, 0});
  CHECK(warp_error(now, next, motion).value() == Approx(0).margin(kExact));
}

TEST_CASE("the occlusion rule decides where the way back misses") {
  // |w + r|^2 > 0.01 (|w|^2 + |r|^2) + 0.5 with w = 2, r = -2 + d: the limits are d = 0.7455 and
  // d = -0.7859, roots of 0.99 d^2 + 0.04 d - 0.58.
  for (const auto& [missed, visible] : {std::pair{0.745F, true}, std::pair{0.746F, false},
                                        std::pair{-0.785F, true}, std::pair{-0.787F, false}}) {
    CAPTURE(missed);
    Flow back = uniform(12, 8, -2, 0);
    set(back, 6, 4, -2 + missed, 0);
    const VisibleFlow motion = visible_flow(uniform(12, 8, 2, 0), back);
    CHECK(motion.visible[at(back, 4, 4)] == visible);
    CHECK(count_visible(motion) == 10 * 8 - !visible);
  }
}

TEST_CASE("the boundary rule decides where the flow changes") {
  // |grad w|^2 > 0.01 |w|^2 + 0.002 with w = 2: 0.042, a step of 0.2049.
  for (const auto& [step, visible] : {std::pair{0.204F, true}, std::pair{0.206F, false}}) {
    CAPTURE(step);
    Flow there = uniform(12, 8, 2, 0);
    set(there, 5, 4, 2, step);  // seen from (4, 4), (5, 3) and itself, where it counts twice
    const VisibleFlow motion = visible_flow(there, uniform(12, 8, -2, 0));
    CHECK(motion.visible[at(there, 4, 4)] == visible);
    CHECK(motion.visible[at(there, 5, 3)] == visible);
    CHECK_FALSE(motion.visible[at(there, 5, 4)]);
    CHECK(count_visible(motion) == 10 * 8 - 1 - 2 * !visible);
  }
}

TEST_CASE("unknown flow, either way, is not visible") {
  for (const float unknown :
       {kUnknownFlow, -kUnknownFlow, 2e9F, std::numeric_limits<float>::quiet_NaN(),
        std::numeric_limits<float>::infinity()}) {
    CAPTURE(unknown);
    Flow back = uniform(6, 6, -1, 0);
    set(back, 1, 0, 0, unknown);
    const VisibleFlow motion = visible_flow(uniform(6, 6, 1, 0), back);
    CHECK_FALSE(motion.visible[at(back, 0, 0)]);
    CHECK(motion.visible[at(back, 1, 0)]);
    CHECK(count_visible(motion) == 5 * 6 - 1);
    const VisibleFlow nowhere = visible_flow(uniform(6, 6, unknown, 0), uniform(6, 6, 0, 0));
    CHECK_FALSE(warp_error(Picture(6, 6), Picture(6, 6), nowhere).has_value());
  }
}

TEST_CASE("visibility and warp error are the written-out formula on rough flow") {
  const std::uint64_t seed = GENERATE(1, 2, 3, 4);
  Rng rng(seed);
  constexpr int kWidth = 23, kHeight = 17;
  Flow there = uniform(kWidth, kHeight, 1.5F, -0.75F);
  Flow back = uniform(kWidth, kHeight, -1.5F, 0.75F);
  for (float& value : there.uv) value += static_cast<float>(0.05 * rng.normal());
  for (float& value : back.uv) value += static_cast<float>(0.3 * rng.normal());
  const Picture now = random_picture(kWidth, kHeight, seed + 10);
  const Picture next = random_picture(kWidth, kHeight, seed + 20);
  const VisibleFlow motion = visible_flow(there, back);
  CHECK(count_visible(motion) > 100);
  CHECK(count_visible(motion) < 20 * 16);
  CHECK(warp_error(now, next, motion).value() ==
        Approx(written_out_error(now, next, there, back).value()).epsilon(kExact));
}

TEST_CASE("unequal sizes are refused") {
  CHECK_THROWS_AS(visible_flow(Flow(4, 5), Flow(5, 4)), ShapeError);
  const VisibleFlow motion = visible_flow(Flow(4, 5), Flow(4, 5));
  CHECK_THROWS_AS(warp_error(Picture(4, 5), Picture(4, 6), motion), ShapeError);
  CHECK_THROWS_AS(warp_error(Picture(4, 6), Picture(4, 6), motion), ShapeError);
}

TEST_CASE("DIS flow finds a known motion, to the same bits each time") {
  const SynthClip clip(4, {6, 160, false});
  const Picture now = clip.frame(2), next = clip.frame(3);
  const Flow estimated = dis_flow(now, next), truth = clip.flow(2);
  CHECK(dis_flow(now, next) == estimated);
  double error = 0, still = 0;
  for (std::size_t i = 0; i < truth.uv.size(); i += 2) {
    error += std::hypot(estimated.uv[i] - truth.uv[i], estimated.uv[i + 1] - truth.uv[i + 1]);
    still += std::hypot(truth.uv[i], truth.uv[i + 1]);
  }
  CHECK(error < 0.4 * still);  // the sky has no texture to go by
}

TEST_CASE("along DIS flow a film of the truth has a small warp error, a flickering one a larger") {
  const SynthClip clip(6, {6, 128, false});
  const Picture now = clip.frame(2), next = clip.frame(3);
  const VisibleFlow motion = visible_flow(dis_flow(now, next), dis_flow(next, now));
  CHECK(count_visible(motion) > 128 * 128 / 2);
  const double steady = warp_error(now, next, motion).value();
  Picture flickering = next;
  for (std::size_t i = 0; i < flickering.rgb.size(); i += 3) {
    flickering.rgb[i] = to_byte(flickering.rgb[i] + 12.0);
  }
  CHECK(steady < 1e-3);
  CHECK(warp_error(now, flickering, motion).value() > steady + 1e-3);
  CHECK(warp_error(lab_chroma(now), lab_chroma(flickering), motion).value() >
        4 * warp_error(lab_chroma(now), lab_chroma(next), motion).value());
}

TEST_CASE("DIS flow takes pictures of any shape from 32 pixels a side") {
  const auto [width, height] =
      GENERATE(table<int, int>({{32, 32}, {33, 47}, {32, 200}, {301, 32}}));
  const Picture picture = random_picture(width, height, 5);
  const Flow flow = dis_flow(picture, picture);
  CHECK(flow.width == width);
  CHECK(flow.height == height);
  CHECK_THROWS_AS(dis_flow(Picture(31, 64), Picture(31, 64)), ShapeError);
  CHECK_THROWS_AS(dis_flow(Picture(40, 64), Picture(64, 40)), ShapeError);
}

}  // namespace afterglow
