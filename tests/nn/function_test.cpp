#include "support/oracle_function.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("functions of one value on the tape match their doubles") {
  struct Case {
    const char* name;
    std::function<Variable(const Variable&)> op;
    Function f;
  };
  const auto c = GENERATE(values<Case>({
      {"affine",
       [](const Variable& x) { return ops::affine(x, -2.5F, 0.75F); },
       {FunctionKind::kAffine, -2.5F, 0.75F}},
      {"leaky_relu",
       [](const Variable& x) { return ops::leaky_relu(x, 0.1F); },
       {FunctionKind::kLeakyRelu, 0.1F, 0}},
      {"sigmoid", [](const Variable& x) { return ops::sigmoid(x); }, {FunctionKind::kSigmoid}},
      {"exp", [](const Variable& x) { return ops::exp(x); }, {FunctionKind::kExp}},
      {"clamp",
       [](const Variable& x) { return ops::clamp(x, -0.5F, 0.25F); },
       {FunctionKind::kClamp, -0.5F, 0.25F}},
      {"abs", [](const Variable& x) { return ops::abs(x); }, {FunctionKind::kAbs}},
  }));
  CAPTURE(c.name);
  constexpr std::size_t kRoundings = 4;  // of an exp and what follows it
  check_op(
      {random_input({2, 3, 4, 5}, 1)}, [&](const std::vector<Variable>& in) { return c.op(in[0]); },
      [&](const std::vector<Doubles>& in) { return oracle::apply(c.f, in[0]); }, kRoundings, 2);
}
