#include <cmath>
#include <vector>

#include "kernels/cpu/affine.hpp"
#include "kernels/cpu/channel_strips.hpp"
#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/batch_norm.cpp"
#include "kernels/cpu/simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace afterglow::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// All loops below run over `rows` rows of `width` values; a parameter has one row.

// sum += x - center; squares += (x - center)^2.
void sum_deviations(std::size_t rows, std::size_t width, const float* x, const float* center,
                    float* sum, float* squares) {
  for (std::size_t row = 0; row < rows; ++row, x += width) {
#pragma omp simd
    for (std::size_t k = 0; k < width; ++k) {
      const float deviation = x[k] - center[k];
      sum[k] += deviation;
      squares[k] += deviation * deviation;
    }
  }
}

// sum += dy; products += dy (x - mean).
void sum_gradients(std::size_t rows, std::size_t width, const float* x, const float* dy,
                   const float* mean, float* sum, float* products) {
  for (std::size_t row = 0; row < rows; ++row, x += width, dy += width) {
#pragma omp simd
    for (std::size_t k = 0; k < width; ++k) {
      sum[k] += dy[k];
      products[k] += dy[k] * (x[k] - mean[k]);
    }
  }
}

// sum += dy.
void sum_rows(std::size_t rows, std::size_t width, const float* dy, float* sum) {
  for (std::size_t row = 0; row < rows; ++row, dy += width) {
#pragma omp simd
    for (std::size_t k = 0; k < width; ++k) sum[k] += dy[k];
  }
}

// y = factor (x - center) + offset, by the operations of winograd_output, which does the same:
// with the same bits.
template <typename D>
HWY_INLINE void normalize_vector(D d, const float* x, const float* center, const float* factor,
                                 const float* offset, float* y) {
  const auto centered = hn::Sub(hn::LoadU(d, x), hn::LoadU(d, center));
  hn::StoreU(hn::MulAdd(hn::LoadU(d, factor), centered, hn::LoadU(d, offset)), d, y);
}

void normalize(std::size_t rows, std::size_t width, const float* x, const float* center,
               const float* factor, const float* offset, float* y) {
  const hn::ScalableTag<float> d;
  for (std::size_t row = 0; row < rows; ++row, x += width, y += width) {
    std::size_t k = 0;
    for (; k + hn::Lanes(d) <= width; k += hn::Lanes(d)) {
      normalize_vector(d, x + k, center + k, factor + k, offset + k, y + k);
    }
    for (; k < width; ++k) {
      normalize_vector(hn::CappedTag<float, 1>(), x + k, center + k, factor + k, offset + k, y + k);
    }
  }
}

// dx = factor dy + slope (x - mean) + offset.
void normalize_backward(std::size_t rows, std::size_t width, const float* x, const float* dy,
                        const float* mean, const float* factor, const float* slope,
                        const float* offset, float* dx) {
  for (std::size_t row = 0; row < rows; ++row, x += width, dy += width, dx += width) {
#pragma omp simd
    for (std::size_t k = 0; k < width; ++k)
      dx[k] = factor[k] * dy[k] + (slope[k] * (x[k] - mean[k]) + offset[k]);
  }
}

}  // namespace afterglow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace afterglow {

HWY_EXPORT(sum_deviations);
HWY_EXPORT(sum_gradients);
HWY_EXPORT(sum_rows);
HWY_EXPORT(normalize);
HWY_EXPORT(normalize_backward);

namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

// Two sums per channel.
struct ChannelSums {
  Doubles first, second;
};

double inverse_deviation(float variance, float epsilon) {
  return 1 / std::sqrt(double(variance) + double(epsilon));
}

