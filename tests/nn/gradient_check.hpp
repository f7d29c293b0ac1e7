// Holds an operation of the tape against the same operation in double: its values, and the
// gradients of all its inputs against central differences.
#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "nn/ops/ops.hpp"
#include "support/guarded.hpp"
#include "support/slope.hpp"

namespace afterglow::test {

using Doubles = std::vector<double>;
/// The operation on the tape, and the same in double; both from all inputs in order.
using TapeOp = std::function<Variable(const std::vector<Variable>&)>;
using DoubleOp = std::function<Doubles(const std::vector<Doubles>&)>;

struct Input {
  Shape shape;
  std::vector<float> values;
};

/// Values of random_values.
inline Input random_input(const Shape& shape, std::uint64_t seed) {
  return {shape, random_values(static_cast<std::size_t>(shape.size()), seed)};
}

inline const std::shared_ptr<Backend>& test_backend() {
  static const std::shared_ptr<Backend> backend = make_cpu_backend();
  return backend;
}

inline Variable variable(const Input& input, bool wants_gradient) {
  return Variable(Tensor::from_host(test_backend(), input.shape, input.values), wants_gradient);
}

/// Checks values and gradients for every choice of inputs that want one, and for a second use of
/// all inputs. The gradients of the leaves start from random values (an assignment in place of a
/// sum shows), and so does the gradient of the result. `terms`: the length of the longest sum in
/// the op and its gradients (sum_tolerance).
inline void check_op(const std::vector<Input>& inputs, const TapeOp& op, const DoubleOp& in_double,
                     std::size_t terms, std::uint64_t seed) {
  CAPTURE(seed);
  // A kink (of a ReLU, of a maximum) this near to a value is bad luck and fails: take another seed.
  constexpr double kStep = 1e-6;
  // Rounding of the double sums, divided by the step.
  constexpr double kDifferenceError = 1e-7;
  const Tolerance forward = sum_tolerance(terms);
  std::vector<Doubles> doubles;
  for (const Input& input : inputs) doubles.push_back(to_double(input.values));
  const Doubles y_reference = in_double(doubles);
  const std::vector<float> dy = random_values(y_reference.size(), seed);
  std::vector<Doubles> slopes;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    slopes.push_back(oracle::slopes(doubles[i], kStep, [&](const Doubles& at) {
      std::vector<Doubles> moved = doubles;
      moved[i] = at;
      const Doubles y = in_double(moved);
      return std::inner_product(y.begin(), y.end(), dy.begin(), 0.0);
    }));
  }

  const auto check = [&](unsigned wanted, int uses) {
    CAPTURE(wanted, uses);
    std::vector<Variable> leaves;
    std::vector<std::vector<float>> before;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      leaves.push_back(variable(inputs[i], (wanted >> i & 1U) != 0));
      before.push_back(random_values(inputs[i].values.size(), seed + 1 + i));
      if (leaves[i].wants_gradient()) {
        leaves[i].gradient() = Tensor::from_host(test_backend(), inputs[i].shape, before[i]);
      }
    }
    const Variable once = op(leaves);
    REQUIRE(once.wants_gradient() == (wanted != 0));
    require_close(once.value().to_host(), y_reference, forward);
    if (wanted == 0) return;
    const Tensor seed_gradient = Tensor::from_host(test_backend(), once.shape(), dy);
    backward(uses == 1 ? once : ops::add(once, op(leaves)), seed_gradient);
    REQUIRE(seed_gradient.to_host() == dy);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      CAPTURE(i);
      if (!leaves[i].wants_gradient()) {
        REQUIRE_FALSE(leaves[i].gradient());
        continue;
      }
      Doubles reference = slopes[i];
      for (std::size_t j = 0; j < reference.size(); ++j) {
        reference[j] = uses * reference[j] + double(before[i][j]);
      }
      const Tensor& gradient = leaves[i].gradient();
      REQUIRE(gradient.shape() == inputs[i].shape);
      require_close(gradient.to_host(), reference,
                    {uses * (forward.absolute + kDifferenceError), forward.relative});
      for (const Variable& other : leaves) {
        const bool itself = &other == &leaves[i];
        REQUIRE(other.gradient().shares_buffer(gradient) == itself);
      }
    }
  };
  for (unsigned wanted = 0; wanted < 1U << inputs.size(); ++wanted) check(wanted, 1);
  check((1U << inputs.size()) - 1, 2);
}

/// The message of the ShapeError that `call` throws; fails the test when it throws none.
template <typename Call>
std::string shape_error_of(const Call& call) {
  try {
    call();
  } catch (const ShapeError& error) {
    return error.what();
  }
  FAIL("no ShapeError");
  return {};
}

}  // namespace afterglow::test
