// The fuzzer's input for parsers of what is no row of bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace afterglow::fuzz {

/// The fuzzer's input as a row of choices; when they are used up, all others are 0.
class Choices {
 public:
  explicit Choices(std::string_view input) : left_(input) {}

  std::uint8_t byte();
  /// Eight bytes.
  std::uint64_t number();
  /// A byte for its length, then the text.
  std::string text();

 private:
  std::string_view left_;
};

}  // namespace afterglow::fuzz
