#include "kernels/cpu/backward_data.hpp"

#include <algorithm>
#include <cstddef>

namespace afterglow {

namespace {

// to(columns, rows) = from(rows, columns)', rows of each so far apart. By way of a small copy: rows
// a power of two apart would not stay in the cache together.
void transpose(const float* from, std::ptrdiff_t rows, std::ptrdiff_t columns,
               std::ptrdiff_t from_stride, float* to, std::ptrdiff_t to_stride) {
  constexpr std::ptrdiff_t kRows = 16, kColumns = 64;
  float tile[kRows][kColumns];
  for (std::ptrdiff_t column = 0; column < columns; column += kColumns) {
    const std::ptrdiff_t wide = std::min(kColumns, columns - column);
    for (std::ptrdiff_t row = 0; row < rows; row += kRows) {
      const std::ptrdiff_t high = std::min(kRows, rows - row);
      for (std::ptrdiff_t i = 0; i < high; ++i) {
        std::copy_n(from + (row + i) * from_stride + column, wide, tile[i]);
      }
      for (std::ptrdiff_t j = 0; j < wide; ++j) {
        for (std::ptrdiff_t i = 0; i < high; ++i) {
          to[(column + j) * to_stride + row + i] = tile[i][j];
        }
      }
    }
  }
}

}  // namespace

ConvolutionShape turned(const ConvolutionShape& s) {
  return {s.n,
          s.oh,
          s.ow,
          s.k,
          s.h,
          s.w,
          s.c,
          s.kh,
          s.kw,
          1,
          s.dilation,
          (s.kh - 1) * s.dilation - s.pad_top,
          (s.kw - 1) * s.dilation - s.pad_left};
}

void turn_kernel(const ConvolutionShape& s, const float* w, float* turned) {
  constexpr std::ptrdiff_t kBlock = 64;  // outputs
  const std::ptrdiff_t taps = s.kh * s.kw, blocks = (s.k + kBlock - 1) / kBlock;
#pragma omp parallel for schedule(static)
  for (std::ptrdiff_t i = 0; i < taps * blocks; ++i) {
    const std::ptrdiff_t tap = i / blocks, first = i % blocks * kBlock;
    transpose(w + (taps - 1 - tap) * s.c * s.k + first, s.c, std::min(kBlock, s.k - first), s.k,
              turned + (tap * s.k + first) * s.c, s.c);
  }
}

void reverse_taps(const ConvolutionShape& s, const float* w, float* reversed) {
  const std::ptrdiff_t taps = s.kh * s.kw, rows = taps * s.c;
#pragma omp parallel for schedule(static)
  for (std::ptrdiff_t row = 0; row < rows; ++row) {
    const std::ptrdiff_t tap = row / s.c, c = row % s.c;
    std::copy_n(w + row * s.k, s.k, reversed + ((taps - 1 - tap) * s.c + c) * s.k);
  }
}

std::optional<ConvolutionShape> doubling(const ConvolutionShape& s) {
  const bool even = s.kh == s.kw && s.kh % 2 == 0 && s.h % 2 == 0 && s.w % 2 == 0;
  const bool whole = s.h == 2 * (s.oh - 1) + s.kh && s.w == 2 * (s.ow - 1) + s.kw;
  if (s.stride != 2 || s.dilation != 1 || s.pad_top + s.pad_left != 0 || !even || !whole) {
    return std::nullopt;
  }
  const std::int32_t taps = s.kh / 2;
  return ConvolutionShape{s.n,  s.oh, s.ow, s.k, s.h / 2,  s.w / 2, 4 * s.c,
                          taps, taps, 1,    1,   taps - 1, taps - 1};
}

void phase_kernel(const ConvolutionShape& s, const float* w, float* phases) {
  const std::ptrdiff_t taps = s.kh / 2;
#pragma omp parallel for schedule(static)
  for (std::ptrdiff_t i = 0; i < 4 * taps * taps; ++i) {
    const std::ptrdiff_t tap = i / 4, phase = i % 4;
    const std::ptrdiff_t row = 2 * (taps - 1 - tap / taps) + phase / 2;
    const std::ptrdiff_t column = 2 * (taps - 1 - tap % taps) + phase % 2;
    transpose(w + (row * s.kw + column) * s.c * s.k, s.c, s.k, s.k,
              phases + tap * s.k * 4 * s.c + phase * s.c, 4 * s.c);
  }
}

}  // namespace afterglow
