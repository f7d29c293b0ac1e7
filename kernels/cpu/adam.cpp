#include <cmath>
#include <vector>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/adam.cpp"
#include "kernels/cpu/simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace afterglow::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// What changes from step to step.
struct AdamScalars {
  AdamRate rate;
  float gradient_factor;
};

template <typename D>
HWY_INLINE void adam_vector(D d, const AdamStep& step, const AdamScalars& scalars,
                            const float* gradient, float* parameter, float* m, float* v) {
  const auto g = hn::Mul(hn::Set(d, scalars.gradient_factor), hn::LoadU(d, gradient));
  const auto factor = [d](double value) { return hn::Set(d, static_cast<float>(value)); };
  const auto new_m =
      hn::MulAdd(factor(step.beta1), hn::LoadU(d, m), hn::Mul(factor(1 - step.beta1), g));
  const auto new_v = hn::MulAdd(factor(step.beta2), hn::LoadU(d, v),
                                hn::Mul(factor(1 - step.beta2), hn::Mul(g, g)));
  const auto move = hn::Div(hn::Mul(hn::Set(d, scalars.rate.step), new_m),
                            hn::Add(hn::Sqrt(new_v), hn::Set(d, step.epsilon)));
  const auto p = hn::LoadU(d, parameter);
  hn::StoreU(new_m, d, m);
  hn::StoreU(new_v, d, v);
  hn::StoreU(hn::Sub(p, hn::MulAdd(hn::Set(d, scalars.rate.decay), p, move)), d, parameter);
}

void adam_strip(const AdamStep& step, const AdamRate& rate, float gradient_factor, std::size_t size,
                const float* gradient, float* parameter, float* m, float* v) {
  const AdamScalars scalars{rate, gradient_factor};
  const hn::ScalableTag<float> d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= size; i += hn::Lanes(d)) {
    adam_vector(d, step, scalars, gradient + i, parameter + i, m + i, v + i);
  }
  for (; i < size; ++i) {
    adam_vector(hn::CappedTag<float, 1>(), step, scalars, gradient + i, parameter + i, m + i,
                v + i);
  }
}

double squares_strip(std::size_t size, const float* x) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < size; ++i) {
    sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  return sum;
}

}  // namespace afterglow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace afterglow {

HWY_EXPORT(adam_strip);
HWY_EXPORT(squares_strip);

void CpuBackend::sum_of_squares(std::span<const Source> tensors, double* sum) {
  const auto strip = HWY_DYNAMIC_DISPATCH(squares_strip);
  double total = 0;
  for (const Source x : tensors) {
    std::vector<double> partials((x.size() + kStrip - 1) / kStrip);
    for_strips(x.size(), [&](std::size_t begin, std::size_t end) {
      partials[begin / kStrip] = strip(end - begin, x.data() + begin);
    });
    for (const double partial : partials) total += partial;
  }
  *sum = total;
}

void CpuBackend::adam(const AdamStep& step, const AdamRate* rate, const double* squares,
                      std::span<const AdamSlot> slots) {
  for (const AdamSlot& slot : slots) {
    if (!slot.rounded.empty()) throw Unsupported("the CPU reads no kernels in bfloat16");
  }
  if (!std::isfinite(*squares)) return;
  const double norm = std::sqrt(*squares);
  const double limit = static_cast<double>(step.clip_norm);
  const float factor = limit > 0 && norm > limit ? static_cast<float>(limit / norm) : 1.0F;
  const auto strip = HWY_DYNAMIC_DISPATCH(adam_strip);
  for (const AdamSlot& slot : slots) {
    for_strips(slot.parameter.size(), [&](std::size_t begin, std::size_t end) {
      strip(step, *rate, factor, end - begin, slot.gradient.data() + begin,
            slot.parameter.data() + begin, slot.m.data() + begin, slot.v.data() + begin);
    });
  }
}

}  // namespace afterglow
#endif
