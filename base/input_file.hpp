// Files of others, read whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace afterglow {

/// All bytes of a file. `what` says for messages what is expected ("a .npy file"). Throws
/// InputError when it is missing, no regular file, unreadable, empty, or larger than `largest`
/// bytes.
std::string read_file(const std::filesystem::path& path, std::uint64_t largest,
                      const std::string& what);

}  // namespace afterglow