// Mean and biased variance. Each strip is read twice while it is in the cache: once for its mean,
// once for the squares round it, so that a large mean costs no digits.
ChannelSums moments(const ChannelGeometry& g, Source x) {
  const ChannelStrips strips(g);
  const std::size_t c = strips.channels();
  std::vector<ChannelSums> partial(static_cast<std::size_t>(strips.count()));
  for_each_index(strips.count(), [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    const ChannelStrip strip = strips[i];
    const float* values = x.data() + strip.offset;
    const auto sums_round = [&](const Floats& center) {
      WideSums sums(strips);
      HWY_DYNAMIC_DISPATCH(sum_deviations)
      (strip.wide_rows, strips.width(), values, strips.wide(center).data(), sums.first(),
       sums.second());
      HWY_DYNAMIC_DISPATCH(sum_deviations)
      (strip.single_rows, c, values + strip.wide_rows * strips.width(), center.data(), sums.first(),
       sums.second());
      return sums;
    };
    Floats center(values, values + c);
    const double rows = double(strip.rows);
    const WideSums rough = sums_round(center);
    for (std::size_t k = 0; k < c; ++k) center[k] += float(rough.total_first(k) / rows);
    const WideSums fine = sums_round(center);
    ChannelSums& mine = partial[i];
    for (std::size_t k = 0; k < c; ++k) {
      const double off = fine.total_first(k) / rows;
      mine.first.push_back(double(center[k]) + off);                                  // mean
      mine.second.push_back(std::max(0.0, fine.total_second(k) - rows * off * off));  // squares
    }
  });

  ChannelSums result{Doubles(c), Doubles(c)};
  const double rows = double(g.rows);
  for (std::size_t i = 0; i < partial.size(); ++i)
    for (std::size_t k = 0; k < c; ++k)
      result.first[k] += partial[i].first[k] * (double(strips[i].rows) / rows);
  for (std::size_t i = 0; i < partial.size(); ++i)
    for (std::size_t k = 0; k < c; ++k) {
      const double off = partial[i].first[k] - result.first[k];
      result.second[k] += (partial[i].second[k] + double(strips[i].rows) * off * off) / rows;
    }
  return result;
}

// The sums of dy and, unless x is empty, of dy (x - mean).
ChannelSums gradient_sums(const ChannelGeometry& g, Source x, Source dy, Source mean) {
  const ChannelStrips strips(g);
  const std::size_t c = strips.channels();
  const Floats center(mean.begin(), mean.end()), wide_center = strips.wide(center);
  std::vector<ChannelSums> partial(static_cast<std::size_t>(strips.count()));
  for_each_index(strips.count(), [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    const ChannelStrip strip = strips[i];
    const float* gradients = dy.data() + strip.offset;
    const std::size_t wide_size = strip.wide_rows * strips.width();
    WideSums sums(strips);
    if (x.empty()) {
      HWY_DYNAMIC_DISPATCH(sum_rows)(strip.wide_rows, strips.width(), gradients, sums.first());
      HWY_DYNAMIC_DISPATCH(sum_rows)(strip.single_rows, c, gradients + wide_size, sums.first());
    } else {
      const float* values = x.data() + strip.offset;
      HWY_DYNAMIC_DISPATCH(sum_gradients)
      (strip.wide_rows, strips.width(), values, gradients, wide_center.data(), sums.first(),
       sums.second());
      HWY_DYNAMIC_DISPATCH(sum_gradients)
      (strip.single_rows, c, values + wide_size, gradients + wide_size, center.data(), sums.first(),
       sums.second());
    }
    for (std::size_t k = 0; k < c; ++k) {
      partial[i].first.push_back(sums.total_first(k));
      partial[i].second.push_back(sums.total_second(k));
    }
  });
  ChannelSums result{Doubles(c), Doubles(c)};
  for (const ChannelSums& strip : partial)
    for (std::size_t k = 0; k < c; ++k) {
      result.first[k] += strip.first[k];
      result.second[k] += strip.second[k];
    }
  return result;
}

void store_gradients(const ChannelSums& sums, Source variance, float epsilon, Destination dgamma,
                     Destination dbeta) {
  for (std::size_t k = 0; k < dgamma.size(); ++k)
    dgamma[k] = float(sums.second[k] * inverse_deviation(variance[k], epsilon));
  for (std::size_t k = 0; k < dbeta.size(); ++k) dbeta[k] = float(sums.first[k]);
}

}  // namespace

