#include <cmath>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {

double CpuBackend::sum_of_squares(Source x) {
  std::vector<double> partials((x.size() + kStrip - 1) / kStrip);
  for_strips(x.size(), [&](std::size_t begin, std::size_t end) {
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) {
      sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
    partials[begin / kStrip] = sum;
  });
  double total = 0;
  for (const double partial : partials) total += partial;
  return total;
}

void CpuBackend::adam(const AdamStep& step, Source gradient, Destination parameter, Destination m,
                      Destination v) {
  for_strips(parameter.size(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const float g = gradient[i];
      m[i] = step.beta1 * m[i] + (1.0F - step.beta1) * g;
      v[i] = step.beta2 * v[i] + (1.0F - step.beta2) * (g * g);
      parameter[i] -= step.rate * m[i] / (std::sqrt(v[i]) + step.epsilon);
    }
  });
}

}  // namespace afterglow
