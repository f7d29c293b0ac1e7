// How the memory-bound kernels share work among threads: by strips of a fixed size, so that a
// result never depends on the number of threads, and sums are partial sums of strips added in
// order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <vector>

#include "kernels/backend.hpp"

namespace afterglow {

/// Floats per strip of an elementwise pass: 64 KiB, a few per thread even for small tensors.
inline constexpr std::size_t kStrip = 16384;

/// Calls body(i) for 0 .. count-1, each the work of one thread. Throws what one of them threw.
template <typename Body>
void for_each_index(std::int64_t count, const Body& body) {
  std::exception_ptr failure;  // none may leave a thread of OpenMP's
#pragma omp parallel for schedule(static) if (count > 1)
  for (std::int64_t i = 0; i < count; ++i) {
    try {
      body(i);
    } catch (...) {
#pragma omp critical(for_each_index)
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

/// Calls body(begin, end) for the strips of 0 .. size-1.
template <typename Body>
void for_strips(std::size_t size, const Body& body) {
  const auto strips = static_cast<std::int64_t>((size + kStrip - 1) / kStrip);
  for_each_index(strips, [&](std::int64_t strip) {
    const std::size_t begin = static_cast<std::size_t>(strip) * kStrip;
    body(begin, std::min(begin + kStrip, size));
  });
}

/// Calls body(row) for 0 .. rows-1, so many one after the other on a thread.
template <typename Body>
void for_rows(std::int64_t rows, const Body& body) {
  constexpr std::int64_t kRows = 1024;
  for_each_index((rows + kRows - 1) / kRows, [&](std::int64_t block) {
    const std::int64_t end = std::min((block + 1) * kRows, rows);
    for (std::int64_t row = block * kRows; row < end; ++row) body(row);
  });
}

/// Calls body with a pointer of x's own type.
template <typename Body>
void with_bytes_or_floats(Source x, const Body& body) {
  if (x.type() == ValueType::kUint8) {
    body(static_cast<const std::uint8_t*>(x.memory()));
  } else {
    body(x.data());
  }
}

/// sums(C) = factor * the sum of x(rows, C) over its rows, in float over kRowsInFloat rows, then in
/// double.
inline void sum_channel_rows(const ChannelGeometry& g, Source x, Destination sums,
                             float factor = 1) {
  constexpr std::int64_t kRowsInFloat = 32;
  constexpr std::int64_t kRowsPerStrip = 512;
  const auto width = static_cast<std::size_t>(g.channels);
  const std::int64_t strips = (g.rows + kRowsPerStrip - 1) / kRowsPerStrip;
  std::vector<double> partials(static_cast<std::size_t>(strips) * width);
  for_each_index(strips, [&](std::int64_t strip) {
    double* partial = partials.data() + static_cast<std::size_t>(strip) * width;
    std::vector<float> block(width);
    const std::int64_t end = std::min((strip + 1) * kRowsPerStrip, g.rows);
    for (std::int64_t row = strip * kRowsPerStrip; row < end; row += kRowsInFloat) {
      std::fill(block.begin(), block.end(), 0.0F);
      for (std::int64_t r = row; r < std::min(row + kRowsInFloat, end); ++r) {
        const float* values = x.data() + static_cast<std::size_t>(r) * width;
        for (std::size_t i = 0; i < width; ++i) block[i] += values[i];
      }
      for (std::size_t i = 0; i < width; ++i) partial[i] += static_cast<double>(block[i]);
    }
  });
  for (std::size_t i = 0; i < width; ++i) {
    double total = 0;
    for (std::size_t strip = 0; strip < static_cast<std::size_t>(strips); ++strip) {
      total += partials[strip * width + i];
    }
    sums[i] = static_cast<float>(static_cast<double>(factor) * total);
  }
}

}  // namespace afterglow
