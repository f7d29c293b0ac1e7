#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "fuzz/fuzz.hpp"

namespace afterglow::fuzz {

const std::filesystem::path& file_of(std::string_view bytes) {
  static const int file = memfd_create("input", 0);
  static const std::filesystem::path path = "/proc/self/fd/" + std::to_string(file);
  const bool written = ftruncate(file, 0) == 0 && pwrite(file, bytes.data(), bytes.size(), 0) ==
                                                      static_cast<ssize_t>(bytes.size());
  if (!written) std::abort();
  return path;
}

}  // namespace afterglow::fuzz
