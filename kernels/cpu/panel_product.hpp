// The matrix product inside Winograd's convolutions, and of those with few pixels: small products
// in vectors, whose right operand is read once, in order.
#pragma once

#include <cstddef>

namespace afterglow {

inline constexpr std::size_t kPanelColumns = 16;  // whole vectors of any instruction set

/// c(rows, columns) = a(rows, depth) * b(depth, columns), or c += where `accumulate`. Element (i,
/// d) of a is a[i * a_row + d * a_step]. The columns of b come in panels of product_panel()
/// columns: column j of row d is b[j / panel * b_panel + d * b_step + j % panel]. Rows of c are
/// contiguous. `columns` must be a multiple of kPanelColumns or one panel. Every element is one
/// chain of multiply-adds over d, so that it does not depend on how the rows are cut up among
/// threads.
struct PanelProduct {
  std::size_t rows = 0, depth = 0, columns = 0;
  const float* a = nullptr;
  std::size_t a_row = 0, a_step = 1;
  const float* b = nullptr;
  std::size_t b_step = 0, b_panel = 0;
  /// The b whose first panel is fetched with the last one of all: that of the next call, of the
  /// same depth and layout. Null: unknown, and no product fetches that of the one behind it. Inside
  /// of a product each panel fetches the next. The last depth % 4 rows are not fetched.
  const float* b_after = nullptr;
  float* c = nullptr;
  std::size_t c_row = 0;
  bool accumulate = false;
  /// Products of this shape, and the distances of their operands.
  std::size_t count = 1, a_next = 0, b_next = 0, c_next = 0;
};

void multiply(const PanelProduct& product);

/// False on machines below AVX2, where the vectors are emulated and oneDNN's products are faster.
bool product_is_fast();

/// Columns of a panel on this machine: what one step of the product keeps in registers. A multiple
/// of 4 and at most 64.
std::size_t product_panel();

/// Floats of a matrix in packed panels: panel after panel, each (depth, product_panel()), zeros
/// behind the last column.
std::size_t packed_panels_size(std::size_t depth, std::size_t columns);
/// Packs b(depth, columns), whose rows are contiguous.
void pack_panels(std::size_t depth, std::size_t columns, const float* b, float* panels);

}  // namespace afterglow
