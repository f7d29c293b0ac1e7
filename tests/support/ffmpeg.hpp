// Films that need more than our own writer, made by the ffmpeg program.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "support/run_program.hpp"

namespace afterglow::test {

/// Runs ffmpeg with these arguments, over what is there. Throws when it fails.
inline void ffmpeg(const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {"-nostdin", "-y", "-v", "error", "-bitexact"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const ProgramResult result = run_to_end("ffmpeg", all);
  if (result.exit_code != 0) throw std::runtime_error("ffmpeg: " + result.err);
}

}  // namespace afterglow::test
