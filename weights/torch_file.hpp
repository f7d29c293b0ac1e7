// PyTorch's files of tensors (.pth, .pt), as torch.save writes a state_dict.
#pragma once

#include <string>
#include <string_view>

#include "weights/raw_tensors.hpp"

namespace afterglow {

/// True for bytes that begin like such a file: a zip archive (PyTorch 1.6 and later) or a pickle.
bool looks_like_torch(std::string_view bytes);

/// The float32 tensors of the state_dict, or of the dictionary "state_dict" in it; those of other
/// types (counters) are left out. Nothing in the file is executed. Throws InputError, naming
/// `name`, when it is damaged, a tensor leaves its storage, or it holds no such dictionary.
RawTensors parse_torch(const std::string& name, std::string_view bytes);

}  // namespace afterglow
