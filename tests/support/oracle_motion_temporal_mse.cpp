#include "support/oracle_motion_temporal_mse.hpp"

#include <algorithm>
#include <cmath>

namespace afterglow::oracle {

TemporalMse motion_temporal_mse(const FrameGeometry& g, double beta, const Doubles& p,
                                const Doubles& y, const Doubles& flow,
                                const std::vector<std::uint8_t>& clip_starts) {
  TemporalMse r;
  r.gradient.resize(p.size());
  const double weight = 1.0 / double(p.size());
  const auto at = [&](int n, int row, int column, int c) {
    return ((std::size_t(n) * g.h + row) * g.w + column) * g.c + c;
  };
  // Bilinear interpolation at (x, y) as a sum over the whole frame with hat functions, of which
  // only the columns and rows next to it can be above 0.
  const auto hat = [](double distance) { return std::max(0.0, 1 - std::abs(distance)); };
  for (int n = 0; n < g.n; ++n) {
    for (int row = 0; row < g.h; ++row) {
      for (int column = 0; column < g.w; ++column) {
        const std::size_t pixel = (std::size_t(n) * g.h + row) * g.w + column;
        const double from_x = column + flow[2 * pixel], from_y = row + flow[2 * pixel + 1];
        const bool counts = n > 0 && clip_starts[n] == 0 && from_x >= 0 && from_x <= g.w - 1 &&
                            from_y >= 0 && from_y <= g.h - 1;
        for (int c = 0; c < g.c; ++c) {
          const std::size_t i = at(n, row, column, c);
          const double error = p[i] - y[i];
          r.fidelity += weight * error * error;
          r.gradient[i] += 2 * weight * beta * error;
          if (!counts) continue;
          const auto around = [&](const auto& body) {
            for (int v = int(from_y); v <= std::min(int(from_y) + 1, g.h - 1); ++v) {
              for (int u = int(from_x); u <= std::min(int(from_x) + 1, g.w - 1); ++u) {
                body(at(n - 1, v, u, c), hat(from_x - u) * hat(from_y - v));
              }
            }
          };
          double before = 0;
          around([&](std::size_t j, double share) { before += share * p[j]; });
          const double change = p[i] - before;
          r.temporal += weight * change * change;
          r.gradient[i] += 2 * weight * (1 - beta) * change;
          around([&](std::size_t j, double share) {
            r.gradient[j] -= 2 * weight * (1 - beta) * share * change;
          });
        }
      }
    }
  }
  r.loss = beta * r.fidelity + (1 - beta) * r.temporal;
  return r;
}

}  // namespace afterglow::oracle
