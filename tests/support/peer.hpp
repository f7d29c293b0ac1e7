// Other programs as oracles: a Python that has them, AFTERGLOW_PYTHON, else python3.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string>

#include "support/run_program.hpp"

namespace afterglow::test {

inline std::string python() {
  const char* const named = std::getenv("AFTERGLOW_PYTHON");
  return named == nullptr ? "python3" : named;
}

/// Whether that Python has `modules` ("a, b"); says so on standard output when it has not.
inline bool python_has(const std::string& modules) {
  if (run_to_end(python(), {"-c", "import " + modules}).exit_code == 0) return true;
  std::cout << "SKIPPED: " << python() << " has not all of " << modules << '\n';
  return false;
}

}  // namespace afterglow::test
