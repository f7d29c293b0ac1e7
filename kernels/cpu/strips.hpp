// How the memory-bound kernels share work among threads: by strips of a fixed size, so that a
// result never depends on the number of threads, and sums are partial sums of strips added in
// order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/geometry.hpp"

namespace afterglow {

/// Floats per strip of an elementwise pass: 64 KiB, a few per thread even for small tensors.
inline constexpr std::size_t kStrip = 16384;

/// Calls body(begin, end) for the strips of 0 .. size-1.
template <typename Body>
void for_strips(std::size_t size, const Body& body) {
  const auto strips = static_cast<std::int64_t>((size + kStrip - 1) / kStrip);
#pragma omp parallel for schedule(static) if (strips > 1)
  for (std::int64_t strip = 0; strip < strips; ++strip) {
    const std::size_t begin = static_cast<std::size_t>(strip) * kStrip;
    body(begin, std::min(begin + kStrip, size));
  }
}

/// Calls body(i) for 0 .. count-1, each the work of one thread.
template <typename Body>
void for_each_index(std::int64_t count, const Body& body) {
#pragma omp parallel for schedule(static) if (count > 1)
  for (std::int64_t i = 0; i < count; ++i) body(i);
}

/// A sum per channel over all rows: add_row(row, sums) adds one row's terms to sums[c], in float
/// over kRowsInFloat rows, then in double.
template <typename AddRow>
std::vector<double> reduce_rows(const ChannelGeometry& g, const AddRow& add_row) {
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
        add_row(r, block.data());
      }
      for (std::size_t i = 0; i < width; ++i) partial[i] += static_cast<double>(block[i]);
    }
  });
  std::vector<double> totals(width);
  for (std::int64_t strip = 0; strip < strips; ++strip) {
    const double* partial = partials.data() + static_cast<std::size_t>(strip) * width;
    for (std::size_t i = 0; i < width; ++i) totals[i] += partial[i];
  }
  return totals;
}

}  // namespace afterglow
