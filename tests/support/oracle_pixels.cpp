#include "support/oracle_pixels.hpp"

#include <cmath>
#include <cstddef>

namespace afterglow::oracle {
namespace {

/// Calls f(place in x(N, H, W, C), place in y(N, H/2, W/2, 4C)) for every value of y in order.
template <typename F>
void for_depth(const FrameGeometry& g, F&& f) {
  std::size_t in_depth = 0;
  for (int n = 0; n < g.n; ++n)
    for (int row = 0; row < g.h / 2; ++row)
      for (int column = 0; column < g.w / 2; ++column)
        for (int k = 0; k < 4 * g.c; ++k) {
          const int c = k / 4, r = k % 4 / 2, s = k % 2;
          f(((std::size_t(n) * g.h + 2 * row + r) * g.w + 2 * column + s) * g.c + c, in_depth++);
        }
}

}  // namespace

Doubles multiply(const ChannelGeometry& g, const Doubles& x, const Doubles& m) {
  const std::size_t repeated = g.size() / m.size();  // how many values one factor is for
  Doubles y = x;
  for (std::size_t i = 0; i < y.size(); ++i) y[i] *= m[i / repeated];
  return y;
}

Doubles dot_channels(const ChannelGeometry& g, const Doubles& a, const Doubles& b) {
  Doubles y(std::size_t(g.rows));
  for (std::size_t i = 0; i < a.size(); ++i) y[i / std::size_t(g.channels)] += a[i] * b[i];
  return y;
}

Doubles pixel_length(const ChannelGeometry& g, double epsilon, const Doubles& x) {
  Doubles y = dot_channels(g, x, x);
  for (double& value : y) value = std::hypot(std::sqrt(value), epsilon);
  return y;
}

Doubles pixel_length_backward(const ChannelGeometry& g, double epsilon, const Doubles& x,
                              const Doubles& dy) {
  const Doubles y = pixel_length(g, epsilon, x);
  Doubles dx(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t row = i / std::size_t(g.channels);
    if (y[row] > 0) dx[i] = dy[row] * x[i] / y[row];
  }
  return dx;
}

Doubles sum_pixels(const FrameGeometry& g, double factor, const Doubles& x) {
  const auto c = std::size_t(g.c);
  const std::size_t frame = g.size() / std::size_t(g.n);
  Doubles sums(std::size_t(g.n) * c);
  for (std::size_t i = 0; i < x.size(); ++i) sums[i / frame * c + i % c] += factor * x[i];
  return sums;
}

Doubles add_to_pixels(const FrameGeometry& g, double factor, const Doubles& x, const Doubles& v) {
  const auto c = std::size_t(g.c);
  const std::size_t frame = g.size() / std::size_t(g.n);
  Doubles y = x;
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += factor * v[i / frame * c + i % c];
  return y;
}

Doubles space_to_depth(const FrameGeometry& g, const Doubles& x) {
  Doubles y(g.size());
  for_depth(g, [&](std::size_t in_space, std::size_t in_depth) { y[in_depth] = x[in_space]; });
  return y;
}

Doubles depth_to_space(const FrameGeometry& g, const Doubles& y) {
  Doubles x(g.size());
  for_depth(g, [&](std::size_t in_space, std::size_t in_depth) { x[in_space] = y[in_depth]; });
  return x;
}

}  // namespace afterglow::oracle
