#include "support/oracle_pool.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("max_pool2d and avg_pool2d on the tape match their doubles") {
  const auto window = GENERATE(1, 2, 3);
  const auto stride = GENERATE(1, 2, 3);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  CAPTURE(window, stride, int(padding));
  const Pool2dGeometry g{2, 5, 7, 3, window, stride, padding};
  const std::size_t terms = 9;  // windows that share a pixel, or pixels in a window
  check_op(
      {random_input({2, 5, 7, 3}, 1)},
      [&](const std::vector<Variable>& in) {
        return ops::max_pool2d(in[0], window, stride, padding);
      },
      [&](const std::vector<Doubles>& in) { return oracle::max_pool2d(g, in[0]).y; }, terms, 2);
  check_op(
      {random_input({2, 5, 7, 3}, 3)},
      [&](const std::vector<Variable>& in) {
        return ops::avg_pool2d(in[0], window, stride, padding);
      },
      [&](const std::vector<Doubles>& in) { return oracle::avg_pool2d(g, in[0]); }, terms, 4);
}

TEST_CASE("max_pool2d gives the gradient of equal values to the first of them") {
  const Variable x(Tensor::full(test_backend(), {1, 2, 2, 1}, 3.0F), true);
  backward(ops::max_pool2d(x, 2, 2));
  CHECK(x.gradient().to_host() == std::vector<float>{1, 0, 0, 0});
}
