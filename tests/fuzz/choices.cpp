#include "fuzz/choices.hpp"

namespace afterglow::fuzz {

std::uint8_t Choices::byte() {
  if (left_.empty()) return 0;
  const auto value = static_cast<std::uint8_t>(left_.front());
  left_.remove_prefix(1);
  return value;
}

std::uint64_t Choices::number() {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value |= std::uint64_t{byte()} << (8 * i);
  return value;
}

std::string Choices::text() {
  const std::size_t length = byte();
  const std::string value(left_.substr(0, length));
  left_.remove_prefix(value.size());
  return value;
}

}  // namespace afterglow::fuzz
