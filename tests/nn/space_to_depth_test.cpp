#include "support/oracle_pixels.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("space_to_depth on the tape matches its double") {
  const FrameGeometry g{2, 4, 6, 3};
  check_op(
      {random_input({2, 4, 6, 3}, 1)},
      [](const std::vector<Variable>& in) { return ops::space_to_depth(in[0]); },
      [&](const std::vector<Doubles>& in) { return oracle::space_to_depth(g, in[0]); }, 1, 2);
}

TEST_CASE("depth_to_space on the tape matches its double") {
  const FrameGeometry g{2, 4, 6, 3};
  check_op(
      {random_input({2, 2, 3, 12}, 1)},
      [](const std::vector<Variable>& in) { return ops::depth_to_space(in[0]); },
      [&](const std::vector<Doubles>& in) { return oracle::depth_to_space(g, in[0]); }, 1, 2);
}

TEST_CASE("space_to_depth and back is the same frame") {
  const Input input = random_input({2, 4, 6, 3}, 1);
  const Variable deep = ops::space_to_depth(variable(input, false));
  CHECK(deep.shape() == Shape{2, 2, 3, 12});
  const Variable back = ops::depth_to_space(deep);
  CHECK(back.shape() == input.shape);
  CHECK(back.value().to_host() == input.values);
}
