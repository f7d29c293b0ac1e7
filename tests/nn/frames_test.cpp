#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("slice_frames on the tape matches its double") {
  const auto first = GENERATE(0, 1, 3);
  const auto count = GENERATE(1, 2);
  CAPTURE(first, count);
  constexpr std::ptrdiff_t kFrame = 2 * 3 * 2;
  check_op(
      {random_input({5, 2, 3, 2}, 1)},
      [&](const std::vector<Variable>& in) { return ops::slice_frames(in[0], first, count); },
      [&](const std::vector<Doubles>& in) {
        const auto begin = in[0].begin() + first * kFrame;
        return Doubles(begin, begin + count * kFrame);
      },
      1, 2);
}

TEST_CASE("concat_frames on the tape matches its double") {
  check_op(
      {random_input({1, 2, 3, 2}, 1), random_input({3, 2, 3, 2}, 2), random_input({2, 2, 3, 2}, 3)},
      [](const std::vector<Variable>& in) { return ops::concat_frames(in); },
      [](const std::vector<Doubles>& in) {
        Doubles y;
        for (const Doubles& part : in) y.insert(y.end(), part.begin(), part.end());
        return y;
      },
      1, 4);
}

TEST_CASE("concat_frames undoes slice_frames, gradients included") {
  const Input frames = random_input({3, 2, 2, 1}, 1);
  const Variable x = variable(frames, true);
  std::vector<Variable> parts;
  for (int i = 0; i < 3; ++i) parts.push_back(ops::slice_frames(x, i, 1));
  const Variable y = ops::concat_frames(parts);
  CHECK(y.value().to_host() == frames.values);
  const std::vector<float> dy = random_values(12, 2);
  backward(y, Tensor::from_host(test_backend(), y.shape(), dy));
  CHECK(x.gradient().to_host() == dy);
}
