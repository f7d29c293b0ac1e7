// From values whose type is known when the program runs to pointers of that type.
#pragma once

#include <cstdint>

#include "kernels/cuda/bfloat16.hpp"
#include "kernels/values.hpp"

namespace afterglow::cuda {

template <typename T>
inline constexpr ValueType kTypeOf = ValueType::kFloat32;
template <>
inline constexpr ValueType kTypeOf<bfloat16> = ValueType::kBfloat16;

/// The address of values that must be of type T; nullptr for none. Throws Unsupported.
template <typename T>
const T* typed(Source x) {
  if (x.empty()) return nullptr;
  if (x.type() != kTypeOf<T>) throw Unsupported("activations of one call are of different types");
  return static_cast<const T*>(x.memory());
}
template <typename T>
T* typed(Destination y) {
  return const_cast<T*>(typed<T>(Source(y)));
}

/// Calls f with x's address: a const float* or a const bfloat16*. Throws Unsupported for bytes.
template <typename F>
void with_type(Source x, const F& f) {
  switch (x.type()) {
    case ValueType::kFloat32:
      return f(static_cast<const float*>(x.memory()));
    case ValueType::kBfloat16:
      return f(static_cast<const bfloat16*>(x.memory()));
    case ValueType::kUint8:
      throw Unsupported("bytes are converted first");
  }
}

/// The same, and a const std::uint8_t* for bytes.
template <typename F>
void with_type_or_bytes(Source x, const F& f) {
  if (x.type() == ValueType::kUint8) return f(static_cast<const std::uint8_t*>(x.memory()));
  with_type(x, f);
}

}  // namespace afterglow::cuda
