#include "support/oracle_conv.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("upsample_conv2d on the tape matches its double") {
  const auto kernel = GENERATE(1, 3, 5);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto activation = GENERATE(Activation::kNone, Activation::kRelu);
  const auto bias = GENERATE(true, false);
  CAPTURE(kernel, int(padding), int(activation), bias);
  const UpsampleConv2dGeometry g{2, 3, 4, 2, 3, kernel, padding};
  std::vector<Input> inputs{random_input({2, 3, 4, 2}, 1), random_input({kernel, kernel, 2, 3}, 2)};
  if (bias) inputs.push_back(random_input({3}, 3));
  check_op(
      inputs,
      [&](const std::vector<Variable>& in) {
        return ops::upsample_conv2d(in[0], in[1], bias ? in[2] : Variable(), padding, activation);
      },
      [&](const std::vector<Doubles>& in) {
        return oracle::upsample_conv2d(g, in[0], in[1], bias ? in[2] : Doubles(), activation);
      },
      std::size_t(g.n) * g.out_h() * g.out_w(), 4);
}

TEST_CASE("upsample_conv2d equals upsample_nearest and conv2d in all three passes") {
  const auto kernel = GENERATE(3, 5);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto channels = GENERATE(6, 33);
  CAPTURE(kernel, int(padding), channels);
  const Input x = random_input({2, 9, 7, channels}, 1);
  const Input w = random_input({kernel, kernel, channels, 17}, 2);
  const Input b = random_input({17}, 3);
  const auto run = [&](bool fused) {
    const Variable in = variable(x, true), kernels = variable(w, true), bias = variable(b, true);
    const Variable y = fused
                           ? ops::upsample_conv2d(in, kernels, bias, padding)
                           : ops::conv2d(ops::upsample_nearest(in), kernels, bias, {1, 1, padding});
    const auto size = static_cast<std::size_t>(y.shape().size());
    backward(y, Tensor::from_host(test_backend(), y.shape(), random_values(size, 4)));
    return std::vector{y.value().to_host(), in.gradient().to_host(), kernels.gradient().to_host(),
                       bias.gradient().to_host()};
  };
  const auto fused = run(true), in_two = run(false);
  const std::size_t pixels = 2 * 18 * 14;
  const std::size_t window = std::size_t(kernel) * std::size_t(kernel);
  const std::size_t terms[] = {window * std::size_t(channels), 4 * window * 17, pixels, pixels};
  for (std::size_t i = 0; i < fused.size(); ++i) {
    CAPTURE(i);
    // Both sides round; the result of more channels may be Winograd's.
    const bool winograd = i == 0 && channels >= 32;
    const Tolerance one = winograd ? winograd_tolerance(terms[i]) : sum_tolerance(terms[i]);
    require_close(fused[i], to_double(in_two[i]), {2 * one.absolute, 2 * one.relative});
  }
}
