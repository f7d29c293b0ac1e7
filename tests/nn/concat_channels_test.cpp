#include "support/oracle_elementwise.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("concat_channels on the tape matches its double") {
  check_op(
      {random_input({2, 3, 4, 5}, 1), random_input({2, 3, 4, 2}, 2)},
      [](const std::vector<Variable>& in) { return ops::concat_channels(in[0], in[1]); },
      [](const std::vector<Doubles>& in) {
        return oracle::concat_channels(2 * 3 * 4, 5, 2, in[0], in[1]);
      },
      1, 3);
}

TEST_CASE("concat_channels of a variable with itself sums both gradients") {
  const Variable x = variable(random_input({1, 2, 2, 1}, 1), true);
  backward(
      ops::concat_channels(x, x),
      Tensor::from_host(test_backend(), {1, 2, 2, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}));
  CHECK(x.gradient().to_host() == std::vector<float>{3, 7, 11, 15});
}
