// What every benchmark ends in: the comparison with an oracle, and the JSON file.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/output_file.hpp"

namespace afterglow::bench {

/// Largest difference over the largest reference value; infinity when a difference is not finite or
/// the sizes differ.
inline double relative_error(const std::vector<double>& result,
                             const std::vector<double>& reference) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (result.size() != reference.size()) return kInfinity;
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double error = std::abs(result[i] - reference[i]);
    if (!std::isfinite(error)) return kInfinity;
    worst = std::max(worst, error);
    largest = std::max(largest, std::abs(reference[i]));
  }
  return worst > 0 ? worst / largest : 0;
}

/// Writes the report unless the path is empty. Gives the program's exit code: 1, and a line on
/// stderr, when the file cannot be written.
inline int write_report(const std::string& path, const nlohmann::json& report) {
  if (path.empty()) return 0;
  try {
    write_text_file(path, report.dump(2) + '\n');
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

}  // namespace afterglow::bench
