#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "kernels/backend.hpp"
#include "support/backend_under_test.hpp"
#include "support/guarded.hpp"
#include "support/oracle_function.hpp"

using namespace afterglow;
using test::Guarded;
using test::random_values;
using test::require_close;
using test::to_double;

namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();
// An exp of up to 2 eps, two or three roundings behind it, which 1 - y makes absolute; a product
// and a sum of values up to 10.
constexpr test::Tolerance kFew{8 * kEps, 8 * kEps};

Function any_function() {
  return GENERATE(Function{FunctionKind::kAffine, -2.5F, 0.75F},
                  Function{FunctionKind::kLeakyRelu, 0.1F, 0},
                  Function{FunctionKind::kSigmoid, 0, 0}, Function{FunctionKind::kExp, 0, 0},
                  Function{FunctionKind::kClamp, -1.5F, 0.75F}, Function{FunctionKind::kAbs, 0, 0});
}

std::vector<float> function_values(std::size_t count) {
  std::vector<float> x = random_values(count, 1);
  for (float& value : x) value *= 4;
  return x;
}

}  // namespace

TEST_CASE("functions of one value and their gradients match the oracle") {
  const auto backend = test::make_backend();
  const Function f = any_function();
  // 1, primes, powers of two and their neighbours, several strips.
  const auto count = GENERATE(1U, 7U, 16U, 17U, 1021U, 16384U, 16385U, 70001U);
  CAPTURE(int(f.kind), count);
  const auto x = function_values(count), dy = random_values(count, 2);
  const Guarded in(*backend, x), y(*backend, count), dy_in(*backend, dy), dx(*backend, count);
  backend->apply(f, in.span(), y.span());
  require_close(y.read(), oracle::apply(f, to_double(x)), kFew);
  backend->apply_backward(f, in.span(), dy_in.span(), dx.span());
  const auto gradient = oracle::apply_backward(f, to_double(x), to_double(dy));
  require_close(dx.read(), gradient, kFew);

  // In place.
  backend->apply_backward(f, in.span(), dy_in.span(), dy_in.span());
  CHECK(dy_in.read() == dx.read());
  backend->apply(f, in.span(), in.span());
  CHECK(in.read() == y.read());
}

TEST_CASE("functions have the slopes at their corners that are written down") {
  const auto backend = test::make_backend();
  struct Corner {
    Function f;
    float x, value, slope;
  };
  const auto corner = GENERATE(values<Corner>({{{FunctionKind::kLeakyRelu, 0.1F, 0}, 0, 0, 0.1F},
                                               {{FunctionKind::kClamp, -2, 1}, -2, -2, 1},
                                               {{FunctionKind::kClamp, -2, 1}, 1, 1, 1},
                                               {{FunctionKind::kClamp, -2, 1}, -2.0001F, -2, 0},
                                               {{FunctionKind::kClamp, -2, 1}, 1.0001F, 1, 0},
                                               {{FunctionKind::kAbs, 0, 0}, 0, 0, 0}}));
  CAPTURE(int(corner.f.kind), corner.x);
  constexpr std::size_t kCount = 19;  // whole vectors and what is left
  const Guarded x(*backend, std::vector<float>(kCount, corner.x));
  const Guarded dy(*backend, std::vector<float>(kCount, 3)), y(*backend, kCount);
  const Guarded dx(*backend, kCount);
  backend->apply(corner.f, x.span(), y.span());
  backend->apply_backward(corner.f, x.span(), dy.span(), dx.span());
  CHECK(y.read() == std::vector<float>(kCount, corner.value));
  CHECK(dx.read() == std::vector<float>(kCount, 3 * corner.slope));
}

TEST_CASE("a function of a NaN is one, so that a broken network does not look whole") {
  const auto backend = test::make_backend();
  const Function f = any_function();
  CAPTURE(int(f.kind));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Guarded x(*backend, std::vector<float>(19, nan)), y(*backend, std::vector<float>(19, 1));
  backend->apply(f, x.span(), y.span());
  for (const float value : y.read()) REQUIRE(std::isnan(value));
}

TEST_CASE("sigmoid and exp of what is far from 0 are their limits") {
  const auto backend = test::make_backend();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> far(19, -1000), ones(19, 1);
  far.front() = far.back() = -kInfinity;
  std::vector<float> above = far;
  for (float& value : above) value = -value;
  const Guarded low(*backend, far), high(*backend, above), dy(*backend, ones), y(*backend, 19);
  const std::vector<float> zeros(19);
  backend->apply({FunctionKind::kSigmoid}, low.span(), y.span());
  CHECK(y.read() == zeros);
  backend->apply({FunctionKind::kSigmoid}, high.span(), y.span());
  CHECK(y.read() == ones);
  backend->apply({FunctionKind::kExp}, low.span(), y.span());
  CHECK(y.read() == zeros);
  backend->apply({FunctionKind::kExp}, high.span(), y.span());
  CHECK(y.read() == std::vector<float>(19, kInfinity));
  for (const Guarded* x : {&low, &high}) {
    backend->apply_backward({FunctionKind::kSigmoid}, x->span(), dy.span(), y.span());
    CHECK(y.read() == zeros);
  }
}
