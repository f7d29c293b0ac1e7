#include <catch2/catch.hpp>
#include <cmath>

#include "kernels/backend.hpp"
#include "support/backend_under_test.hpp"
#include "support/guarded.hpp"
#include "support/motion_fields.hpp"
#include "support/oracle_motion_temporal_mse.hpp"
#include "support/scalars.hpp"
#include "support/slope.hpp"

using namespace afterglow;
using test::Guarded;
using test::motion_field;
using test::random_values;
using test::require_close;
using test::to_double;

namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();
// Squares are summed in float over at most 4 values (CUDA: 128 threads), then in double; each is of
// a difference of values in [-1, 1) and four products.
constexpr double kSum = 32 * kEps;

/// A pixel's own change and those of up to `meeting` pixels that come from it, each of values in
/// [-1, 1) with a few roundings.
test::Tolerance gradient_tolerance(const FrameGeometry& g, double meeting) {
  return {16 * kEps * 2 / double(g.size()) * meeting, 4 * kEps};
}

void check(const FrameGeometry& g, float beta, const std::vector<float>& flow,
           const std::vector<std::uint8_t>& starts, double meeting = 8) {
  static const std::shared_ptr<Backend> backend = test::make_backend();
  CAPTURE(g.n, g.h, g.w, g.c, beta);
  const auto p = random_values(g.size(), 1), y = random_values(g.size(), 2);
  const auto reference = oracle::motion_temporal_mse(g, double(beta), to_double(p), to_double(y),
                                                     to_double(flow), starts);
  const Guarded p_in(*backend, p), y_in(*backend, y), flow_in(*backend, flow);
  const Guarded gradient(*backend, g.size());
  const auto value = test::motion_temporal_mse(backend, g, beta, p_in.span(), y_in.span(),
                                               flow_in.span(), starts, gradient.span());
  CHECK(value.loss == Approx(reference.loss).epsilon(kSum));
  CHECK(value.fidelity == Approx(reference.fidelity).epsilon(kSum));
  CHECK(value.temporal == Approx(reference.temporal).epsilon(kSum));
  require_close(gradient.read(), reference.gradient, gradient_tolerance(g, meeting));

  const Guarded again(*backend, g.size());
  test::motion_temporal_mse(backend, g, beta, p_in.span(), y_in.span(), flow_in.span(), starts,
                            again.span());
  CHECK((again.read() == gradient.read()));  // in whatever order threads have added

  const auto alone = test::motion_temporal_mse(backend, g, beta, p_in.span(), y_in.span(),
                                               flow_in.span(), starts, {});
  CHECK(alone.loss == value.loss);
  CHECK(alone.temporal == value.temporal);
}

std::vector<std::uint8_t> no_starts(std::int32_t n) {
  return std::vector<std::uint8_t>(std::size_t(n));
}

}  // namespace

TEST_CASE("the gradient of the oracle along the motion is the slope of its value") {
  const FrameGeometry g{4, 5, 4, 2};
  const auto p = to_double(random_values(g.size(), 1)), y = to_double(random_values(g.size(), 2));
  const auto flow = to_double(motion_field(g, 2, 3));
  const std::vector<std::uint8_t> starts{1, 0, 1, 0};
  const auto beta = GENERATE(0.0, 0.8, 1.0);
  const auto loss = [&](const auto& at) {
    return oracle::motion_temporal_mse(g, beta, at, y, flow, starts);
  };
  const auto analytic = loss(p).gradient;
  REQUIRE((beta == 1.0 || loss(p).temporal > 0));
  // The loss is quadratic: a central difference is exact but for rounding.
  constexpr double kRounding = 1e-13;
  const auto slopes = oracle::slopes(p, 0.5, [&](const auto& at) { return loss(at).loss; });
  for (std::size_t i = 0; i < p.size(); ++i)
    REQUIRE(analytic[i] == Approx(slopes[i]).epsilon(0).margin(kRounding));
}

TEST_CASE("the loss along the motion matches the oracle for every size") {
  const auto n = GENERATE(1, 2, 5);
  const auto size = GENERATE(
      values<std::pair<std::int32_t, std::int32_t>>({{1, 1}, {1, 9}, {5, 7}, {16, 16}, {23, 19}}));
  const auto c = GENERATE(1, 3);
  const auto far = GENERATE(0.4F, 6.0F);
  const FrameGeometry g{n, size.first, size.second, c};
  check(g, 0.8F, motion_field(g, far, 5), no_starts(n), 32);
}

TEST_CASE("the loss along the motion matches the oracle for every beta and clip start") {
  const auto beta = GENERATE(0.0F, 0.3F, 1.0F);
  const auto starts =
      GENERATE(values<std::vector<std::uint8_t>>({{0, 0, 0, 0}, {1, 0, 255, 0}, {1, 1, 1, 1}}));
  const FrameGeometry g{4, 13, 11, 3};
  check(g, beta, motion_field(g, 2, 7), starts, 16);
}

