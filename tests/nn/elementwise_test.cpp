#include <algorithm>
#include <functional>

#include "support/oracle_elementwise.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("relu on the tape matches its double") {
  check_op(
      {random_input({2, 3, 4, 5}, 1)},
      [](const std::vector<Variable>& in) { return ops::relu(in[0]); },
      [](const std::vector<Doubles>& in) { return oracle::relu(in[0]); }, 1, 2);
}

TEST_CASE("add on the tape matches its double") {
  check_op(
      {random_input({2, 3, 4, 5}, 1), random_input({2, 3, 4, 5}, 2)},
      [](const std::vector<Variable>& in) { return ops::add(in[0], in[1]); },
      [](const std::vector<Doubles>& in) {
        Doubles y(in[0].size());
        std::transform(in[0].begin(), in[0].end(), in[1].begin(), y.begin(), std::plus<>());
        return y;
      },
      1, 3);
}

TEST_CASE("scale on the tape matches its double") {
  const auto factor = GENERATE(0.0F, 1.0F, -0.75F);  // exact in float and double
  CAPTURE(factor);
  check_op(
      {random_input({7}, 1)},
      [&](const std::vector<Variable>& in) { return ops::scale(in[0], factor); },
      [&](const std::vector<Doubles>& in) {
        Doubles y = in[0];
        for (double& value : y) value *= double(factor);
        return y;
      },
      1, 2);
}
