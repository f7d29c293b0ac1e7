#include "apps/unusable_films.hpp"

#include <cstdio>

#include "base/error.hpp"

namespace afterglow {

void tell_unusable(const std::vector<std::string>& problems, std::size_t used,
                   const std::string& out) {
  if (used == 0 && problems.size() == 1) throw InputError(problems.front());
  for (const std::string& problem : problems) {
    std::fprintf(stderr, "afterglow: %s\n", problem.c_str());
  }
  if (used == 0) {
    throw InputError(out, "no film is left to put into it", "mend the files named above");
  }
}

void end_partly(const std::vector<std::string>& problems, std::size_t used,
                const std::string& out) {
  if (problems.empty()) return;
  throw PartlyDone(out + ": made of " + std::to_string(used) +
                   " films; the files named above are left out");
}

}  // namespace afterglow
