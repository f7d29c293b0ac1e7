#include <array>
#include <cmath>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {
namespace {

using Outputs = std::array<double, SoftmaxMeanGeometry::kMostOutputs>;

/// One row's largest score, the sum of its weights and their mean of the centres.
struct Row {
  float largest = 0;
  double weights = 0;
  Outputs mean{};

  float weight(float score) const { return std::exp(score - largest); }
};

Row softmax_of(const SoftmaxMeanGeometry& g, float factor, const float* x, const float* centres) {
  Row row;
  row.largest = factor * x[0];
  // A NaN is never larger, but makes its own weight one, and so the mean.
  for (std::int32_t k = 1; k < g.bins; ++k) row.largest = std::max(row.largest, factor * x[k]);
  for (std::int32_t k = 0; k < g.bins; ++k) {
    const auto weight = static_cast<double>(row.weight(factor * x[k]));
    row.weights += weight;
    for (std::int32_t j = 0; j < g.outputs; ++j) {
      row.mean[static_cast<std::size_t>(j)] +=
          weight * static_cast<double>(centres[k * g.outputs + j]);
    }
  }
  for (double& value : row.mean) value /= row.weights;
  return row;
}

}  // namespace

void CpuBackend::softmax_mean(const SoftmaxMeanGeometry& g, float factor, Source x, Source centres,
                              Destination y) {
  for_each_index(g.rows, [&](std::int64_t i) {
    const Row row = softmax_of(g, factor, x.data() + i * g.bins, centres.data());
    for (std::int32_t j = 0; j < g.outputs; ++j) {
      y.data()[i * g.outputs + j] = static_cast<float>(row.mean[static_cast<std::size_t>(j)]);
    }
  });
}

void CpuBackend::softmax_mean_backward(const SoftmaxMeanGeometry& g, float factor, Source x,
                                       Source centres, Source dy, Destination dx) {
  for_each_index(g.rows, [&](std::int64_t i) {
    const float* scores = x.data() + i * g.bins;
    const float* gradient = dy.data() + i * g.outputs;
    const Row row = softmax_of(g, factor, scores, centres.data());
    for (std::int32_t k = 0; k < g.bins; ++k) {
      double along = 0;
      for (std::int32_t j = 0; j < g.outputs; ++j) {
        along += (static_cast<double>(centres.data()[k * g.outputs + j]) -
                  row.mean[static_cast<std::size_t>(j)]) *
                 static_cast<double>(gradient[j]);
      }
      const double weight = static_cast<double>(row.weight(factor * scores[k])) / row.weights;
      dx.data()[i * g.bins + k] = static_cast<float>(static_cast<double>(factor) * weight * along);
    }
  });
}

}  // namespace afterglow