Affine::Affine(const Norm& norm, std::size_t copies) {
  for (std::size_t i = 0; i < copies; ++i) {
    center.insert(center.end(), norm.mean.begin(), norm.mean.end());
    offset.insert(offset.end(), norm.beta.begin(), norm.beta.end());
    for (std::size_t k = 0; k < norm.gamma.size(); ++k)
      factor.push_back(
          float(double(norm.gamma[k]) * inverse_deviation(norm.variance[k], norm.epsilon)));
  }
}

void apply_affine(const ChannelGeometry& g, Source x, const Affine& affine, Destination y) {
  const ChannelStrips strips(g);
  const Floats center = strips.wide(affine.center), factor = strips.wide(affine.factor),
               offset = strips.wide(affine.offset);
  strips.for_rows([&](std::size_t at, std::size_t rows, std::size_t width) {
    HWY_DYNAMIC_DISPATCH(normalize)
    (rows, width, x.data() + at, center.data(), factor.data(), offset.data(), y.data() + at);
  });
}

void CpuBackend::batch_norm(const ChannelGeometry& g, Source x, Source gamma, Source beta,
                            float epsilon, Destination y, Destination mean, Destination variance) {
  const ChannelSums exact = moments(g, x);
  Affine affine;
  for (std::size_t k = 0; k < mean.size(); ++k) {
    mean[k] = float(exact.first[k]);
    variance[k] = float(exact.second[k]);
    const double scale = double(gamma[k]) * inverse_deviation(variance[k], epsilon);
    affine.center.push_back(mean[k]);
    affine.factor.push_back(float(scale));
    // What the rounding of the mean leaves over matters where the variance is small beside it.
    affine.offset.push_back(float(double(beta[k]) + scale * (double(mean[k]) - exact.first[k])));
  }
  apply_affine(g, x, affine, y);
}

void CpuBackend::batch_norm_inference(const ChannelGeometry& g, Source x, const Norm& norm,
                                      Destination y) {
  apply_affine(g, x, Affine(norm), y);
}

void CpuBackend::batch_norm_backward(const ChannelGeometry& g, Source x, Source dy, Source gamma,
                                     Source mean, Source variance, float epsilon, Destination dx,
                                     Destination dgamma, Destination dbeta) {
  const ChannelSums sums = gradient_sums(g, x, dy, mean);
  store_gradients(sums, variance, epsilon, dgamma, dbeta);
  if (dx.empty()) return;
  // dx = gamma/s (dy - mean(dy) - (x - m)/s^2 mean(dy (x - m))), s^2 = variance + epsilon.
  const double rows = double(g.rows);
  Floats factor, slope, offset;
  for (std::size_t k = 0; k < gamma.size(); ++k) {
    const double inverse = inverse_deviation(variance[k], epsilon);
    const double scale = double(gamma[k]) * inverse;
    factor.push_back(float(scale));
    slope.push_back(float(-scale * inverse * inverse * sums.second[k] / rows));
    offset.push_back(float(-scale * sums.first[k] / rows));
  }
  const ChannelStrips strips(g);
  const Floats wide_mean = strips.wide({mean.begin(), mean.end()});
  const Floats wide_factor = strips.wide(factor), wide_slope = strips.wide(slope),
               wide_offset = strips.wide(offset);
  strips.for_rows([&](std::size_t at, std::size_t wide_rows, std::size_t width) {
    HWY_DYNAMIC_DISPATCH(normalize_backward)
    (wide_rows, width, x.data() + at, dy.data() + at, wide_mean.data(), wide_factor.data(),
     wide_slope.data(), wide_offset.data(), dx.data() + at);
  });
}

void CpuBackend::batch_norm_inference_backward(const ChannelGeometry& g, Source x, Source dy,
                                               Source gamma, Source mean, Source variance,
                                               float epsilon, Destination dx, Destination dgamma,
                                               Destination dbeta) {
  if (!dgamma.empty() || !dbeta.empty()) {
    const Source values = dgamma.empty() ? Source() : x;
    store_gradients(gradient_sums(g, values, dy, mean), variance, epsilon, dgamma, dbeta);
  }
  if (dx.empty()) return;
  const Floats none(gamma.size(), 0.0F);
  apply_affine(g, dy, Affine({gamma, none, none, variance, epsilon}), dx);
}

}  // namespace afterglow
#endif
