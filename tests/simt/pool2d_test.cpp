#include "simt/kernel_test.hpp"
#include "support/oracle_elementwise.hpp"
#include "support/oracle_pool.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

Pool2dGeometry any_geometry() {
  return GENERATE(Pool2dGeometry{1, 1, 1, 1, 1, 1, Padding::kValid},
                  Pool2dGeometry{2, 8, 6, 8, 2, 2, Padding::kValid},
                  Pool2dGeometry{1, 9, 7, 3, 2, 2, Padding::kValid},
                  Pool2dGeometry{2, 13, 11, 5, 3, 2, Padding::kValid},
                  Pool2dGeometry{1, 10, 9, 8, 3, 2, Padding::kSame},
                  Pool2dGeometry{1, 6, 7, 4, 2, 3, Padding::kSame},
                  Pool2dGeometry{1, 17, 16, 1, 16, 1, Padding::kSame},
                  Pool2dGeometry{1, 16, 16, 64, 2, 2, Padding::kValid});
}
std::size_t any_shift() { return GENERATE(0U, 1U); }

/// As many values above 0 as below, and equal ones among them.
std::vector<float> with_ties(std::size_t count, std::uint64_t seed) {
  std::vector<float> values = random_values(count, seed);
  for (float& value : values) value = std::round(4 * value) / 4;
  return values;
}

}  // namespace

TEMPLATE_TEST_CASE("max_pool2d and its gradient match the oracle", "[simt]", float, bfloat16) {
  Pool2dGeometry g = any_geometry();
  g.relu = g.window < 16 && GENERATE(false, true);  // a 257th winner fits into no byte
  const auto shift = any_shift();
  CAPTURE(g.h, g.w, g.c, g.window, g.stride, shift);
  const Array<TestType> x(with_ties(g.x_size(), 1), shift), dy(random_values(g.y_size(), 2), shift);
  const oracle::MaxPool expected = oracle::max_pool2d(g, x.read());
  const auto bytes = oracle::packed(expected.argmax, g.c, g.window * g.window + int(g.relu));
  REQUIRE(bytes.size() == g.winners_size());
  const Doubles result = in_every_order([&] {
    Array<TestType> y(g.y_size(), shift);
    Array<std::uint8_t> winners(g.winners_size(), shift);
    cuda::max_pool2d(kNow, g, x.data(), y.data(), winners.data());
    return joined(y.read(), winners.read());
  });
  CHECK(result == joined(expected.y, Doubles(bytes.begin(), bytes.end())));
  Array<TestType> alone(g.y_size(), shift);
  cuda::max_pool2d(kNow, g, x.data(), alone.data(), nullptr);
  CHECK(alone.read() == expected.y);

  const Array<std::uint8_t> winners(std::vector<float>(bytes.begin(), bytes.end()), shift);
  const Doubles gradient = in_every_order([&] {
    Array<TestType> dx(g.x_size(), shift);
    cuda::max_pool2d_backward(kNow, g, dy.data(), winners.data(), dx.data());
    return dx.read();
  });
  // A pixel wins in at most ceil(window / stride)^2 windows.
  const auto windows = std::size_t((g.window + g.stride - 1) / g.stride);
  require_close(gradient, oracle::max_pool2d_backward(g, x.read(), dy.read()),
                stored<TestType>(sum_tolerance(windows * windows)));
}

TEMPLATE_TEST_CASE("in a pool a NaN wins, and has no gradient behind a ReLU", "[simt]", float,
                   bfloat16) {
  const bool relu = GENERATE(false, true);
  const Pool2dGeometry g{1, 2, 2, 8, 2, 2, Padding::kValid, relu};
  std::vector<float> values(g.x_size(), 1.0F);
  values[2 * 8 + 3] = std::numeric_limits<float>::quiet_NaN();  // row 1, column 0, channel 3
  values[8 + 5] = std::numeric_limits<float>::infinity();
  const Array<TestType> x(values);
  Array<TestType> y(g.y_size());
  Array<std::uint8_t> winners(g.winners_size());
  cuda::max_pool2d(kNow, g, x.data(), y.data(), winners.data());
  const Doubles pooled_values = y.read();
  for (std::size_t c = 0; c < 8; ++c) CHECK(std::isnan(pooled_values[c]) == (c == 3));
  const auto expected = oracle::packed({0, 0, 0, relu ? 4 : 2, 0, 1, 0, 0}, 8, relu ? 5 : 4);
  CHECK(winners.read() == Doubles(expected.begin(), expected.end()));
  CHECK(std::isinf(pooled_values[5]));
}

TEMPLATE_TEST_CASE("avg_pool2d and its gradient match the oracle", "[simt]", float, bfloat16) {
  const Pool2dGeometry g = any_geometry();
  const auto shift = any_shift();
  CAPTURE(g.h, g.w, g.c, g.window, g.stride, shift);
  const Array<TestType> x(random_values(g.x_size(), 1), shift);
  const Array<TestType> dy(random_values(g.y_size(), 2), shift);
  const Tolerance tolerance =
      stored<TestType>(sum_tolerance(std::size_t(g.window) * std::size_t(g.window)));
  const Doubles y = in_every_order([&] {
    Array<TestType> result(g.y_size(), shift);
    cuda::avg_pool2d(kNow, g, x.data(), result.data());
    return result.read();
  });
  require_close(y, oracle::avg_pool2d(g, x.read()), tolerance);
  const Doubles dx = in_every_order([&] {
    Array<TestType> result(g.x_size(), shift);
    cuda::avg_pool2d_backward(kNow, g, dy.data(), result.data());
    return result.read();
  });
  require_close(dx, oracle::avg_pool2d_backward(g, dy.read()), tolerance);
}

TEMPLATE_TEST_CASE("upsample_nearest and its gradient match the oracle", "[simt]", float,
                   bfloat16) {
  const auto [n, h, w, c] = GENERATE(table<int, int, int, int>(
      {{1, 1, 1, 1}, {2, 3, 5, 3}, {1, 8, 7, 8}, {1, 4, 4, 100}, {1, 17, 16, 4}}));
  const auto shift = any_shift();
  const auto size = std::size_t(n * h * w * c);
  const Array<TestType> x(random_values(size, 1), shift), dy(random_values(4 * size, 2), shift);
  const Doubles y = in_every_order([&] {
    Array<TestType> result(4 * size, shift);
    cuda::upsample_nearest(kNow, n, h, w, c, x.data(), result.data());
    return result.read();
  });
  CHECK(y == oracle::upsample_nearest(n, h, w, c, x.read()));
  const Doubles dx = in_every_order([&] {
    Array<TestType> result(size, shift);
    cuda::upsample_nearest_backward(kNow, n, h, w, c, dy.data(), result.data());
    return result.read();
  });
  require_close(dx, oracle::upsample_nearest_backward(n, h, w, c, dy.read()),
                stored<TestType>(sum_tolerance(4)));
}
