#include "support/oracle_conv.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("conv2d on the tape matches its double for every option") {
  const auto stride = GENERATE(1, 2);
  const auto dilation = GENERATE(1, 2);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto activation = GENERATE(Activation::kNone, Activation::kRelu);
  const auto bias = GENERATE(true, false);
  CAPTURE(stride, dilation, int(padding), int(activation), bias);
  const Conv2dGeometry g{2, 6, 7, 2, 3, 3, 2, stride, dilation, padding};
  std::vector<Input> inputs{random_input({2, 6, 7, 2}, 1), random_input({3, 2, 2, 3}, 2)};
  if (bias) inputs.push_back(random_input({3}, 3));
  check_op(
      inputs,
      [&](const std::vector<Variable>& in) {
        return ops::conv2d(in[0], in[1], bias ? in[2] : Variable(),
                           {stride, dilation, padding, activation});
      },
      [&](const std::vector<Doubles>& in) {
        return oracle::conv2d(g, in[0], in[1], bias ? in[2] : Doubles(), activation);
      },
      std::size_t(g.n) * g.out_h() * g.out_w(), 4);
}

TEST_CASE("conv2d gives its result the shape that TensorFlow's padding gives") {
  const Variable x = variable(random_input({1, 7, 8, 2}, 1), false);
  const Variable w = variable(random_input({3, 3, 2, 5}, 2), false);
  CHECK(ops::conv2d(x, w, {}, {2, 1, Padding::kSame}).shape() == Shape{1, 4, 4, 5});
  CHECK(ops::conv2d(x, w, {}, {2, 1, Padding::kValid}).shape() == Shape{1, 3, 3, 5});
  CHECK(ops::conv2d(x, w, {}, {1, 3, Padding::kValid}).shape() == Shape{1, 1, 2, 5});
}
