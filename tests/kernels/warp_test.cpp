#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "kernels/backend.hpp"
#include "support/backend_under_test.hpp"
#include "support/guarded.hpp"
#include "support/motion_fields.hpp"
#include "support/oracle_warp.hpp"

using namespace afterglow;
using test::Guarded;
using test::motion_field;
using test::random_values;
using test::require_close;
using test::to_double;

namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();
// Four products of values in [-1, 1) with shares of three roundings.
constexpr test::Tolerance kWarped{8 * kEps, 0};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Of a sum of what up to `meeting` pixels hand to one.
test::Tolerance gradient_tolerance(double meeting) { return {8 * kEps * meeting, 4 * kEps}; }

std::size_t pixels_of(const FrameGeometry& g) { return g.size() / std::size_t(g.c); }

void check(const FrameGeometry& g, const std::vector<float>& flow, double meeting) {
  static const std::shared_ptr<Backend> backend = test::make_backend();
  CAPTURE(g.n, g.h, g.w, g.c);
  test::in_every_way([&] {
    const auto x = random_values(g.size(), 1), dy = random_values(g.size(), 2);
    const Guarded in(*backend, x), flow_in(*backend, flow), dy_in(*backend, dy);
    const Guarded y(*backend, g.size()), dx(*backend, g.size());
    backend->warp(g, in.span(), flow_in.span(), y.span());
    require_close(y.read(), oracle::warp(g, to_double(x), to_double(flow)), kWarped);
    backend->warp_backward(g, dy_in.span(), flow_in.span(), dx.span());
    require_close(dx.read(), oracle::warp_backward(g, to_double(dy), to_double(flow)),
                  gradient_tolerance(meeting));

    const Guarded again(*backend, g.size());
    backend->warp_backward(g, dy_in.span(), flow_in.span(), again.span());
    CHECK((again.read() == dx.read()));  // in whatever order threads have added

    // <warp(x), dy> = <x, warp_backward(dy)>.
    const auto inner = [](const std::vector<float>& a, const std::vector<float>& b) {
      double sum = 0;
      for (std::size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
      return sum;
    };
    CHECK(
        inner(y.read(), dy) ==
        Approx(inner(x, dx.read())).epsilon(0).margin(8 * kEps * (1 + meeting) * double(g.size())));
  });
}

}  // namespace

TEST_CASE("warp and its gradient match the oracle for every size") {
  const auto n = GENERATE(1, 2, 5);
  const auto size = GENERATE(values<std::pair<std::int32_t, std::int32_t>>(
      {{1, 1}, {1, 9}, {7, 1}, {5, 7}, {16, 16}, {23, 19}}));
  const auto c = GENERATE(1, 2, 3, 17);
  const auto far = GENERATE(0.4F, 6.0F, 40.0F);  // within a pixel, over the border, far beyond
  const FrameGeometry g{n, size.first, size.second, c};
  // What lies beyond the border meets in its pixels: at worst all of it.
  check(g, motion_field(g, far, 5), far < 10 ? 32 : double(size.first * size.second));
}

TEST_CASE("warp and its gradient match the oracle for any fraction of a pixel") {
  const FrameGeometry g{2, 13, 11, 2};
  std::vector<float> flow = random_values(2 * pixels_of(g), 9);
  for (float& way : flow) way *= 3;
  check(g, flow, 16);
}

TEST_CASE("all pixels may be warped from one") {
  const FrameGeometry g{2, 16, 16, 3};
  std::vector<float> flow;
  for (int n = 0; n < g.n; ++n)
    for (int y = 0; y < g.h; ++y)
      for (int x = 0; x < g.w; ++x) flow.insert(flow.end(), {4.25F - float(x), 9.5F - float(y)});
  check(g, flow, 256);
}

