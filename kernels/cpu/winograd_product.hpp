// The matrix product inside Winograd's convolutions: many small products of one size, in vectors.
#pragma once

#include <cstddef>

namespace afterglow {

/// c(rows, columns) = a(rows, depth) * b(depth, columns), or c += where `accumulate`. Element (i,
/// d) of a is a[i * a_row + d * a_step]. The columns of b come in panels of winograd_panel()
/// columns: column j of row d is b[j / panel * b_panel + d * b_step + j % panel]. Rows of c are
/// contiguous. `columns` must be a multiple of 16. Every element is one chain of multiply-adds over
/// d (added to c at its end), so that it does not depend on how the rows are cut up among threads.
struct WinogradProduct {
  std::size_t rows = 0, depth = 0, columns = 0;
  const float* a = nullptr;
  std::size_t a_row = 0, a_step = 1;
  const float* b = nullptr;
  std::size_t b_step = 0, b_panel = 0;
  float* c = nullptr;
  std::size_t c_row = 0;
  bool accumulate = false;
};

/// Columns of a panel on this machine: what one step of the product keeps in registers. A multiple
/// of 4 and at most 64.
std::size_t winograd_panel();

void multiply(const WinogradProduct& product);

}  // namespace afterglow
