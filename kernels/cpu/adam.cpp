#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/adam.cpp"
#include "kernels/cpu/simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace afterglow::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <typename D>
HWY_INLINE void adam_vector(D d, const AdamStep& step, const float* gradient, float* parameter,
                            float* m, float* v) {
  const auto g = hn::LoadU(d, gradient);
  const auto factor = [d](double value) { return hn::Set(d, static_cast<float>(value)); };
  const auto new_m =
      hn::MulAdd(factor(step.beta1), hn::LoadU(d, m), hn::Mul(factor(1 - step.beta1), g));
  const auto new_v = hn::MulAdd(factor(step.beta2), hn::LoadU(d, v),
                                hn::Mul(factor(1 - step.beta2), hn::Mul(g, g)));
  const auto move = hn::Div(hn::Mul(hn::Set(d, step.rate), new_m),
                            hn::Add(hn::Sqrt(new_v), hn::Set(d, step.epsilon)));
  hn::StoreU(new_m, d, m);
  hn::StoreU(new_v, d, v);
  hn::StoreU(hn::Sub(hn::LoadU(d, parameter), move), d, parameter);
}

void adam_strip(const AdamStep& step, std::size_t size, const float* gradient, float* parameter,
                float* m, float* v) {
  const hn::ScalableTag<float> d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= size; i += hn::Lanes(d)) {
    adam_vector(d, step, gradient + i, parameter + i, m + i, v + i);
  }
  for (; i < size; ++i) {
    adam_vector(hn::CappedTag<float, 1>(), step, gradient + i, parameter + i, m + i, v + i);
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

double CpuBackend::sum_of_squares(Source x) {
  const auto strip = HWY_DYNAMIC_DISPATCH(squares_strip);
  std::vector<double> partials((x.size() + kStrip - 1) / kStrip);
  for_strips(x.size(), [&](std::size_t begin, std::size_t end) {
    partials[begin / kStrip] = strip(end - begin, x.data() + begin);
  });
  double total = 0;
  for (const double partial : partials) total += partial;
  return total;
}

void CpuBackend::adam(const AdamStep& step, Source gradient, Destination parameter, Destination m,
                      Destination v) {
  const auto strip = HWY_DYNAMIC_DISPATCH(adam_strip);
  for_strips(parameter.size(), [&](std::size_t begin, std::size_t end) {
    strip(step, end - begin, gradient.data() + begin, parameter.data() + begin, m.data() + begin,
          v.data() + begin);
  });
}

}  // namespace afterglow
#endif
