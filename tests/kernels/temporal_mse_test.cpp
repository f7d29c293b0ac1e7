#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/backend.hpp"
#include "support/backend_under_test.hpp"
#include "support/guarded.hpp"
#include "support/oracle_temporal_mse.hpp"
#include "support/scalars.hpp"
#include "support/slope.hpp"

using namespace afterglow;
using test::Guarded;
using test::random_values;
using test::require_close;
using test::to_double;

namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();
// A value's squares are summed in float over at most 1024 values by 4 lanes or more, all positive,
// then in double.
constexpr double kSum = 32 * kEps;

TemporalMseGeometry whole(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c) {
  return {n, h, w, c, 0, 0, h, w};
}

// Three differences of values in [-1, 1), each below 2 and rounded once, two products, a sum.
test::Tolerance gradient_tolerance(const TemporalMseGeometry& g) {
  const double scale = 2 / (double(g.n) * double(g.roi_size()));
  return {16 * kEps * scale, 4 * kEps};
}

void check(const TemporalMseGeometry& g, float beta, const std::vector<std::uint8_t>& starts,
           std::uint64_t seed) {
  static const std::shared_ptr<Backend> backend = test::make_backend();
  CAPTURE(g.n, g.h, g.w, g.c, g.roi_top, g.roi_left, g.roi_height, g.roi_width, beta, seed);
  const auto p = random_values(g.size(), seed), y = random_values(g.size(), seed + 1);
  const auto reference = oracle::temporal_mse(g, double(beta), to_double(p), to_double(y), starts);
  const Guarded p_in(*backend, p), y_in(*backend, y), gradient(*backend, g.size());
  const auto value =
      test::temporal_mse(backend, g, beta, p_in.span(), y_in.span(), starts, gradient.span());
  CHECK(value.loss == Approx(reference.loss).epsilon(kSum));
  CHECK(value.fidelity == Approx(reference.fidelity).epsilon(kSum));
  CHECK(value.temporal == Approx(reference.temporal).epsilon(kSum));
  require_close(gradient.read(), reference.gradient, gradient_tolerance(g));

  const auto alone = test::temporal_mse(backend, g, beta, p_in.span(), y_in.span(), starts, {});
  CHECK(alone.loss == Approx(reference.loss).epsilon(kSum));
}

std::vector<std::uint8_t> no_starts(std::int32_t n) {
  return std::vector<std::uint8_t>(std::size_t(n));
}

}  // namespace

TEST_CASE("the temporal loss oracle's gradient is the slope of its value") {
  const TemporalMseGeometry g{5, 3, 4, 2, 1, 1, 2, 2};
  const auto p = to_double(random_values(g.size(), 1)), y = to_double(random_values(g.size(), 2));
  const std::vector<std::uint8_t> starts{1, 0, 0, 1, 0};
  const auto beta = GENERATE(0.0, 0.8, 1.0);
  const auto analytic = oracle::temporal_mse(g, beta, p, y, starts).gradient;
  // The loss is quadratic: a central difference is exact but for rounding.
  constexpr double kRounding = 1e-13;
  const auto slopes = oracle::slopes(
      p, 0.5, [&](const auto& at) { return oracle::temporal_mse(g, beta, at, y, starts).loss; });
  for (std::size_t i = 0; i < p.size(); ++i)
    REQUIRE(analytic[i] == Approx(slopes[i]).epsilon(0).margin(kRounding));
}

TEST_CASE("the temporal loss and its gradient match the oracle for every size") {
  const auto n = GENERATE(1, 2, 3, 16, 32, 33, 67);
  const auto size = GENERATE(values<std::pair<std::int32_t, std::int32_t>>(
      {{1, 1}, {5, 7}, {16, 16}, {1, 1023}, {1, 1024}, {1, 1025}}));
  const auto c = GENERATE(1, 3);
  check(whole(n, size.first, size.second, c), 0.8F, no_starts(n), 10);
}

TEST_CASE("the temporal loss and its gradient match the oracle for every beta and clip start") {
  const auto beta = GENERATE(0.0F, 0.3F, 1.0F);
  const auto starts = GENERATE(values<std::vector<std::uint8_t>>({{0, 0, 0, 0, 0, 0, 0},
                                                                  {1, 0, 0, 1, 0, 0, 0},
                                                                  {0, 1, 1, 0, 0, 0, 1},
                                                                  {1, 1, 1, 1, 1, 1, 1},
                                                                  {0, 255, 0, 2, 0, 0, 0}}));
  check(whole(7, 13, 11, 3), beta, starts, 20);
}

