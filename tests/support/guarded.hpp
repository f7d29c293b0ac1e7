// Backend memory between guard words, and the comparison with a double oracle: what every kernel
// test starts from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/backend.hpp"

namespace afterglow::test {

/// Floats on a backend. Words before and behind them must survive; read() requires it.
class Guarded {
 public:
  /// `count` floats that are NaN until something overwrites them.
  Guarded(Backend& backend, std::size_t count);
  Guarded(Backend& backend, const std::vector<float>& values);

  Destination span() const;
  /// The values; fails the test when a guard word has changed.
  std::vector<float> read() const;

 private:
  Backend& backend_;
  std::size_t count_;
  Buffer buffer_;
};

/// The same for bytes.
class GuardedBytes {
 public:
  GuardedBytes(Backend& backend, std::size_t count);

  std::span<std::uint8_t> span() const;
  std::vector<std::uint8_t> read() const;

 private:
  Backend& backend_;
  std::size_t count_;
  Buffer buffer_;
};

/// Uniform in [-1, 1), from `seed`, but never nearer to 0 than 1/64.
std::vector<float> random_values(std::size_t count, std::uint64_t seed);

std::vector<double> to_double(const std::vector<float>& values);

/// What a float kernel may differ from the double oracle: absolute + relative * |reference|.
struct Tolerance {
  double absolute = 0, relative = 0;
};

/// For a sum of `terms` products of values in [-1, 1). The partial sums of such a chain are of size
/// sqrt(terms), each rounds by eps times that, and sqrt(terms) roundings of random sign remain: eps
/// * terms. A few eps more for the single operations around the sum.
Tolerance sum_tolerance(std::size_t terms);

/// The same for a sum that one of Winograd's algorithms may compute: with 6 points the transforms
/// multiply tiles by up to 5 and kernels by up to 16, so that values an order of magnitude larger
/// than the result are rounded.
Tolerance winograd_tolerance(std::size_t terms);

/// Fails the test at the first value (NaN included) outside of the tolerance.
void require_close(const std::vector<float>& result, const std::vector<double>& reference,
                   Tolerance tolerance);

}  // namespace afterglow::test
