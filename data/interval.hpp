// How sure a mean is.
#pragma once

#include <optional>
#include <vector>

namespace afterglow {

/// A mean over n values and half the width of its 95 % confidence interval (Student's t, n - 1
/// degrees of freedom: t_0.975 s / sqrt(n) with the sample deviation s); no width for n = 1.
struct MeanInterval {
  int n = 0;
  double mean = 0;
  std::optional<double> half_width;
};

/// Nothing for no values.
std::optional<MeanInterval> mean_interval(const std::vector<double>& values);

/// The t that Student's distribution exceeds in size with probability 0.05; freedom: degrees, 1 or
/// more.
double student_t_95(int freedom);

}  // namespace afterglow
