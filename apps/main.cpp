// The program `afterglow`.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "apps/commands.hpp"

namespace {

/// Starts the program anew with OpenMP threads that sleep after a fraction of a millisecond without
/// work: by default they spin for several, on cores that decoding and encoding could use. The
/// runtime reads this before main(), so that it cannot be set in time from inside.
void limit_spinning(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  setenv("GOMP_SPINCOUNT", "5000", 0);
  std::error_code none;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", none);
  // Under another name it may be a loader that was given the program. Where this returns, threads
  // spin.
  if (program.filename() == "afterglow") execv(program.c_str(), argv);
}

}  // namespace

int main(int argc, char** argv) {
  limit_spinning(argv);
  return afterglow::run_program(argc, argv);
}
