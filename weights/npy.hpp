// NumPy's files of one array (.npy).
#pragma once

#include <string>
#include <string_view>

#include "weights/raw_tensors.hpp"

namespace afterglow {

/// True for bytes that begin like such a file.
bool looks_like_npy(std::string_view bytes);

/// The array of a .npy file (versions 1 to 3) of little-endian int64, float32 or float64 values in
/// C order. Throws InputError, naming `name`, when it is damaged or of another kind.
RawTensor parse_npy(const std::string& name, std::string_view bytes);

}  // namespace afterglow
