#include "kernels/cpu/panel_product.hpp"

#include <algorithm>

#include "kernels/cpu/strips.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/panel_product.cpp"
#include "kernels/cpu/simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace afterglow::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Sums stay in registers: 6 x 4 vectors of the 32 that AVX-512 has, 6 x 2 of the 16 of the others.
constexpr std::size_t kBlockRows = 6;
constexpr std::size_t kPanelVectors = HWY_TARGET <= HWY_AVX3 ? 4 : 2;

bool is_fast() { return HWY_TARGET <= HWY_AVX2; }

std::size_t panel_width() { return kPanelVectors * hn::Lanes(D()); }

constexpr std::size_t kLineFloats = 16;  // of a cache line
constexpr std::size_t kPanelLines = HWY_TARGET <= HWY_AVX3 ? 4 : 1;
constexpr std::size_t kStride = 4;                     // steps between fetches
constexpr std::size_t kLines = kStride * kPanelLines;  // of a panel, in these steps

// The lines of the next panel, of each kLines, that go to the second-level cache on the way.
struct Ahead {
  const float* next;
  std::size_t first, last;
};

// `Rows` rows of c in one panel of `Vectors` vectors.
template <std::size_t Rows, std::size_t Vectors>
void multiply_block(const PanelProduct& p, const float* a, const float* b, const Ahead& ahead,
                    float* c) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < Rows; ++i) {  // on their way while the sums are made
    for (std::size_t j = 0; j < Vectors; ++j) __builtin_prefetch(c + i * p.c_row + j * lanes, 1);
  }
  V sums[Rows][Vectors];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) {
      sums[i][j] = hn::Zero(d);
    }
  }
  const auto add_step = [&] {
    V right[Vectors];
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) right[j] = hn::LoadU(d, b + j * lanes);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < Rows; ++i) {
      const V left = hn::Set(d, a[i * p.a_row]);
#pragma GCC unroll 4
      for (std::size_t j = 0; j < Vectors; ++j) {
        sums[i][j] = hn::MulAdd(left, right[j], sums[i][j]);
      }
    }
    a += p.a_step;
    b += p.b_step;
  };
  std::size_t step = 0;
  for (; ahead.first < ahead.last && step + kStride <= p.depth; step += kStride) {
    for (std::size_t line = ahead.first; line < ahead.last; ++line) {
      __builtin_prefetch(
          ahead.next + (step + line / kPanelLines) * p.b_step + line % kPanelLines * kLineFloats, 0,
          2);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kStride; ++i) add_step();
  }
  for (; step < p.depth; ++step) add_step();
#pragma GCC unroll 8
  for (std::size_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < Vectors; ++j) {
      float* const to = c + i * p.c_row + j * lanes;
      hn::StoreU(p.accumulate ? hn::Add(hn::LoadU(d, to), sums[i][j]) : sums[i][j], d, to);
    }
  }
}

// All rows of c in one panel. The next one, at `next` (null: none), is fetched on the way, as
// evenly as can be: a core waits for few lines of memory at a time.
template <std::size_t Vectors>
void multiply_panel(const PanelProduct& p, const float* b, const float* next, float* c) {
  const std::size_t blocks = (p.rows + kBlockRows - 1) / kBlockRows;
  const auto block = [&](std::size_t row, auto rows) {
    const std::size_t i = row / kBlockRows;
    const Ahead ahead =
        next == nullptr ? Ahead{} : Ahead{next, i * kLines / blocks, (i + 1) * kLines / blocks};
    multiply_block<decltype(rows)::value, Vectors>(p, p.a + row * p.a_row, b, ahead,
                                                   c + row * p.c_row);
  };
  std::size_t row = 0;
  for (; row + kBlockRows <= p.rows; row += kBlockRows) {
    block(row, std::integral_constant<std::size_t, kBlockRows>());
  }
  switch (p.rows - row) {
    case 5:
      return block(row, std::integral_constant<std::size_t, 5>());
    case 4:
      return block(row, std::integral_constant<std::size_t, 4>());
    case 3:
      return block(row, std::integral_constant<std::size_t, 3>());
    case 2:
      return block(row, std::integral_constant<std::size_t, 2>());
    case 1:
      return block(row, std::integral_constant<std::size_t, 1>());
    default:
      return;
  }
}

void multiply_one(const PanelProduct& p) {
  const std::size_t lanes = hn::Lanes(D()), panel = panel_width();
  for (std::size_t column = 0; column < p.columns; column += panel) {
    const float* const b = p.b + column / panel * p.b_panel;
    const float* const next = column + panel < p.columns ? b + p.b_panel : p.b_after;
    float* const c = p.c + column;
    switch (std::min(panel, p.columns - column) / lanes) {
      case 1:
        multiply_panel<1>(p, b, next, c);
        break;
      case 2:
        multiply_panel<2>(p, b, next, c);
        break;
      case 3:
        multiply_panel<3>(p, b, next, c);
        break;
      default:
        multiply_panel<4>(p, b, next, c);
        break;
    }
  }
}

void multiply_all(const PanelProduct& products) {
  PanelProduct p = products;
  for (std::size_t i = 1; i < products.count; ++i) {
    if (products.b_after != nullptr) p.b_after = p.b + p.b_next;
    multiply_one(p);
    p.a += p.a_next;
    p.b += p.b_next;
    p.c += p.c_next;
  }
  p.b_after = products.b_after;
  multiply_one(p);
}

}  // namespace afterglow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace afterglow {

HWY_EXPORT(is_fast);
HWY_EXPORT(panel_width);
HWY_EXPORT(multiply_all);

void multiply(const PanelProduct& product) { HWY_DYNAMIC_DISPATCH(multiply_all)(product); }

bool product_is_fast() { return HWY_DYNAMIC_DISPATCH(is_fast)(); }

std::size_t product_panel() { return HWY_DYNAMIC_DISPATCH(panel_width)(); }

std::size_t packed_panels_size(std::size_t depth, std::size_t columns) {
  const std::size_t panel = product_panel();
  return (columns + panel - 1) / panel * panel * depth;
}

void pack_panels(std::size_t depth, std::size_t columns, const float* b, float* panels) {
  const std::size_t panel = product_panel();
  for_each_index(std::int64_t(depth), [&](std::int64_t row) {
    for (std::size_t first = 0; first < columns; first += panel) {
      const std::size_t filled = std::min(panel, columns - first);
      float* const to = panels + first * depth + std::size_t(row) * panel;
      std::copy_n(b + std::size_t(row) * columns + first, filled, to);
      std::fill(to + filled, to + panel, 0.0F);
    }
  });
}

}  // namespace afterglow
#endif
