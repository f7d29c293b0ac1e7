// copy, fill, relu, add, scale, blend: one pass over memory each.
#include <cstring>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {

void CpuBackend::copy(Source src, Destination dst) {
  if (dst.type() == ValueType::kUint8 && src.type() == dst.type()) {
    if (!src.empty()) std::memcpy(dst.memory(), src.memory(), src.size_bytes());
    return;
  }
  float* const to = dst.data();
  with_bytes_or_floats(src, [&](const auto* from) {
    for_strips(dst.size(), [&](std::size_t begin, std::size_t end) {
      std::copy(from + begin, from + end, to + begin);
    });
  });
}

void CpuBackend::fill(Destination dst, float value) {
  for_strips(dst.size(), [&](std::size_t begin, std::size_t end) {
    std::fill(dst.begin() + static_cast<std::ptrdiff_t>(begin),
              dst.begin() + static_cast<std::ptrdiff_t>(end), value);
  });
}

void CpuBackend::relu(Source x, Destination y) {
  for_strips(y.size(), [&](std::size_t begin, std::size_t end) {
    const float* from = x.data();
    float* to = y.data();
    // A NaN is not below 0: it stays visible.
    for (std::size_t i = begin; i < end; ++i) to[i] = from[i] < 0.0F ? 0.0F : from[i];
  });
}

void CpuBackend::relu_backward(Source y, Source dy, Destination dx) {
  for_strips(dx.size(), [&](std::size_t begin, std::size_t end) {
    const float* result = y.data();
    const float* gradient = dy.data();
    float* to = dx.data();
#pragma omp simd
    for (std::size_t i = begin; i < end; ++i) {
      const float value = gradient[i];  // read in any case: no branch
      to[i] = result[i] > 0.0F ? value : 0.0F;
    }
  });
}

void CpuBackend::add(Source a, Source b, Destination y) {
  for_strips(y.size(), [&](std::size_t begin, std::size_t end) {
    const float *left = a.data(), *right = b.data();
    float* to = y.data();
    for (std::size_t i = begin; i < end; ++i) to[i] = left[i] + right[i];
  });
}

void CpuBackend::add_into(Source x, Destination y) { add(x, y, y); }

void CpuBackend::scale(Source x, float factor, Destination y) {
  for_strips(y.size(), [&](std::size_t begin, std::size_t end) {
    const float* from = x.data();
    float* to = y.data();
    for (std::size_t i = begin; i < end; ++i) to[i] = factor * from[i];
  });
}

void CpuBackend::blend_into(Source x, float factor, float t, Destination y) {
  const float weight = t * factor;
  for_strips(y.size(), [&](std::size_t begin, std::size_t end) {
    const float* from = x.data();
    float* to = y.data();
    for (std::size_t i = begin; i < end; ++i) to[i] = (1.0F - t) * to[i] + weight * from[i];
  });
}

}  // namespace afterglow
