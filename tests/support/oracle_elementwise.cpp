#include "support/oracle_elementwise.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace afterglow::oracle {

namespace {

// Calls f(place in the whole, place in the rectangle) for every value inside.
template <typename F>
void for_rectangle(const CropGeometry& g, F&& f) {
  std::size_t inside = 0;
  for (int n = 0; n < g.n; ++n)
    for (int row = g.top; row < g.top + g.height; ++row)
      for (int column = g.left; column < g.left + g.width; ++column)
        for (int c = 0; c < g.c; ++c)
          f(((std::size_t(n) * g.h + row) * g.w + column) * g.c + c, inside++);
}

}  // namespace

Doubles relu(const Doubles& x) {
  Doubles y = x;
  for (double& value : y) value = std::max(value, 0.0);
  return y;
}

Doubles relu_backward(const Doubles& y, const Doubles& dy) {
  Doubles dx = dy;
  for (std::size_t i = 0; i < y.size(); ++i)
    if (y[i] <= 0) dx[i] = 0;
  return dx;
}

Doubles blend(const Doubles& x, double factor, double t, const Doubles& y) {
  Doubles result = y;
  for (std::size_t i = 0; i < y.size(); ++i) result[i] += t * (factor * x[i] - y[i]);
  return result;
}

Doubles concat_channels(std::size_t rows, std::size_t c0, std::size_t c1, const Doubles& x0,
                        const Doubles& x1) {
  Doubles y;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t k = 0; k < c0; ++k) y.push_back(x0[row * c0 + k]);
    for (std::size_t k = 0; k < c1; ++k) y.push_back(x1[row * c1 + k]);
  }
  return y;
}

Doubles take_channels(std::size_t rows, std::size_t channels, std::size_t first, std::size_t count,
                      const Doubles& x) {
  Doubles y;
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t k = first; k < first + count; ++k) y.push_back(x[row * channels + k]);
  return y;
}

Doubles crop(const CropGeometry& g, const Doubles& x) {
  Doubles y(std::size_t(g.n) * g.height * g.width * g.c);
  for_rectangle(g, [&](std::size_t whole, std::size_t inside) { y[inside] = x[whole]; });
  return y;
}

Doubles crop_backward(const CropGeometry& g, const Doubles& dy) {
  Doubles dx(std::size_t(g.n) * g.h * g.w * g.c);
  for_rectangle(g, [&](std::size_t whole, std::size_t inside) { dx[whole] = dy[inside]; });
  return dx;
}

namespace {

/// The probabilities of one row.
Doubles softmax(const SoftmaxMeanGeometry& g, double factor, const Doubles& x, std::size_t row) {
  const auto bins = std::size_t(g.bins);
  Doubles p(bins);
  double sum = 0;
  for (std::size_t k = 0; k < bins; ++k) sum += p[k] = std::exp(factor * x[row * bins + k]);
  for (double& value : p) value /= sum;
  return p;
}

}  // namespace

Doubles softmax_mean(const SoftmaxMeanGeometry& g, double factor, const Doubles& x,
                     const Doubles& centres) {
  const auto outputs = std::size_t(g.outputs);
  Doubles y(g.y_size(), 0.0);
  for (std::size_t row = 0; row < std::size_t(g.rows); ++row) {
    const Doubles p = softmax(g, factor, x, row);
    for (std::size_t k = 0; k < p.size(); ++k) {
      for (std::size_t j = 0; j < outputs; ++j) {
        y[row * outputs + j] += p[k] * centres[k * outputs + j];
      }
    }
  }
  return y;
}

/// By the softmax's Jacobian, p_k (1[k = l] - p_l).
Doubles softmax_mean_backward(const SoftmaxMeanGeometry& g, double factor, const Doubles& x,
                              const Doubles& centres, const Doubles& dy) {
  const auto bins = std::size_t(g.bins), outputs = std::size_t(g.outputs);
  Doubles dx(g.x_size(), 0.0);
  for (std::size_t row = 0; row < std::size_t(g.rows); ++row) {
    const Doubles p = softmax(g, factor, x, row);
    for (std::size_t l = 0; l < bins; ++l) {
      double dp = 0;
      for (std::size_t j = 0; j < outputs; ++j)
        dp += dy[row * outputs + j] * centres[l * outputs + j];
      for (std::size_t k = 0; k < bins; ++k) {
        dx[row * bins + k] += factor * p[k] * ((k == l ? 1.0 : 0.0) - p[l]) * dp;
      }
    }
  }
  return dx;
}

Doubles sum_rows(const ChannelGeometry& g, const Doubles& x) {
  Doubles sums(std::size_t(g.channels));
  for (std::size_t i = 0; i < x.size(); ++i) sums[i % sums.size()] += x[i];
  return sums;
}

Doubles add_bias(const ChannelGeometry& g, const Doubles& b, Activation activation,
                 const Doubles& y) {
  Doubles result = y;
  for (std::size_t i = 0; i < y.size(); ++i)
    if (!b.empty()) result[i] += b[i % std::size_t(g.channels)];
  return activation == Activation::kRelu ? relu(result) : result;
}

void Adam::step(int t, const Doubles& gradient) {
  const double rate = learning_rate * std::sqrt(1 - std::pow(beta2, t)) / (1 - std::pow(beta1, t));
  for (std::size_t i = 0; i < parameter.size(); ++i) {
    m[i] += (1 - beta1) * (gradient[i] - m[i]);
    v[i] += (1 - beta2) * (gradient[i] * gradient[i] - v[i]);
    parameter[i] *= 1 - learning_rate * weight_decay;
    parameter[i] -= rate * m[i] / (std::sqrt(v[i]) + epsilon);
  }
}

}  // namespace afterglow::oracle
