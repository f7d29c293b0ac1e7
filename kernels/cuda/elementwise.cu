// Functions of single values: a thread takes 16 bytes at a time; what is left over, or lies
// unaligned, one by one.
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/vectors.cuh"
#include "kernels/function.hpp"

namespace afterglow::cuda {
namespace {

// What is computed of a value (or two), with up to two parameters.
struct Relu {
  __device__ static float of(float x, float, float) { return x < 0 ? 0 : x; }  // a NaN stays one
};
struct Scale {
  __device__ static float of(float x, float factor, float) { return factor * x; }
};
struct Same {
  __device__ static float of(float x, float, float) { return x; }
};
template <FunctionKind kKind>
struct Value {
  __device__ static float of(float x, float a, float b) { return function_value<kKind>(a, b, x); }
};
struct Add {
  __device__ static float of(float a, float b, float, float) { return a + b; }
};
struct ReluBackward {
  __device__ static float of(float y, float dy, float, float) { return y > 0 ? dy : 0; }
};
template <FunctionKind kKind>
struct Slope {
  __device__ static float of(float x, float dy, float a, float b) {
    return function_slope<kKind>(a, b, x) * dy;
  }
};
struct Multiply {
  __device__ static float of(float a, float b, float, float) { return a * b; }
};
struct Blend {
  __device__ static float of(float y, float x, float factor, float t) {
    return (1 - t) * y + t * (factor * x);
  }
};

template <typename F, typename S, typename T>
__global__ void __launch_bounds__(kThreads)
    map_kernel(std::int64_t n, std::int64_t packs, const S* x, float p, float q, T* y) {
  constexpr int kWidth = kWidthOf<S, T>;
  const std::int64_t first = thread_number(), step = thread_count();
  for (std::int64_t i = first; i < packs; i += step) {
    const auto in = load<kWidth>(x + i * kWidth);
    Pack<T, kWidth> out;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      out.values[k] = from_float<T>(F::of(to_float(in.values[k]), p, q));
    }
    store(y + i * kWidth, out);
  }
  for (std::int64_t i = packs * kWidth + first; i < n; i += step) {
    y[i] = from_float<T>(F::of(to_float(x[i]), p, q));
  }
}

template <typename F, typename T>
__global__ void __launch_bounds__(kThreads)
    zip_kernel(std::int64_t n, std::int64_t packs, const T* a, const T* b, float p, float q, T* y) {
  constexpr int kWidth = kWidthOf<T>;
  const std::int64_t first = thread_number(), step = thread_count();
  for (std::int64_t i = first; i < packs; i += step) {
    const auto left = load<kWidth>(a + i * kWidth), right = load<kWidth>(b + i * kWidth);
    Pack<T, kWidth> out;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      out.values[k] =
          from_float<T>(F::of(to_float(left.values[k]), to_float(right.values[k]), p, q));
    }
    store(y + i * kWidth, out);
  }
  for (std::int64_t i = packs * kWidth + first; i < n; i += step) {
    y[i] = from_float<T>(F::of(to_float(a[i]), to_float(b[i]), p, q));
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    fill_kernel(std::int64_t n, std::int64_t packs, float value, T* y) {
  constexpr int kWidth = kWidthOf<T>;
  const T typed = from_float<T>(value);
  Pack<T, kWidth> out;
#pragma unroll
  for (int k = 0; k < kWidth; ++k) out.values[k] = typed;
  const std::int64_t first = thread_number(), step = thread_count();
  for (std::int64_t i = first; i < packs; i += step) store(y + i * kWidth, out);
  for (std::int64_t i = packs * kWidth + first; i < n; i += step) y[i] = typed;
}

/// How many packs the n values have, when all pointers allow packs.
template <int kWidth, typename... Pointers>
std::int64_t packs_of(std::int64_t n, const Pointers*... pointers) {
  return (... && is_aligned<kWidth>(pointers)) ? n / kWidth : 0;
}

/// A thread a pack, or a value where there are none.
unsigned grid_for(std::int64_t n, std::int64_t packs) { return blocks_for(packs > 0 ? packs : n); }

template <typename F, typename S, typename T>
void map(Stream stream, std::int64_t n, const S* x, float p, float q, T* y) {
  if (n == 0) return;
  const std::int64_t packs = packs_of<kWidthOf<S, T>>(n, x, y);
  launch(map_kernel<F, S, T>, grid_for(n, packs), kThreads, stream, n, packs, x, p, q, y);
}

template <typename F, typename T>
void zip(Stream stream, std::int64_t n, const T* a, const T* b, float p, float q, T* y) {
  if (n == 0) return;
  const std::int64_t packs = packs_of<kWidthOf<T>>(n, a, b, y);
  launch(zip_kernel<F, T>, grid_for(n, packs), kThreads, stream, n, packs, a, b, p, q, y);
}

/// Calls f with the kind as std::integral_constant.
template <typename F>
void with_kind(FunctionKind kind, const F& f) {
  using enum FunctionKind;
  switch (kind) {
    case kAffine:
      return f(std::integral_constant<FunctionKind, kAffine>());
    case kLeakyRelu:
      return f(std::integral_constant<FunctionKind, kLeakyRelu>());
    case kSigmoid:
      return f(std::integral_constant<FunctionKind, kSigmoid>());
    case kExp:
      return f(std::integral_constant<FunctionKind, kExp>());
    case kClamp:
      return f(std::integral_constant<FunctionKind, kClamp>());
    case kAbs:
      return f(std::integral_constant<FunctionKind, kAbs>());
  }
}

}  // namespace

template <typename T>
void fill(Stream stream, std::int64_t n, float value, T* y) {
  if (n == 0) return;
  const std::int64_t packs = packs_of<kWidthOf<T>>(n, y);
  launch(fill_kernel<T>, grid_for(n, packs), kThreads, stream, n, packs, value, y);
}

template <typename T>
void relu(Stream stream, std::int64_t n, const T* x, T* y) {
  map<Relu>(stream, n, x, 0, 0, y);
}

template <typename T>
void relu_backward(Stream stream, std::int64_t n, const T* y, const T* dy, T* dx) {
  zip<ReluBackward>(stream, n, y, dy, 0, 0, dx);
}

template <typename T>
void add(Stream stream, std::int64_t n, const T* a, const T* b, T* y) {
  zip<Add>(stream, n, a, b, 0, 0, y);
}

template <typename T>
void scale(Stream stream, std::int64_t n, const T* x, float factor, T* y) {
  map<Scale>(stream, n, x, factor, 0, y);
}

template <typename T>
void apply(Stream stream, std::int64_t n, const Function& f, const T* x, T* y) {
  with_kind(f.kind, [&](auto kind) { map<Value<kind()>>(stream, n, x, f.a, f.b, y); });
}

template <typename T>
void apply_backward(Stream stream, std::int64_t n, const Function& f, const T* x, const T* dy,
                    T* dx) {
  with_kind(f.kind, [&](auto kind) { zip<Slope<kind()>>(stream, n, x, dy, f.a, f.b, dx); });
}

template <typename T>
void multiply(Stream stream, std::int64_t n, const T* a, const T* b, T* y) {
  zip<Multiply>(stream, n, a, b, 0, 0, y);
}

void blend_into(Stream stream, std::int64_t n, const float* x, float factor, float t, float* y) {
  zip<Blend>(stream, n, static_cast<const float*>(y), x, factor, t, y);
}

template <typename S, typename T>
void convert(Stream stream, std::int64_t n, const S* x, T* y) {
  map<Same>(stream, n, x, 0, 0, y);
}

#define AFTERGLOW_INSTANTIATE(T)                                                               \
  template void fill(Stream, std::int64_t, float, T*);                                         \
  template void relu(Stream, std::int64_t, const T*, T*);                                      \
  template void relu_backward(Stream, std::int64_t, const T*, const T*, T*);                   \
  template void add(Stream, std::int64_t, const T*, const T*, T*);                             \
  template void scale(Stream, std::int64_t, const T*, float, T*);                              \
  template void apply(Stream, std::int64_t, const Function&, const T*, T*);                    \
  template void apply_backward(Stream, std::int64_t, const Function&, const T*, const T*, T*); \
  template void multiply(Stream, std::int64_t, const T*, const T*, T*);                        \
  template void convert(Stream, std::int64_t, const std::uint8_t*, T*)
AFTERGLOW_INSTANTIATE(float);
AFTERGLOW_INSTANTIATE(bfloat16);
#undef AFTERGLOW_INSTANTIATE
template void convert(Stream, std::int64_t, const float*, bfloat16*);
template void convert(Stream, std::int64_t, const bfloat16*, float*);

}  // namespace afterglow::cuda
