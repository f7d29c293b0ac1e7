#include "support/oracle_elementwise.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("softmax_mean on the tape matches its double") {
  constexpr double kFactor = 2.5;
  const SoftmaxMeanGeometry g{2 * 3 * 4, 7, 2};
  const std::vector<float> centres = random_values(14, 5);
  check_op(
      {random_input({2, 3, 4, 7}, 1)},
      [&](const std::vector<Variable>& in) {
        return ops::softmax_mean(in[0], Tensor::from_host(in[0].backend(), {7, 2}, centres),
                                 static_cast<float>(kFactor));
      },
      [&](const std::vector<Doubles>& in) {
        return oracle::softmax_mean(g, kFactor, in[0], to_double(centres));
      },
      1, 2);
}
