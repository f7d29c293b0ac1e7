// .safetensors files: a header of JSON, then the values (huggingface/safetensors, format of 2023).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "weights/raw_tensors.hpp"

namespace afterglow {

/// What a file holds. Tensors of other types than F32 are passed over.
struct Safetensors {
  RawTensors tensors;
  std::map<std::string, std::string> metadata;
};

/// True for a file that begins like one, or is called one: what is wrong with it is then said of
/// the form that it should have.
bool looks_like_safetensors(const std::filesystem::path& path);

/// Throws InputError(name, ...) when the bytes are not a .safetensors file, or damaged: a header
/// that is no JSON, shapes that do not fit their values, values outside of the file or used twice.
Safetensors parse_safetensors(const std::string& name, std::string_view bytes);

/// The bytes of a file.
std::string safetensors_bytes(const Safetensors& content);

}  // namespace afterglow