TEST_CASE("clip starts at the borders of what one thread walks through match the oracle") {
  const auto start = GENERATE(31, 32, 33, 63, 64, 69);
  auto starts = no_starts(70);
  starts[std::size_t(start)] = 1;
  check(whole(70, 3, 5, 3), 0.5F, starts, 30);
}

TEST_CASE("the temporal loss matches the oracle within every region of interest") {
  const auto region = GENERATE(values<TemporalMseGeometry>({{4, 19, 23, 3, 0, 0, 19, 23},
                                                            {4, 19, 23, 3, 0, 0, 1, 1},
                                                            {4, 19, 23, 3, 18, 22, 1, 1},
                                                            {4, 19, 23, 3, 3, 0, 7, 23},
                                                            {4, 19, 23, 3, 0, 5, 19, 13},
                                                            {4, 19, 23, 3, 2, 1, 11, 17},
                                                            {4, 3, 700, 3, 1, 100, 2, 500}}));
  check(region, 0.8F, {1, 0, 1, 0}, 40);
}

TEST_CASE("outside of the region of interest the gradient is exactly 0") {
  const auto backend = test::make_backend();
  const TemporalMseGeometry g{2, 4, 5, 1, 1, 2, 2, 2};
  const Guarded p(*backend, random_values(g.size(), 1)), y(*backend, random_values(g.size(), 2));
  const Guarded gradient(*backend, g.size());
  test::temporal_mse(backend, g, 0.5F, p.span(), y.span(), no_starts(2), gradient.span());
  const auto values = gradient.read();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t row = i / 5 % 4, column = i % 5;
    const bool inside = row >= 1 && row < 3 && column >= 2 && column < 4;
    REQUIRE((values[i] != 0) == inside);
  }
}

TEST_CASE("a constant clip has no temporal term, and beta 1 is the plain mean squared error") {
  const auto backend = test::make_backend();
  const auto g = whole(8, 16, 16, 3);
  const auto frame = random_values(16 * 16 * 3, 1);
  std::vector<float> clip;
  for (int i = 0; i < 8; ++i) clip.insert(clip.end(), frame.begin(), frame.end());
  const auto target = random_values(g.size(), 2);
  const Guarded p(*backend, clip), y(*backend, target);
  const auto value = test::temporal_mse(backend, g, 0.4F, p.span(), y.span(), no_starts(8), {});
  CHECK(value.temporal == 0.0);
  double mse = 0;
  for (std::size_t i = 0; i < clip.size(); ++i)
    mse += std::pow(double(clip[i]) - double(target[i]), 2) / double(clip.size());
  CHECK(value.fidelity == Approx(mse).epsilon(kSum));
  CHECK(test::temporal_mse(backend, g, 1.0F, p.span(), y.span(), no_starts(8), {}).loss ==
        Approx(mse).epsilon(kSum));
}

TEST_CASE("gradients too large for the caches match the formula, aligned or not", "[large]") {
  const auto backend = test::make_backend();
  // Just above 64 MiB; frames of a multiple of 16 values, and of an odd number.
  const auto g = GENERATE(whole(86, 256, 256, 3), whole(87, 255, 255, 3));
  CAPTURE(g.w);
  const auto frame = std::size_t(g.h) * g.w * g.c;
  auto starts = no_starts(g.n);
  starts[40] = 1;
  // A few megabytes of random values, over and over, at a period that is no multiple of a frame's.
  const auto random = random_values(1'000'003, 1);
  const auto at = [&](std::size_t i, std::size_t offset) {
    return random[(i + offset) % random.size()];
  };
  std::vector<float> p(g.size()), y(g.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    p[i] = at(i, 0);
    y[i] = at(i, 500'000);
  }
  const Guarded p_in(*backend, p), y_in(*backend, y), gradient(*backend, g.size());
  const float beta = 0.8F;
  test::temporal_mse(backend, g, beta, p_in.span(), y_in.span(), starts, gradient.span());
  const auto result = gradient.read();
  const double scale = 2 / (double(g.n) * double(frame));
  const auto tolerance = gradient_tolerance(g);
  for (std::size_t i = 0; i < p.size(); ++i) {
    const std::size_t n = i / frame;
    const auto change = [&](std::size_t later) {
      return double(p[later]) - double(p[later - frame]);
    };
    double expected = double(beta) * (double(p[i]) - double(y[i]));
    if (n > 0 && starts[n] == 0) expected += (1 - double(beta)) * change(i);
    if (n + 1 < std::size_t(g.n) && starts[n + 1] == 0)
      expected -= (1 - double(beta)) * change(i + frame);
    expected *= scale;
    if (!(std::abs(double(result[i]) - expected) <=
          tolerance.absolute + tolerance.relative * std::abs(expected)))
      FAIL("value " << i << " is " << result[i] << " instead of " << expected);
  }
}
