// What every test of a kernel starts from: values between guard words, every order of threads, the
// comparison with a double oracle.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/cuda/kernels.hpp"
#include "simt/machine.hpp"
#include "support/guarded.hpp"

namespace afterglow::test {

using cuda::bfloat16;
using Doubles = std::vector<double>;

/// The machine's stream: launches run at once.
inline constexpr cuda::Stream kNow = nullptr;

template <typename T>
T from_value(float value) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    return cuda::to_bfloat16(value);
  } else {
    return static_cast<T>(value);
  }
}
template <typename T>
double to_value(T value) {
  if constexpr (std::is_same_v<T, bfloat16>) {
    return static_cast<double>(cuda::to_float(value));
  } else {
    return static_cast<double>(value);
  }
}

/// `count` values of T between guard words, `shift` values past a border of 16 bytes.
template <typename T>
class Array {
 public:
  /// Every bit set: NaNs, and bytes of 255.
  explicit Array(std::size_t count, std::size_t shift = 0)
      : count_(count), first_(kGuard + shift), memory_(first_ + count + kGuard) {
    std::memset(memory_.data(), 0xff, memory_.size() * sizeof(Block));
    REQUIRE(reinterpret_cast<std::uintptr_t>(data() - shift) % 16 == 0);
  }
  explicit Array(const std::vector<float>& values, std::size_t shift = 0)
      : Array(values.size(), shift) {
    std::transform(values.begin(), values.end(), data(), from_value<T>);
  }

  T* data() { return values() + first_; }
  const T* data() const { return const_cast<Array*>(this)->data(); }
  std::size_t size() const { return count_; }

  /// The values; fails the test when a guard word has changed.
  Doubles read() const {
    const auto* bytes = reinterpret_cast<const unsigned char*>(memory_.data());
    const auto untouched = [&](std::size_t begin, std::size_t end) {
      return std::all_of(bytes + begin * sizeof(T), bytes + end * sizeof(T),
                         [](unsigned char byte) { return byte == 0xff; });
    };
    REQUIRE(untouched(0, first_));
    REQUIRE(untouched(first_ + count_, first_ + count_ + kGuard));
    Doubles result(count_);
    std::transform(data(), data() + count_, result.begin(), to_value<T>);
    return result;
  }

 private:
  struct alignas(16) Block {
    unsigned char bytes[16];
  };
  static constexpr std::size_t kGuard = 16;  // values, so that the first lies on a border

  T* values() { return reinterpret_cast<T*>(memory_.data()); }

  std::size_t count_, first_;
  std::vector<Block> memory_;
};

/// Device memory that a kernel asks for, of just that size, between guards.
class Workspace : public Array<std::uint8_t> {
 public:
  explicit Workspace(std::size_t bytes) : Array(bytes) {}
  void zero() { std::memset(data(), 0, size()); }
};

/// What `run` gives, a Doubles, which must have the same bits in every order of the threads.
template <typename Run>
Doubles in_every_order(const Run& run) {
  simt::set_order(simt::Order::kForward);
  const Doubles first = run();
  for (const simt::Order order : {simt::Order::kReverse, simt::Order::kShuffled}) {
    simt::set_order(order, 7);
    const Doubles other = run();
    simt::set_order(simt::Order::kForward);
    REQUIRE(other.size() == first.size());
    REQUIRE(std::memcmp(other.data(), first.data(), first.size() * sizeof(double)) == 0);
  }
  return first;
}

/// `tolerance` for the float32 result, and the rounding to T when it is stored: half a unit of the
/// last of bfloat16's 8 bits.
template <typename T>
Tolerance stored(Tolerance tolerance) {
  constexpr double kHalfUnit = 1.0 / 256;
  if (std::is_same_v<T, bfloat16>) {
    tolerance.relative += kHalfUnit * (1 + tolerance.relative);
    tolerance.absolute *= 1 + kHalfUnit;
  }
  return tolerance;
}

/// Nothing but the storing rounds.
inline constexpr Tolerance kExact{};
/// One float32 operation.
inline constexpr Tolerance kOneRounding{0, std::numeric_limits<float>::epsilon() / 2};

inline void require_close(const Doubles& result, const Doubles& reference, Tolerance tolerance) {
  REQUIRE(result.size() == reference.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const double allowed = tolerance.absolute + tolerance.relative * std::abs(reference[i]);
    if (std::abs(result[i] - reference[i]) <= allowed) continue;
    if (std::isnan(result[i]) && std::isnan(reference[i])) continue;
    CAPTURE(i, result[i], reference[i], allowed);
    REQUIRE(false);
  }
}

inline Doubles joined(Doubles a, const Doubles& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// The values [first, first + count).
inline Doubles part(const Doubles& values, std::size_t first, std::size_t count) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace afterglow::test
