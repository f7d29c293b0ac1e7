#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "kernels/backend.hpp"
#include "support/backend_under_test.hpp"
#include "support/guarded.hpp"
#include "support/oracle_pool.hpp"
#include "support/slope.hpp"

using namespace afterglow;
using test::Guarded;
using test::random_values;
using test::require_close;
using test::sum_tolerance;
using test::to_double;

namespace {

constexpr test::Tolerance kExact{};

std::string text(const Pool2dGeometry& g) {
  return "x " + std::to_string(g.n) + "x" + std::to_string(g.h) + "x" + std::to_string(g.w) + "x" +
         std::to_string(g.c) + ", window " + std::to_string(g.window) + ", stride " +
         std::to_string(g.stride) + (g.padding == Padding::kSame ? ", same" : ", valid");
}

std::size_t taps(const Pool2dGeometry& g) { return std::size_t(g.window) * g.window; }

std::vector<std::uint8_t> packed(const Pool2dGeometry& g, const std::vector<int>& winners) {
  return oracle::packed(winners, g.c, g.window * g.window + int(g.relu));
}

void check_max(Backend& backend, const Pool2dGeometry& g, std::uint64_t seed) {
  const auto x = random_values(g.x_size(), seed), dy = random_values(g.y_size(), seed + 1);
  const auto reference = oracle::max_pool2d(g, to_double(x));
  const Guarded in(backend, x), y(backend, g.y_size()), alone(backend, g.y_size());
  const test::GuardedBytes winners(backend, g.winners_size());
  backend.max_pool2d(g, in.span(), y.span(), winners.span());
  backend.max_pool2d(g, in.span(), alone.span(), {});
  require_close(y.read(), reference.y, kExact);
  require_close(alone.read(), reference.y, kExact);
  REQUIRE(winners.read() == packed(g, reference.argmax));

  const Guarded dy_in(backend, dy), dx(backend, g.x_size());
  backend.max_pool2d_backward(g, dy_in.span(), winners.span(), dx.span());
  require_close(dx.read(), oracle::max_pool2d_backward(g, to_double(x), to_double(dy)),
                sum_tolerance(taps(g)));
}

void check_avg(Backend& backend, const Pool2dGeometry& g, std::uint64_t seed) {
  const auto x = random_values(g.x_size(), seed), dy = random_values(g.y_size(), seed + 1);
  const Guarded in(backend, x), y(backend, g.y_size()), dy_in(backend, dy), dx(backend, g.x_size());
  backend.avg_pool2d(g, in.span(), y.span());
  require_close(y.read(), oracle::avg_pool2d(g, to_double(x)), sum_tolerance(taps(g)));
  backend.avg_pool2d_backward(g, dy_in.span(), dx.span());
  require_close(dx.read(), oracle::avg_pool2d_backward(g, to_double(dy)), sum_tolerance(taps(g)));
}

void check(const Pool2dGeometry& g, std::uint64_t seed) {
  static const std::shared_ptr<Backend> backend = test::make_backend();
  if (g.out_h() < 1 || g.out_w() < 1) return;  // the window does not fit
  CAPTURE(text(g), seed);
  check_max(*backend, g, seed);
  check_avg(*backend, g, seed);
  if (g.window == 16) return;  // the 257th winner fits into no byte
  Pool2dGeometry behind_relu = g;
  behind_relu.relu = true;
  check_max(*backend, behind_relu, seed + 2);
}

double dot(const oracle::Doubles& a, const oracle::Doubles& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

TEST_CASE("the pooling oracle's gradients are the slopes of its forward") {
  const auto stride = GENERATE(1, 2, 3);
  const auto window = GENERATE(2, 3);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const Pool2dGeometry g{2, 6, 5, 2, window, stride, padding};
  CAPTURE(text(g));
  const auto x = to_double(random_values(g.x_size(), 1));
  const auto dy = to_double(random_values(g.y_size(), 2));
  // The few random values of a window lie further apart than twice this step, so no winner changes
  // and the function is linear: what remains is the rounding of two sums of size 10 over 120 terms,
  // about 2e-14, over twice the step.
  constexpr double kStep = 1e-7, kRounding = 1e-6;
  const auto max = oracle::max_pool2d_backward(g, x, dy);
  const auto max_slopes = oracle::slopes(
      x, kStep, [&](const auto& at) { return dot(oracle::max_pool2d(g, at).y, dy); });
  const auto avg = oracle::avg_pool2d_backward(g, dy);
  const auto avg_slopes =
      oracle::slopes(x, 1, [&](const auto& at) { return dot(oracle::avg_pool2d(g, at), dy); });
  for (std::size_t i = 0; i < x.size(); ++i) {
    REQUIRE(max[i] == Approx(max_slopes[i]).epsilon(0).margin(kRounding));
    REQUIRE(avg[i] == Approx(avg_slopes[i]).epsilon(0).margin(kRounding));
  }
}

TEST_CASE("pools match the oracle for every window walk") {
  const auto window = GENERATE(1, 2, 3, 5);
  const auto stride = GENERATE(1, 2, 3);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto size =
      GENERATE(values<std::pair<std::int32_t, std::int32_t>>({{1, 1}, {2, 3}, {8, 8}, {13, 7}}));
  check({3, size.first, size.second, 3, window, stride, padding}, 10);
}

TEST_CASE("pools match the oracle for every channel count") {
  const auto channels = GENERATE(1, 2, 7, 15, 16, 17, 31, 64, 65, 257);
  check({2, 6, 9, channels, 2, 2, Padding::kValid}, 20);
  check({1, 7, 5, channels, 3, 2, Padding::kSame}, 30);
}

TEST_CASE("pools match the oracle when the window is the largest whose winner fits into a byte") {
  check({1, 17, 18, 2, 16, 1, Padding::kValid}, 40);
}

TEST_CASE("of equal values the first wins the whole gradient") {
  const auto backend = test::make_backend();
  const Pool2dGeometry g{1, 2, 2, 1, 2, 2, Padding::kValid};
  const Guarded x(*backend, std::vector<float>{-3, 5, 5, 5}), y(*backend, 1), dx(*backend, 4);
  const Guarded dy(*backend, std::vector<float>{7});
  const test::GuardedBytes winner(*backend, 1);
  backend->max_pool2d(g, x.span(), y.span(), winner.span());
  backend->max_pool2d_backward(g, dy.span(), winner.span(), dx.span());
  CHECK(y.read() == std::vector<float>{5});
  CHECK(winner.read()[0] == 1);
  CHECK(dx.read() == std::vector<float>{0, 7, 0, 0});
}

TEST_CASE("a NaN anywhere in the window wins") {
  const auto backend = test::make_backend();
  const Pool2dGeometry g{1, 2, 2, 1, 2, 2, Padding::kValid};
  const std::size_t place = GENERATE(0, 1, 2, 3);
  std::vector<float> values{1, 2, 3, 4};
  values[place] = std::numeric_limits<float>::quiet_NaN();
  const Guarded x(*backend, values), y(*backend, 1), value(*backend, 1);
  const test::GuardedBytes winner(*backend, 1);
  backend->max_pool2d(g, x.span(), y.span(), winner.span());
  backend->max_pool2d(g, x.span(), value.span(), {});
  CHECK(std::isnan(y.read()[0]));
  CHECK(std::isnan(value.read()[0]));
  CHECK(winner.read()[0] == place);
}

TEST_CASE("padding neither wins a maximum nor counts in a mean") {
  const auto backend = test::make_backend();
  // In 3, window 2, stride 2, same: the second window holds one value and one of padding.
  const Pool2dGeometry g{1, 1, 3, 1, 2, 2, Padding::kSame};
  const Guarded x(*backend, std::vector<float>{-4, -2, -9}), max(*backend, 2), mean(*backend, 2);
  backend->max_pool2d(g, x.span(), max.span(), {});
  backend->avg_pool2d(g, x.span(), mean.span());
  CHECK(max.read() == std::vector<float>{-2, -9});
  CHECK(mean.read() == std::vector<float>{-3, -9});
}

TEST_CASE("upsample_nearest and its gradient match the oracle") {
  const auto backend = test::make_backend();
  const auto n = GENERATE(1, 3);
  const auto c = GENERATE(1, 3, 16, 17, 96);
  const auto size =
      GENERATE(values<std::pair<std::int32_t, std::int32_t>>({{1, 1}, {2, 5}, {7, 3}}));
  const auto h = size.first, w = size.second;
  CAPTURE(n, h, w, c);
  const std::size_t count = std::size_t(n) * h * w * c;
  const auto x = random_values(count, 1), dy = random_values(4 * count, 2);
  const Guarded in(*backend, x), y(*backend, 4 * count), dy_in(*backend, dy), dx(*backend, count);
  backend->upsample_nearest(n, h, w, c, in.span(), y.span());
  require_close(y.read(), oracle::upsample_nearest(n, h, w, c, to_double(x)), kExact);
  backend->upsample_nearest_backward(n, h, w, c, dy_in.span(), dx.span());
  const auto reference = oracle::upsample_nearest_backward(n, h, w, c, to_double(dy));
  require_close(dx.read(), reference, sum_tolerance(4));
  // The transpose of a linear map: <up(x), dy> = <x, dx>.
  CHECK(dot(oracle::upsample_nearest(n, h, w, c, to_double(x)), to_double(dy)) ==
        Approx(dot(to_double(x), reference)).epsilon(1e-12).margin(1e-12));
}
