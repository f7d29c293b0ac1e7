#include <numeric>

#include "support/oracle_pixels.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

const Shape kPixelsShape{2, 3, 5, 4};
constexpr FrameGeometry kPixelsFrames{2, 3, 5, 4};
constexpr ChannelGeometry kPixelsRows{2 * 3 * 5, 4};

}  // namespace

TEST_CASE("multiply on the tape matches its double") {
  const Shape factors = GENERATE(values<Shape>({kPixelsShape, {2, 3, 5, 1}}));
  CAPTURE(factors.to_string());
  check_op(
      {random_input(kPixelsShape, 1), random_input(factors, 2)},
      [](const std::vector<Variable>& in) { return ops::multiply(in[0], in[1]); },
      [](const std::vector<Doubles>& in) { return oracle::multiply(kPixelsRows, in[0], in[1]); }, 4,
      3);
}

TEST_CASE("the square of a variable has twice the gradient") {
  const Input input = random_input(kPixelsShape, 1);
  const Variable x = variable(input, true);
  backward(ops::sum(ops::multiply(x, x)));
  std::vector<float> expected = input.values;
  for (float& value : expected) value *= 2;
  CHECK(x.gradient().to_host() == expected);
}

TEST_CASE("pixel_length on the tape matches its double") {
  const auto epsilon = GENERATE(0.0F, 0.25F);  // exact in float and double
  CAPTURE(epsilon);
  check_op(
      {random_input(kPixelsShape, 1)},
      [&](const std::vector<Variable>& in) { return ops::pixel_length(in[0], epsilon); },
      [&](const std::vector<Doubles>& in) {
        return oracle::pixel_length(kPixelsRows, double(epsilon), in[0]);
      },
      4, 2);
}

TEST_CASE("frame_mean on the tape matches its double") {
  check_op(
      {random_input(kPixelsShape, 1)},
      [](const std::vector<Variable>& in) { return ops::frame_mean(in[0]); },
      [](const std::vector<Doubles>& in) {
        return oracle::sum_pixels(kPixelsFrames, 1.0 / (3 * 5), in[0]);
      },
      1, 2);
}

TEST_CASE("add_to_pixels on the tape matches its double") {
  check_op(
      {random_input(kPixelsShape, 1), random_input({2, 1, 1, 4}, 2)},
      [](const std::vector<Variable>& in) { return ops::add_to_pixels(in[0], in[1]); },
      [](const std::vector<Doubles>& in) {
        return oracle::add_to_pixels(kPixelsFrames, 1, in[0], in[1]);
      },
      3 * 5, 3);
}

TEST_CASE("sum on the tape matches its double, whatever the shape") {
  const Shape shape = GENERATE(values<Shape>({kPixelsShape, {2, 3, 5, 1}, {7}, {3, 5}}));
  CAPTURE(shape.to_string());
  check_op(
      {random_input(shape, 1)}, [](const std::vector<Variable>& in) { return ops::sum(in[0]); },
      [](const std::vector<Doubles>& in) {
        return Doubles{std::accumulate(in[0].begin(), in[0].end(), 0.0)};
      },
      static_cast<std::size_t>(shape.size()), 2);
}
