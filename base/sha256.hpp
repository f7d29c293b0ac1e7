// SHA-256, to say which weights or parameters were used.
#pragma once

#include <string>
#include <string_view>

namespace afterglow {

/// The SHA-256 digest (FIPS 180-4) as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);

}  // namespace afterglow