TEST_CASE("a flow of whole pixels moves values as they are, the border's beyond it") {
  const auto backend = test::make_backend();
  const FrameGeometry g{2, 5, 7, 3};
  const auto u = GENERATE(0, 1, -1, 3, -6, 7, -30), v = GENERATE(0, 2, -1, -4, 5, 100);
  CAPTURE(u, v);
  const auto x = random_values(g.size(), 1);
  std::vector<float> flow, expected;
  for (int n = 0; n < g.n; ++n) {
    for (int row = 0; row < g.h; ++row) {
      for (int column = 0; column < g.w; ++column) {
        flow.insert(flow.end(), {float(u), float(v)});
        const int from_row = std::clamp(row + v, 0, g.h - 1);
        const int from_column = std::clamp(column + u, 0, g.w - 1);
        const auto* from = x.data() + ((n * g.h + from_row) * g.w + from_column) * g.c;
        expected.insert(expected.end(), from, from + g.c);
      }
    }
  }
  const Guarded in(*backend, x), flow_in(*backend, flow), y(*backend, g.size());
  backend->warp(g, in.span(), flow_in.span(), y.span());
  CHECK(y.read() == expected);
}

TEST_CASE("a ramp is warped by fractions of a pixel as it is written") {
  const auto backend = test::make_backend();
  const FrameGeometry g{1, 6, 16, 1};
  std::vector<float> x, flow, expected;
  for (int row = 0; row < g.h; ++row)
    for (int column = 0; column < g.w; ++column) {
      x.push_back(float(column) + 32 * float(row));
      flow.insert(flow.end(), {-1.5F, 0.25F});
      expected.push_back(std::max(float(column) - 1.5F, 0.0F) +
                         32 * std::min(float(row) + 0.25F, float(g.h - 1)));
    }
  const Guarded in(*backend, x), flow_in(*backend, flow), y(*backend, g.size());
  backend->warp(g, in.span(), flow_in.span(), y.span());
  CHECK(y.read() == expected);
}

TEST_CASE("warp takes a flow that is no number for none, an endless one for the border") {
  const auto backend = test::make_backend();
  const FrameGeometry g{1, 3, 4, 1};
  struct Way {
    std::size_t pixel;
    float u, v;
    std::size_t from;
  };
  const auto way = GENERATE(values<Way>({{5, kNan, kNan, 5},
                                         {5, kNan, 1, 9},
                                         {5, 2, kNan, 7},
                                         {5, kInfinity, 0, 7},
                                         {5, -kInfinity, 0, 4},
                                         {5, 0, kInfinity, 9},
                                         {5, 0, -kInfinity, 1},
                                         {5, 3e38F, -3e38F, 3},
                                         {5, -2147483648.0F, 2147483648.0F, 8},
                                         {0, -1e-30F, 0, 0},
                                         {11, 1e-30F, 1e-30F, 11},
                                         {6, -1e-30F, -1e-30F, 6}}));
  CAPTURE(way.pixel, way.u, way.v);
  const auto x = random_values(g.size(), 1);
  std::vector<float> flow(2 * g.size());
  flow[2 * way.pixel] = way.u;
  flow[2 * way.pixel + 1] = way.v;
  std::vector<float> dy(g.size()), expected(g.size());
  dy[way.pixel] = 3;
  expected[way.from] = 3;
  const Guarded in(*backend, x), flow_in(*backend, flow), dy_in(*backend, dy);
  const Guarded y(*backend, g.size()), dx(*backend, g.size());
  backend->warp(g, in.span(), flow_in.span(), y.span());
  CHECK(y.read()[way.pixel] == x[way.from]);
  backend->warp_backward(g, dy_in.span(), flow_in.span(), dx.span());
  CHECK(dx.read() == expected);
}

TEST_CASE("warp lets a NaN through, so that a broken network does not look whole") {
  const auto backend = test::make_backend();
  const FrameGeometry g{1, 1, 4, 1};
  const Guarded x(*backend, {1, kNan, 1, 1}), flow(*backend, std::vector<float>(8, 0.0F));
  const Guarded y(*backend, 4);
  backend->warp(g, x.span(), flow.span(), y.span());
  CHECK(std::isnan(y.read()[1]));
  CHECK(y.read()[2] == 1);
}
