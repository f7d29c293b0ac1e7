// What every fuzz target does with its parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace afterglow::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Refusing the input is what a parser may do; whatever else it throws is a finding.
template <typename Parse>
int refused_or_read(Parse&& parse) {
  try {
    std::forward<Parse>(parse)();
  } catch (const InputError&) {
  }
  return 0;
}

/// A file in memory that holds these bytes, for parsers that are given a path. There is one: the
/// next call changes its content.
const std::filesystem::path& file_of(std::string_view bytes);

}  // namespace afterglow::fuzz
