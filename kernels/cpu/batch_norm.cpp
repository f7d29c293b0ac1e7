// Batch normalisation per channel. Statistics take two passes (mean, then squared deviations), so
// that a large mean does not swallow a small variance.
#include <cmath>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {
namespace {

using Channels = std::vector<float>;

/// 1 / sqrt(variance + epsilon).
Channels inverse_deviation(Source variance, float epsilon) {
  Channels result(variance.size());
  std::transform(variance.begin(), variance.end(), result.begin(),
                 [&](float v) { return 1.0F / std::sqrt(v + epsilon); });
  return result;
}

/// Calls body(first value of the row) for all rows.
template <typename Body>
void for_rows(const ChannelGeometry& g, const Body& body) {
  constexpr std::int64_t kRows = 256;
  for_each_index((g.rows + kRows - 1) / kRows, [&](std::int64_t block) {
    const std::int64_t end = std::min((block + 1) * kRows, g.rows);
    for (std::int64_t row = block * kRows; row < end; ++row) body(row * g.channels);
  });
}

/// Sums over the rows of dy and of dy * (x - mean) / deviation: the gradients of beta and gamma.
struct ParameterGradients {
  Channels beta, gamma;
};

ParameterGradients parameter_gradients(const ChannelGeometry& g, Source x, Source dy, Source mean,
                                       const Channels& inverse) {
  const auto channels = static_cast<std::size_t>(g.channels);
  const std::vector<double> totals = reduce_rows<2>(g, [&](std::int64_t row, float* block) {
    const float* values = x.data() + row * g.channels;
    const float* gradient = dy.data() + row * g.channels;
    float* products = block + g.channels;
    for (std::size_t c = 0; c < channels; ++c) {
      block[c] += gradient[c];
      products[c] += gradient[c] * (values[c] - mean[c]);
    }
  });
  ParameterGradients result{Channels(channels), Channels(channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    result.beta[c] = static_cast<float>(totals[c]);
    result.gamma[c] = static_cast<float>(totals[channels + c]) * inverse[c];
  }
  return result;
}

}  // namespace

void CpuBackend::batch_norm(const ChannelGeometry& g, Source x, Source gamma, Source beta,
                            float epsilon, Destination y, Destination mean, Destination variance) {
  const auto channels = static_cast<std::size_t>(g.channels);
  const auto count = static_cast<double>(g.rows);
  sum_rows(g, x, mean);
  for (float& value : mean) value = static_cast<float>(static_cast<double>(value) / count);
  // The rounding of the mean is taken out again: E(x - m)^2 = var + (E x - m)^2.
  const std::vector<double> totals = reduce_rows<2>(g, [&](std::int64_t row, float* block) {
    const float* values = x.data() + row * g.channels;
    float* squares = block + g.channels;
    for (std::size_t c = 0; c < channels; ++c) {
      const float deviation = values[c] - mean[c];
      block[c] += deviation;
      squares[c] += deviation * deviation;
    }
  });
  Channels shift(beta.begin(), beta.end());
  for (std::size_t c = 0; c < channels; ++c) {
    const double offset = totals[c] / count;
    const double exact = static_cast<double>(mean[c]) + offset;
    mean[c] = static_cast<float>(exact);
    variance[c] = static_cast<float>(std::max(totals[channels + c] / count - offset * offset, 0.0));
    // What the stored mean lacks weighs as much as a deviation when the variance is small.
    const double scale = static_cast<double>(gamma[c]) /
                         std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(epsilon));
    shift[c] += static_cast<float>(scale * (static_cast<double>(mean[c]) - exact));
  }
  batch_norm_inference(g, x, gamma, shift, mean, variance, epsilon, y);
}

void CpuBackend::batch_norm_inference(const ChannelGeometry& g, Source x, Source gamma, Source beta,
                                      Source mean, Source variance, float epsilon, Destination y) {
  const auto channels = static_cast<std::size_t>(g.channels);
  Channels scale = inverse_deviation(variance, epsilon);
  for (std::size_t c = 0; c < channels; ++c) scale[c] *= gamma[c];
  for_rows(g, [&](std::int64_t first) {
    const float* from = x.data() + first;
    float* to = y.data() + first;
    for (std::size_t c = 0; c < channels; ++c) to[c] = (from[c] - mean[c]) * scale[c] + beta[c];
  });
}

void CpuBackend::batch_norm_backward(const ChannelGeometry& g, Source x, Source dy, Source gamma,
                                     Source mean, Source variance, float epsilon, Destination dx,
                                     Destination dgamma, Destination dbeta) {
  const auto channels = static_cast<std::size_t>(g.channels);
  const Channels inverse = inverse_deviation(variance, epsilon);
  const ParameterGradients gradients = parameter_gradients(g, x, dy, mean, inverse);
  if (!dgamma.empty()) std::copy(gradients.gamma.begin(), gradients.gamma.end(), dgamma.begin());
  if (!dbeta.empty()) std::copy(gradients.beta.begin(), gradients.beta.end(), dbeta.begin());
  if (dx.empty()) return;
  // dx = gamma / deviation (dy - mean(dy) - x^ mean(dy x^)), x^ = (x - mean) / deviation (Ioffe &
  // Szegedy 2015).
  Channels scale(channels);
  Channels shift(channels);
  Channels slope(channels);
  const float share = 1.0F / static_cast<float>(g.rows);
  for (std::size_t c = 0; c < channels; ++c) {
    scale[c] = gamma[c] * inverse[c];
    shift[c] = gradients.beta[c] * share;
    slope[c] = gradients.gamma[c] * share * inverse[c];
  }
  for_rows(g, [&](std::int64_t first) {
    const float* values = x.data() + first;
    const float* gradient = dy.data() + first;
    float* to = dx.data() + first;
    for (std::size_t c = 0; c < channels; ++c) {
      to[c] = scale[c] * (gradient[c] - shift[c] - (values[c] - mean[c]) * slope[c]);
    }
  });
}

void CpuBackend::batch_norm_inference_backward(const ChannelGeometry& g, Source x, Source dy,
                                               Source gamma, Source mean, Source variance,
                                               float epsilon, Destination dx, Destination dgamma,
                                               Destination dbeta) {
  const auto channels = static_cast<std::size_t>(g.channels);
  const Channels inverse = inverse_deviation(variance, epsilon);
  if (!dgamma.empty()) {
    const ParameterGradients gradients = parameter_gradients(g, x, dy, mean, inverse);
    std::copy(gradients.gamma.begin(), gradients.gamma.end(), dgamma.begin());
  }
  if (!dbeta.empty()) sum_rows(g, dy, dbeta);
  if (dx.empty()) return;
  for_rows(g, [&](std::int64_t first) {
    const float* gradient = dy.data() + first;
    float* to = dx.data() + first;
    for (std::size_t c = 0; c < channels; ++c) to[c] = gamma[c] * inverse[c] * gradient[c];
  });
}

}  // namespace afterglow
