#include "simt/kernel_test.hpp"
#include "support/oracle_elementwise.hpp"
#include "support/oracle_temporal_mse.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();
// A thread sums the squares of up to 16 frames of 16 bytes in float, a block those of 128 threads,
// all positive; blocks are summed in double.
constexpr double kSum = 32 * kEps;
constexpr float kBeta = 0.7F;

std::vector<float> levels(std::size_t count) {
  std::vector<float> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<float>(i * 37 % 256);
  return bytes;
}

/// Three differences, each rounded once, two products, a sum; of values up to `largest`.
Tolerance gradient_tolerance(const TemporalMseGeometry& g, double largest) {
  const double scale = 2 / (double(g.n) * double(g.roi_size()));
  return {16 * kEps * scale * largest, 4 * kEps};
}

struct Case {
  TemporalMseGeometry g;
  std::vector<std::uint8_t> starts;
  std::size_t shift = 0;
  bool output_relu = false;
};

/// Every value twice with one workspace: a call must leave it fit for the next.
template <typename T, typename Y>
void check(const Case& c, const Array<T>& p, const Array<Y>& y, double largest) {
  const TemporalMseGeometry& g = c.g;
  CAPTURE(g.n, g.h, g.w, g.c, g.roi_top, g.roi_left, g.roi_height, g.roi_width, c.shift,
          c.output_relu);
  auto expected = oracle::temporal_mse(g, double(kBeta), p.read(), y.read(), c.starts);
  if (c.output_relu) expected.gradient = oracle::relu_backward(p.read(), expected.gradient);
  const Array<std::uint8_t> starts(std::vector<float>(c.starts.begin(), c.starts.end()));
  const Doubles result = in_every_order([&] {
    Workspace workspace(cuda::temporal_mse_workspace(g));
    workspace.zero();
    Doubles all;
    for (const bool wanted : {true, false, true}) {
      Array<T> gradient(g.size(), c.shift);
      Array<double> value(3);
      cuda::temporal_mse(kNow, g, kBeta, c.output_relu, p.data(), y.data(), starts.data(),
                         wanted ? gradient.data() : nullptr,
                         reinterpret_cast<TemporalMseValue*>(value.data()), workspace.data());
      workspace.read();
      all = joined(all, value.read());
      if (wanted) all = joined(all, gradient.read());
    }
    return all;
  });
  const std::size_t once = 3 + g.size();
  const Doubles value = part(result, 0, 3), again = part(result, once, 3);
  CHECK(value == again);
  CHECK(part(result, 0, once) == part(result, once + 3, once));
  CHECK(value[0] == Approx(expected.loss).epsilon(kSum));
  CHECK(value[1] == Approx(expected.fidelity).epsilon(kSum));
  CHECK(value[2] == Approx(expected.temporal).epsilon(kSum));
  require_close(part(result, 3, g.size()), expected.gradient,
                stored<T>(gradient_tolerance(g, largest)));
}

template <typename T>
void check_with_floats_and_bytes(const Case& c) {
  const std::size_t size = c.g.size();
  const Array<T> p(random_values(size, 1), c.shift), y(random_values(size, 2), c.shift);
  check(c, p, y, 1);
  std::vector<float> bright = random_values(size, 3);
  for (float& value : bright) value = 127.5F + 127.5F * value;
  check(c, Array<T>(bright, c.shift), Array<std::uint8_t>(levels(size), c.shift), 256);
}

TemporalMseGeometry whole(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c) {
  return {n, h, w, c, 0, 0, h, w};
}

}  // namespace

TEMPLATE_TEST_CASE("temporal_mse matches the oracle for every size", "[simt]", float, bfloat16) {
  // One value; a block's columns and one past them; frames within one walk and one past it; enough
  // frames for the long walk.
  const TemporalMseGeometry g =
      GENERATE(whole(1, 1, 1, 1), whole(2, 3, 5, 3), whole(5, 8, 8, 8), whole(4, 19, 27, 1),
               whole(9, 4, 9, 3), whole(65, 4, 4, 3), whole(70, 3, 3, 1));
  const auto shift = GENERATE(0U, 1U);
  std::vector<std::uint8_t> starts(std::size_t(g.n));
  if (g.n > 4) starts[4] = 1;
  check_with_floats_and_bytes<TestType>({g, starts, shift});
}

TEMPLATE_TEST_CASE("temporal_mse breaks the chain where a clip starts", "[simt]", float, bfloat16) {
  const TemporalMseGeometry g = whole(9, 4, 8, 3);
  std::vector<std::uint8_t> starts(9);
  SECTION("everywhere") { starts.assign(9, 1); }
  SECTION("nowhere") {}
  SECTION("first and last") { starts = {1, 0, 0, 0, 0, 0, 0, 0, 1}; }
  SECTION("at the end of a thread's walk") { starts = {0, 0, 0, 1, 1, 0, 0, 0, 0}; }
  check_with_floats_and_bytes<TestType>({g, starts});
}

TEMPLATE_TEST_CASE("temporal_mse counts a region, and a ReLU's result where it is above 0",
                   "[simt]", float, bfloat16) {
  const TemporalMseGeometry g = GENERATE(
      TemporalMseGeometry{3, 8, 8, 3, 2, 3, 4, 2}, TemporalMseGeometry{3, 8, 8, 4, 0, 0, 1, 8},
      TemporalMseGeometry{66, 5, 7, 3, 4, 6, 1, 1}, whole(5, 6, 8, 3));
  const bool output_relu = GENERATE(false, true);
  check_with_floats_and_bytes<TestType>(
      {g, std::vector<std::uint8_t>(std::size_t(g.n)), GENERATE(0U, 1U), output_relu});
}

TEST_CASE("temporal_mse of a NaN is one", "[simt]") {
  const TemporalMseGeometry g = whole(2, 4, 4, 1);
  std::vector<float> values(g.size(), 1.0F);
  values[20] = std::numeric_limits<float>::quiet_NaN();
  const Array<float> p(values), y(std::vector<float>(g.size(), 1.0F));
  const Array<std::uint8_t> starts(std::vector<float>(2, 0.0F));
  Array<double> value(3);
  Workspace workspace(cuda::temporal_mse_workspace(g));
  workspace.zero();
  cuda::temporal_mse<float, float>(kNow, g, kBeta, false, p.data(), y.data(), starts.data(),
                                   nullptr, reinterpret_cast<TemporalMseValue*>(value.data()),
                                   workspace.data());
  CHECK(std::isnan(value.read()[0]));
}
