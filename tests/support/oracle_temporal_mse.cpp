#include "support/oracle_temporal_mse.hpp"

#include <cstddef>

namespace afterglow::oracle {

TemporalMse temporal_mse(const TemporalMseGeometry& g, double beta, const Doubles& p,
                         const Doubles& y, const std::vector<std::uint8_t>& clip_starts) {
  TemporalMse r;
  r.gradient.resize(p.size());
  const std::size_t frame = std::size_t(g.h) * g.w * g.c;
  const double weight = 1.0 / (double(g.n) * g.roi_height * g.roi_width * g.c);
  for (std::size_t n = 0; n < std::size_t(g.n); ++n)
    for (int row = g.roi_top; row < g.roi_top + g.roi_height; ++row)
      for (int column = g.roi_left; column < g.roi_left + g.roi_width; ++column)
        for (int c = 0; c < g.c; ++c) {
          const std::size_t i = n * frame + (std::size_t(row) * g.w + column) * g.c + c;
          const double error = p[i] - y[i];
          r.fidelity += weight * error * error;
          r.gradient[i] += 2 * weight * beta * error;
          if (n == 0 || clip_starts[n] != 0) continue;
          const double change = p[i] - p[i - frame];
          r.temporal += weight * change * change;
          r.gradient[i] += 2 * weight * (1 - beta) * change;
          r.gradient[i - frame] -= 2 * weight * (1 - beta) * change;
        }
  r.loss = beta * r.fidelity + (1 - beta) * r.temporal;
  return r;
}

}  // namespace afterglow::oracle
