// Functions of one value and their gradients: one pass over memory each.
#include "kernels/function.hpp"

#include <type_traits>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {
namespace {

/// Calls body with the kind as a type, so that its loop holds one formula.
template <typename Body>
void with_kind(FunctionKind kind, const Body& body) {
  using enum FunctionKind;
  switch (kind) {
    case kAffine:
      return body(std::integral_constant<FunctionKind, kAffine>());
    case kLeakyRelu:
      return body(std::integral_constant<FunctionKind, kLeakyRelu>());
    case kSigmoid:
      return body(std::integral_constant<FunctionKind, kSigmoid>());
    case kExp:
      return body(std::integral_constant<FunctionKind, kExp>());
    case kClamp:
      return body(std::integral_constant<FunctionKind, kClamp>());
    case kAbs:
      return body(std::integral_constant<FunctionKind, kAbs>());
  }
}

}  // namespace

void CpuBackend::apply(const Function& f, Source x, Destination y) {
  with_kind(f.kind, [&](auto kind) {
    for_strips(y.size(), [&, a = f.a, b = f.b](std::size_t begin, std::size_t end) {
      const float* from = x.data();
      float* to = y.data();
#pragma omp simd
      for (std::size_t i = begin; i < end; ++i) to[i] = function_value<kind()>(a, b, from[i]);
    });
  });
}

void CpuBackend::apply_backward(const Function& f, Source x, Source dy, Destination dx) {
  with_kind(f.kind, [&](auto kind) {
    for_strips(dx.size(), [&, a = f.a, b = f.b](std::size_t begin, std::size_t end) {
      const float* from = x.data();
      const float* gradient = dy.data();
      float* to = dx.data();
#pragma omp simd
      for (std::size_t i = begin; i < end; ++i) {
        to[i] = function_slope<kind()>(a, b, from[i]) * gradient[i];
      }
    });
  });
}

}  // namespace afterglow