TEST_CASE("without motion this is the plain temporal loss") {
  const auto backend = test::make_backend();
  const FrameGeometry g{5, 12, 9, 3};
  const Guarded p(*backend, random_values(g.size(), 1)), y(*backend, random_values(g.size(), 2));
  const Guarded still(*backend, std::vector<float>(g.size() / 3 * 2));
  const Guarded gradient(*backend, g.size()), plain_gradient(*backend, g.size());
  const std::vector<std::uint8_t> starts{1, 0, 0, 1, 0};
  const auto value = test::motion_temporal_mse(backend, g, 0.7F, p.span(), y.span(), still.span(),
                                               starts, gradient.span());
  const auto plain = test::temporal_mse(backend, {5, 12, 9, 3, 0, 0, 12, 9}, 0.7F, p.span(),
                                        y.span(), starts, plain_gradient.span());
  CHECK(value.loss == Approx(plain.loss).epsilon(kSum));
  CHECK(value.temporal == Approx(plain.temporal).epsilon(kSum));
  const auto expected = to_double(plain_gradient.read());
  require_close(gradient.read(), expected, gradient_tolerance(g, 2));
}

TEST_CASE("a picture that moves by whole and half pixels does not change along the motion") {
  const auto backend = test::make_backend();
  const FrameGeometry g{3, 6, 16, 1};
  const float step = GENERATE(2.0F, 1.5F);
  // A ramp, which bilinear interpolation gives back exactly.
  std::vector<float> p, flow;
  for (int n = 0; n < g.n; ++n)
    for (int y = 0; y < g.h; ++y)
      for (int x = 0; x < g.w; ++x) {
        p.push_back(float(x) - step * float(n) + 3 * float(y));
        flow.insert(flow.end(), {-step, 0.0F});
      }
  const Guarded p_in(*backend, p), flow_in(*backend, flow), gradient(*backend, g.size());
  const auto value = test::motion_temporal_mse(backend, g, 0.0F, p_in.span(), p_in.span(),
                                               flow_in.span(), no_starts(3), gradient.span());
  CHECK(value.temporal == 0.0);
  CHECK(gradient.read() == std::vector<float>(g.size()));
}

TEST_CASE("pixels whose motion is unknown or leads outside take no part") {
  const auto backend = test::make_backend();
  const FrameGeometry g{2, 3, 4, 1};
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  struct Way {
    std::size_t pixel;  // of the second frame
    float u, v;
    bool counts;
  };
  const auto way = GENERATE(values<Way>({{5, 0, 0, true},
                                         {5, -1, -1, true},
                                         {5, 2, 1, true},
                                         {5, -1.001F, 0, false},
                                         {5, 0, -1.001F, false},
                                         {5, 2.001F, 0, false},
                                         {5, 0, 1.001F, false},
                                         {0, -1e-30F, 0, false},
                                         {11, 0, 1e-30F, false},
                                         {11, -3, -2, true},
                                         {5, kNan, 0, false},
                                         {5, 0, kNan, false},
                                         {5, kInfinity, 0, false},
                                         {5, 0, -kInfinity, false},
                                         {5, 3e38F, 3e38F, false},
                                         {5, -2147483648.0F, 0, false}}));
  CAPTURE(way.pixel, way.u, way.v);
  std::vector<float> flow(2 * g.size(), kNan), p(g.size());
  flow[2 * (g.size() / 2 + way.pixel)] = way.u;
  flow[2 * (g.size() / 2 + way.pixel) + 1] = way.v;
  p[g.size() / 2 + way.pixel] = 3;
  const Guarded p_in(*backend, p), flow_in(*backend, flow);
  const auto value = test::motion_temporal_mse(backend, g, 0.0F, p_in.span(), p_in.span(),
                                               flow_in.span(), no_starts(2), {});
  CHECK(value.temporal == Approx(way.counts ? 9.0 / double(g.size()) : 0.0));
}

TEST_CASE("all pixels may come from one") {
  const FrameGeometry g{3, 16, 16, 3};
  std::vector<float> flow;
  for (int n = 0; n < g.n; ++n)
    for (int y = 0; y < g.h; ++y)
      for (int x = 0; x < g.w; ++x) flow.insert(flow.end(), {4.25F - float(x), 9.5F - float(y)});
  // 256 contributions to one sum, which grows to their number.
  check(g, 0.3F, flow, no_starts(3), 256);
}

TEST_CASE("along the motion, a value that is not a number shows in the loss") {
  const auto backend = test::make_backend();
  const FrameGeometry g{2, 4, 4, 1};
  std::vector<float> p(g.size(), 1.0F);
  p[3] = std::numeric_limits<float>::quiet_NaN();
  const Guarded p_in(*backend, p), y(*backend, std::vector<float>(g.size())),
      flow(*backend, std::vector<float>(2 * g.size())), gradient(*backend, g.size());
  const auto value = test::motion_temporal_mse(backend, g, 0.5F, p_in.span(), y.span(), flow.span(),
                                               no_starts(2), gradient.span());
  CHECK(std::isnan(value.loss));
  CHECK(std::isnan(gradient.read()[3]));
}
