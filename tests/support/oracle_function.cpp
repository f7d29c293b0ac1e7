#include "support/oracle_function.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace afterglow::oracle {
namespace {

double value(const Function& f, double x) {
  const double a = f.a, b = f.b;
  switch (f.kind) {
    case FunctionKind::kAffine:
      return a * x + b;
    case FunctionKind::kLeakyRelu:
      return std::max(x, 0.0) + a * std::min(x, 0.0);
    case FunctionKind::kSigmoid:
      return (1 + std::tanh(x / 2)) / 2;
    case FunctionKind::kExp:
      return std::exp(x);
    case FunctionKind::kClamp:
      return std::min(std::max(x, a), b);
    case FunctionKind::kAbs:
      return std::max(x, -x);
  }
  return NAN;
}

double slope(const Function& f, double x) {
  const double a = f.a, b = f.b;
  switch (f.kind) {
    case FunctionKind::kAffine:
      return a;
    case FunctionKind::kLeakyRelu:
      return x <= 0 ? a : 1;
    case FunctionKind::kSigmoid:
      return 0.25 / (std::cosh(x / 2) * std::cosh(x / 2));
    case FunctionKind::kExp:
      return std::exp(x);
    case FunctionKind::kClamp:
      return a <= x && x <= b ? 1 : 0;
    case FunctionKind::kAbs:
      return double(x > 0) - double(x < 0);
  }
  return NAN;
}

}  // namespace

Doubles apply(const Function& f, const Doubles& x) {
  Doubles y;
  for (const double at : x) y.push_back(value(f, at));
  return y;
}

Doubles apply_backward(const Function& f, const Doubles& x, const Doubles& dy) {
  Doubles dx;
  for (std::size_t i = 0; i < x.size(); ++i) dx.push_back(slope(f, x[i]) * dy[i]);
  return dx;
}

}  // namespace afterglow::oracle
