// Views of the values that a backend's functions read and write.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "base/error.hpp"

namespace afterglow {

/// How values are stored.
enum class ValueType : std::uint8_t {
  kFloat32,
  kBfloat16,  // activations and their gradients, on a backend whose activation_type() it is
  kUint8,     // frames as they come: 0 to 255
};

constexpr std::size_t bytes_of(ValueType type) {
  return type == ValueType::kFloat32 ? 4 : type == ValueType::kBfloat16 ? 2 : 1;
}

/// The channels of a convolution's operand of this type: for tensor cores, multiples of 8.
constexpr std::int32_t padded_channels(std::int32_t channels, ValueType type) {
  return type == ValueType::kBfloat16 ? (channels + 7) / 8 * 8 : channels;
}

/// Values in a backend's memory; does not own them. Float: float, or const float for those that are
/// only read.
template <typename Float>
class Values {
 public:
  using Void = std::conditional_t<std::is_const_v<Float>, const void, void>;

  constexpr Values() = default;
  constexpr Values(Float* data, std::size_t size) : data_(data), size_(size) {}
  constexpr Values(Void* data, std::size_t size, ValueType type)
      : data_(data), size_(size), type_(type) {}
  /// float32 values.
  constexpr Values(std::span<Float> values) : data_(values.data()), size_(values.size()) {}
  constexpr Values(std::span<std::remove_const_t<Float>> values) requires(std::is_const_v<Float>)
      : data_(values.data()), size_(values.size()) {}
  Values(std::conditional_t<std::is_const_v<Float>, const std::vector<float>, std::vector<float>>&
             values)
      : data_(values.data()), size_(values.size()) {}
  /// To be read only.
  template <typename Other>
  requires(std::same_as<Float, const Other>) constexpr Values(const Values<Other>& other)
      : data_(other.memory()), size_(other.size()), type_(other.type()), padded_(other.padded()) {}

  constexpr std::size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr std::size_t size_bytes() const { return size_ * bytes_of(type_); }
  constexpr ValueType type() const { return type_; }

  /// The address, whatever is there.
  constexpr Void* memory() const { return data_; }
  /// The same values once more, every pixel's channels with zeros behind them to padded_channels():
  /// as a convolution reads them. nullptr where there are none.
  constexpr Void* padded() const { return padded_; }
  constexpr Values with_padded(Void* padded) const {
    Values result = *this;
    result.padded_ = padded;
    return result;
  }
  /// Throws Unsupported when the values are not float32.
  constexpr Float* data() const {
    if (type_ != ValueType::kFloat32) throw Unsupported("float32 values are needed here");
    return static_cast<Float*>(data_);
  }
  constexpr Float* begin() const { return data(); }
  constexpr Float* end() const { return data() + size_; }
  /// Of float32 values, without a check: for inner loops.
  constexpr Float& operator[](std::size_t i) const { return static_cast<Float*>(data_)[i]; }

  constexpr Values subspan(std::size_t offset, std::size_t count) const {
    using Byte = std::conditional_t<std::is_const_v<Float>, const std::byte, std::byte>;
    return {static_cast<Void*>(static_cast<Byte*>(data_) + offset * bytes_of(type_)), count, type_};
  }

 private:
  Void* data_ = nullptr;
  std::size_t size_ = 0;
  ValueType type_ = ValueType::kFloat32;
  Void* padded_ = nullptr;
};

using Source = Values<const float>;
using Destination = Values<float>;

}  // namespace afterglow
