#include "simt/kernel_test.hpp"
#include "support/motion_fields.hpp"
#include "support/oracle_motion_temporal_mse.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();
// A thread sums the squares of a pixel's channels in float, a block those of 128 threads, all
// positive; blocks are summed in double. Each square is of a difference of four products.
constexpr double kSum = 32 * kEps;
constexpr float kBeta = 0.7F;

struct Case {
  FrameGeometry g;
  std::vector<float> flow;
  std::vector<std::uint8_t> starts;
  double largest = 1;   // of p and y
  double meeting = 16;  // pixels that come from one
};

/// A pixel's own change and those of all that come from it, each with a few roundings.
Tolerance gradient_tolerance(const Case& c) {
  return {16 * kEps * 2 / double(c.g.size()) * c.largest * c.meeting, 4 * kEps};
}

/// Every value with what the call before has left in the workspace.
template <typename T, typename Y>
void check(const Case& c, const Array<T>& p, const Array<Y>& y) {
  const FrameGeometry& g = c.g;
  CAPTURE(g.n, g.h, g.w, g.c);
  const auto expected = oracle::motion_temporal_mse(g, double(kBeta), p.read(), y.read(),
                                                    to_double(c.flow), c.starts);
  const Array<float> flow(c.flow);
  const Array<std::uint8_t> starts(std::vector<float>(c.starts.begin(), c.starts.end()));
  const Doubles result = in_every_order([&] {
    Workspace workspace(cuda::motion_temporal_mse_workspace(g));
    Doubles all;
    for (const bool wanted : {true, false, true}) {
      Array<T> gradient(g.size());
      Array<double> value(3);
      cuda::motion_temporal_mse(kNow, g, kBeta, p.data(), y.data(), flow.data(), starts.data(),
                                wanted ? gradient.data() : nullptr,
                                reinterpret_cast<TemporalMseValue*>(value.data()),
                                workspace.data());
      workspace.read();
      all = joined(all, value.read());
      if (wanted) all = joined(all, gradient.read());
    }
    return all;
  });
  const std::size_t once = 3 + g.size();
  const Doubles value = part(result, 0, 3);
  CHECK(value == part(result, once, 3));
  CHECK(part(result, 0, once) == part(result, once + 3, once));
  CHECK(value[0] == Approx(expected.loss).epsilon(kSum));
  CHECK(value[1] == Approx(expected.fidelity).epsilon(kSum));
  CHECK(value[2] == Approx(expected.temporal).epsilon(kSum));
  require_close(part(result, 3, g.size()), expected.gradient, stored<T>(gradient_tolerance(c)));
}

template <typename T>
void check_with_floats_and_bytes(Case c) {
  const std::size_t size = c.g.size();
  const Array<T> p(random_values(size, 1)), y(random_values(size, 2));
  check(c, p, y);
  std::vector<float> bright = random_values(size, 3), levels(size);
  for (float& value : bright) value = 127.5F + 127.5F * value;
  for (std::size_t i = 0; i < size; ++i) levels[i] = static_cast<float>(i * 37 % 256);
  c.largest = 256;
  check(c, Array<T>(bright), Array<std::uint8_t>(levels));
}

}  // namespace

TEMPLATE_TEST_CASE("motion_temporal_mse matches the oracle for every size", "[simt]", float,
                   bfloat16) {
  // One pixel; a block's pixels and one past them; several blocks.
  const FrameGeometry g =
      GENERATE(FrameGeometry{1, 1, 1, 1}, FrameGeometry{3, 8, 16, 3}, FrameGeometry{2, 3, 43, 1},
               FrameGeometry{5, 7, 5, 4}, FrameGeometry{3, 19, 23, 3});
  const float far = GENERATE(0.0F, 0.7F, 5.0F);
  std::vector<std::uint8_t> starts(std::size_t(g.n));
  if (g.n > 3) starts[3] = 1;
  check_with_floats_and_bytes<TestType>({g, motion_field(g, far, 4), starts});
}

TEST_CASE("motion_temporal_mse adds up all pixels that come from one, in any order", "[simt]") {
  const FrameGeometry g{2, 12, 16, 3};
  std::vector<float> flow;
  for (int n = 0; n < g.n; ++n)
    for (int y = 0; y < g.h; ++y)
      for (int x = 0; x < g.w; ++x) flow.insert(flow.end(), {4.25F - float(x), 9.5F - float(y)});
  Case c{g, flow, {0, 0}};
  c.meeting = 192;
  check_with_floats_and_bytes<float>(c);
}

TEST_CASE("motion_temporal_mse counts a change beyond 65536 as that in the frame before",
          "[simt]") {
  const FrameGeometry g{2, 1, 1, 1};
  const Array<float> p(std::vector<float>{0, 1e9F}), y(std::vector<float>{0, 1e9F}),
      flow(std::vector<float>(4));
  const Array<std::uint8_t> starts(std::vector<float>(2));
  Array<float> gradient(2);
  Array<double> value(3);
  Workspace workspace(cuda::motion_temporal_mse_workspace(g));
  cuda::motion_temporal_mse(kNow, g, 0.0F, p.data(), y.data(), flow.data(), starts.data(),
                            gradient.data(), reinterpret_cast<TemporalMseValue*>(value.data()),
                            workspace.data());
  CHECK(gradient.read() == Doubles{-65536, 1e9});
}

TEST_CASE("motion_temporal_mse of a NaN is one", "[simt]") {
  const FrameGeometry g{2, 4, 4, 1};
  std::vector<float> values(g.size(), 1.0F);
  values[20] = std::numeric_limits<float>::quiet_NaN();
  const Array<float> p(values), y(std::vector<float>(g.size(), 1.0F)),
      flow(std::vector<float>(2 * g.size()));
  const Array<std::uint8_t> starts(std::vector<float>(2));
  Array<float> gradient(g.size());
  Array<double> value(3);
  Workspace workspace(cuda::motion_temporal_mse_workspace(g));
  cuda::motion_temporal_mse(kNow, g, kBeta, p.data(), y.data(), flow.data(), starts.data(),
                            gradient.data(), reinterpret_cast<TemporalMseValue*>(value.data()),
                            workspace.data());
  CHECK(std::isnan(value.read()[0]));
  CHECK(std::isnan(gradient.read()[20]));
}
