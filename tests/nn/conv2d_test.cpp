#include "support/oracle_conv.hpp"
#include "support/oracle_pool.hpp"
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

TEST_CASE("conv2d_max_pool on the tape matches its double") {
  const auto height = GENERATE(6, 7);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  CAPTURE(height, int(padding));
  const Conv2dGeometry g{2, height, 8, 2, 3, 3, 3, 1, 1, padding};
  check_op(
      {random_input({2, height, 8, 2}, 1), random_input({3, 3, 2, 3}, 2), random_input({3}, 3)},
      [&](const std::vector<Variable>& in) {
        return ops::conv2d_max_pool(in[0], in[1], in[2], {1, 1, padding, Activation::kRelu});
      },
      [&](const std::vector<Doubles>& in) {
        const auto whole = oracle::conv2d(g, in[0], in[1], in[2], Activation::kRelu);
        return oracle::max_pool2d(pooled(g), whole).y;
      },
      std::size_t(g.n) * g.out_h() * g.out_w(), 4);
}

TEST_CASE("a kernel frozen after its op was recorded gets no gradient, nor does anything else") {
  const ops::Conv2dOptions options{1, 1, Padding::kSame, Activation::kRelu};
  for (const bool pool : {false, true}) {
    const Variable x = variable(random_input({1, 6, 6, 2}, 1), false);
    Variable w = variable(random_input({3, 3, 2, 3}, 2), true);
    const Variable y =
        pool ? ops::conv2d_max_pool(x, w, {}, options) : ops::conv2d(x, w, {}, options);
    w.set_wants_gradient(false);
    backward(y, Tensor::full(y.backend(), y.shape(), 1.0F));
    CHECK_FALSE(w.gradient());
  }
}

TEST_CASE("behind a frozen kernel, gradients are those behind a trained one") {
  const ops::Conv2dOptions options{1, 1, Padding::kSame, Activation::kRelu};
  const auto input_gradient = [&](bool trained, bool pool) {
    const Variable x = variable(random_input({1, 8, 8, 32}, 1), true);
    const Variable w = variable(random_input({3, 3, 32, 32}, 2), trained);
    const Variable y =
        pool ? ops::conv2d_max_pool(x, w, {}, options) : ops::conv2d(x, w, {}, options);
    backward(y, Tensor::full(y.backend(), y.shape(), 0.5F));
    return x.gradient().to_host();
  };
  for (const bool pool : {false, true}) {
    // Frozen kernels may be convolved by another algorithm.
    require_close(input_gradient(false, pool), to_double(input_gradient(true, pool)),
                  winograd_tolerance(9 * 32));
  }
}
