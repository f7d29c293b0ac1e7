// What a command says of films that it could not use, and of having used the others.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace afterglow {

/// A line on standard error for each of `problems` (`FILE: what is wrong; what to do`). Throws
/// InputError where no film was used: with the problem itself if it is the only one, else about
/// `out`.
void tell_unusable(const std::vector<std::string>& problems, std::size_t used,
                   const std::string& out);

/// Throws PartlyDone, once `out` is in place, if there are problems.
void end_partly(const std::vector<std::string>& problems, std::size_t used, const std::string& out);

}  // namespace afterglow
