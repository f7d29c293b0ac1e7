#include "support/oracle_warp.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace afterglow::oracle {
namespace {

double moved_inside(double at, double way, int size) {
  return std::isnan(way) ? at : std::clamp(at + way, 0.0, double(size - 1));
}

/// Calls f(place of a value, place of one that it is made of, weight of that) for all whose weight
/// is above 0.
template <typename F>
void for_each_weight(const FrameGeometry& g, const Doubles& flow, F&& f) {
  const auto at = [&](int n, int row, int column, int c) {
    return ((std::size_t(n) * g.h + row) * g.w + column) * g.c + c;
  };
  const auto hat = [](double distance) { return std::max(0.0, 1 - std::abs(distance)); };
  for (int n = 0; n < g.n; ++n) {
    for (int row = 0; row < g.h; ++row) {
      for (int column = 0; column < g.w; ++column) {
        const std::size_t pixel = (std::size_t(n) * g.h + row) * g.w + column;
        const double from_x = moved_inside(column, flow[2 * pixel], g.w);
        const double from_y = moved_inside(row, flow[2 * pixel + 1], g.h);
        for (int v = int(from_y); v <= std::min(int(from_y) + 1, g.h - 1); ++v) {
          for (int u = int(from_x); u <= std::min(int(from_x) + 1, g.w - 1); ++u) {
            const double weight = hat(from_x - u) * hat(from_y - v);
            for (int c = 0; c < g.c; ++c) f(at(n, row, column, c), at(n, v, u, c), weight);
          }
        }
      }
    }
  }
}

}  // namespace

Doubles warp(const FrameGeometry& g, const Doubles& x, const Doubles& flow) {
  Doubles y(g.size());
  for_each_weight(
      g, flow, [&](std::size_t to, std::size_t from, double weight) { y[to] += weight * x[from]; });
  return y;
}

Doubles warp_backward(const FrameGeometry& g, const Doubles& dy, const Doubles& flow) {
  Doubles dx(g.size());
  for_each_weight(g, flow, [&](std::size_t to, std::size_t from, double weight) {
    dx[from] += weight * dy[to];
  });
  return dx;
}

}  // namespace afterglow::oracle
