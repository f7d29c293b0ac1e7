#include <algorithm>

#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

/// As the books draw it: every pixel of x stamps the kernel, scaled, into a canvas; kSame keeps the
/// part of it that TensorFlow keeps. x (n, h, w, i), kernel (kh, kw, o, i).
Doubles stamped(const Shape& x_shape, const Shape& w_shape, const Shape& y_shape, int stride,
                Padding padding, const std::vector<Doubles>& in, Activation activation) {
  const auto at = [](const Shape& s, std::int64_t a, std::int64_t b, std::int64_t c,
                     std::int64_t d) {
    return static_cast<std::size_t>(((a * s[1] + b) * s[2] + c) * s[3] + d);
  };
  // A kSame canvas is (h - 1) stride + kh tall and h stride of it stay: half of the rest goes
  // above.
  const auto cut = [&](std::int64_t window) {
    return padding == Padding::kSame ? std::max<std::int64_t>(window - stride, 0) / 2 : 0;
  };
  Doubles y(static_cast<std::size_t>(y_shape.size()), 0.0);
  for (std::int64_t n = 0; n < x_shape[0]; ++n)
    for (std::int64_t row = 0; row < x_shape[1]; ++row)
      for (std::int64_t column = 0; column < x_shape[2]; ++column)
        for (std::int64_t kh = 0; kh < w_shape[0]; ++kh)
          for (std::int64_t kw = 0; kw < w_shape[1]; ++kw) {
            const std::int64_t top = row * stride + kh - cut(w_shape[0]);
            const std::int64_t left = column * stride + kw - cut(w_shape[1]);
            if (top < 0 || left < 0 || top >= y_shape[1] || left >= y_shape[2]) continue;
            for (std::int64_t o = 0; o < w_shape[2]; ++o)
              for (std::int64_t i = 0; i < w_shape[3]; ++i)
                y[at(y_shape, n, top, left, o)] +=
                    in[0][at(x_shape, n, row, column, i)] * in[1][at(w_shape, kh, kw, o, i)];
          }
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (in.size() > 2) y[i] += in[2][i % in[2].size()];
    if (activation == Activation::kRelu) y[i] = std::max(y[i], 0.0);
  }
  return y;
}

}  // namespace

TEST_CASE("conv_transpose2d on the tape matches its double for every option") {
  const auto stride = GENERATE(1, 2, 3);
  const auto kernel = GENERATE(2, 3, 4);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto activation = GENERATE(Activation::kNone, Activation::kRelu);
  const auto bias = GENERATE(true, false);
  if (padding == Padding::kValid && kernel < stride) return;  // refused
  CAPTURE(stride, kernel, int(padding), int(activation), bias);
  const Shape x{2, 3, 4, 2}, w{kernel, 3, 3, 2};
  const Shape y = padding == Padding::kSame ? Shape{2, 3 * stride, 4 * stride, 3}
                                            : Shape{2, 2 * stride + kernel, 3 * stride + 3, 3};
  std::vector<Input> inputs{random_input(x, 1), random_input(w, 2)};
  if (bias) inputs.push_back(random_input({3}, 3));
  check_op(
      inputs,
      [&](const std::vector<Variable>& in) {
        const Variable result = ops::conv_transpose2d(in[0], in[1], bias ? in[2] : Variable(),
                                                      {stride, 1, padding, activation});
        REQUIRE(result.shape() == y);
        return result;
      },
      [&](const std::vector<Doubles>& in) {
        return stamped(x, w, y, stride, padding, in, activation);
      },
      static_cast<std::size_t>(y[0] * y[1] * y[2]), 4);
}

TEST_CASE("conv_transpose2d is the transpose of conv2d: <conv(a), b> = <a, transpose(b)>") {
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const Input a = random_input({2, 8, 12, 5}, 1), w = random_input({4, 4, 5, 7}, 2);
  const Variable kernel = variable(w, false);
  const Variable there = ops::conv2d(variable(a, false), kernel, {}, {2, 1, padding});
  const Input b = random_input(there.shape(), 3);
  const Variable back =
      ops::conv_transpose2d(variable(b, false), kernel, {}, {2, 1, padding, Activation::kNone});
  REQUIRE(back.shape() == a.shape);
  const auto inner = [](const std::vector<float>& p, const std::vector<float>& q) {
    return std::inner_product(p.begin(), p.end(), q.begin(), 0.0);
  };
  // Some thousand terms of size sqrt(window * channels), each rounded as a sum of 112.
  constexpr double kRounding = 1e-3;
  CHECK(inner(there.value().to_host(), b.values) ==
        Approx(inner(a.values, back.value().to_host())).epsilon(0).margin(kRounding));
}
