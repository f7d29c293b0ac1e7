// What every benchmark ends in: the comparison with an oracle, and the JSON file.
#pragma once

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
#include "base/output_file.hpp"
#include "bench/relative_error.hpp"

namespace afterglow::bench {

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
