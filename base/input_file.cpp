#include "base/input_file.hpp"

#include <fstream>
#include <system_error>

#include "base/error.hpp"

namespace afterglow {

std::string read_file(const std::filesystem::path& path, std::uint64_t largest,
                      const std::string& what) {
  const std::string name = path.string(), remedy = "give " + what;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw InputError(name, "does not exist", remedy);
  if (!std::filesystem::is_regular_file(path, error)) throw InputError(name, "is no file", remedy);
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw InputError(name, "cannot be read", "check its permissions");
  if (size == 0) throw InputError(name, "is empty", remedy);
  if (size > largest) {
    throw InputError(
        name, "has " + std::to_string(size) + " bytes, more than " + what + " can have", remedy);
  }
  std::string bytes(size, '\0');
  std::ifstream stream(path, std::ios::binary);
  if (!stream.read(bytes.data(), static_cast<std::streamsize>(size))) {
    throw InputError(name, "cannot be read", "check its permissions");
  }
  return bytes;
}

}  // namespace afterglow
