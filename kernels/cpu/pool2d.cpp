// Max and average pooling, (N, H, W, C). Channels are contiguous, so every window place is one
// vector pass over them.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/pool2d.cpp"
#include "kernels/cpu/simd.hpp"

HWY_BEFORE_NAMESPACE();
namespace afterglow::HWY_NAMESPACE {

// best = max(best, x), and who won; a NaN wins.
void max_place(std::int32_t channels, const float* x, std::uint8_t place, float* best,
               std::uint8_t* winner) {
#pragma omp simd
  for (std::int32_t c = 0; c < channels; ++c) {
    const float value = x[c];
    const std::uint8_t before = winner[c];
    const bool wins = value > best[c] || value != value;
    winner[c] = wins ? place : before;
    best[c] = wins ? value : best[c];
  }
}

void max_place_value(std::int32_t channels, const float* x, float* best) {
#pragma omp simd
  for (std::int32_t c = 0; c < channels; ++c) {
    best[c] = x[c] > best[c] || x[c] != x[c] ? x[c] : best[c];
  }
}

// dx += dy where this place won.
void max_place_backward(std::int32_t channels, const float* dy, const std::uint8_t* winner,
                        std::uint8_t place, float* dx) {
#pragma omp simd
  for (std::int32_t c = 0; c < channels; ++c) {
    const float value = dy[c];
    dx[c] += winner[c] == place ? value : 0.0F;
  }
}

// A ReLU behind the maximum, which is one in front of it; `none` where it lets no gradient through.
void relu_of_max(std::int32_t channels, std::uint8_t none, float* best, std::uint8_t* winner) {
  if (winner != nullptr) {
#pragma omp simd
    for (std::int32_t c = 0; c < channels; ++c) winner[c] = best[c] > 0 ? winner[c] : none;
  }
#pragma omp simd
  for (std::int32_t c = 0; c < channels; ++c) best[c] = best[c] < 0 ? 0.0F : best[c];
}

// Winners of kBits each, from and to bytes of their own: bytes * 8 / kBits of them.
template <int kBits>
void pack_bits(std::int32_t bytes, const std::uint8_t* winner, std::uint8_t* packed) {
  for (std::int32_t i = 0; i < bytes; ++i) {
    unsigned byte = 0;
    for (int k = 0; k < 8 / kBits; ++k) byte |= unsigned{winner[i * (8 / kBits) + k]} << k * kBits;
    packed[i] = static_cast<std::uint8_t>(byte);
  }
}
template <int kBits>
void unpack_bits(std::int32_t bytes, const std::uint8_t* packed, std::uint8_t* winner) {
  for (std::int32_t i = 0; i < bytes; ++i) {
    for (int k = 0; k < 8 / kBits; ++k) {
      const unsigned bits = unsigned{packed[i]} >> k * kBits & ((1U << kBits) - 1);
      winner[i * (8 / kBits) + k] = static_cast<std::uint8_t>(bits);
    }
  }
}

void pack_winners(std::int32_t bits, std::int32_t bytes, const std::uint8_t* winner,
                  std::uint8_t* packed) {
  if (bits == 2) return pack_bits<2>(bytes, winner, packed);
  if (bits == 4) return pack_bits<4>(bytes, winner, packed);
  pack_bits<8>(bytes, winner, packed);
}
void unpack_winners(std::int32_t bits, std::int32_t bytes, const std::uint8_t* packed,
                    std::uint8_t* winner) {
  if (bits == 2) return unpack_bits<2>(bytes, packed, winner);
  if (bits == 4) return unpack_bits<4>(bytes, packed, winner);
  unpack_bits<8>(bytes, packed, winner);
}

}  // namespace afterglow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace afterglow {

HWY_EXPORT(max_place);
HWY_EXPORT(max_place_value);
HWY_EXPORT(max_place_backward);
HWY_EXPORT(relu_of_max);
HWY_EXPORT(pack_winners);
HWY_EXPORT(unpack_winners);

namespace {

/// This thread's winners of one pixel, a byte each, with zeros behind them up to whole packed
/// bytes.
std::uint8_t* unpacked_winners(const Pool2dGeometry& g) {
  thread_local std::vector<std::uint8_t> winners;
  winners.assign(static_cast<std::size_t>(g.winner_bytes_a_pixel() * 8 / g.winner_bits()), 0);
  return winners.data();
}

/// One output pixel's window, cut to the picture.
struct Window {
  std::int32_t top, left;   // of the uncut window; may be negative
  std::int32_t row0, row1;  // rows that exist, in window coordinates
  std::int32_t column0, column1;
};

Window window_at(const Pool2dGeometry& g, std::int32_t oy, std::int32_t ox) {
  const std::int32_t top = oy * g.stride - window_pad_before(g.h, g.window, g.stride, 1, g.padding);
  const std::int32_t left =
      ox * g.stride - window_pad_before(g.w, g.window, g.stride, 1, g.padding);
  return {top,
          left,
          std::max(0, -top),
          std::min(g.window, g.h - top),
          std::max(0, -left),
          std::min(g.window, g.w - left)};
}

/// Calls body(pixel of x, place in the window) for the places that exist.
template <typename Body>
void for_places(const Pool2dGeometry& g, std::int32_t n, const Window& window, const Body& body) {
  for (std::int32_t i = window.row0; i < window.row1; ++i) {
    for (std::int32_t j = window.column0; j < window.column1; ++j) {
      const std::int64_t pixel = (std::int64_t{n} * g.h + window.top + i) * g.w + window.left + j;
      body(pixel, i * g.window + j);
    }
  }
}

/// Calls body(n, oy, ox, output pixel) for all outputs, a row a thread.
template <typename Body>
void for_outputs(const Pool2dGeometry& g, const Body& body) {
  const std::int32_t out_h = g.out_h();
  const std::int32_t out_w = g.out_w();
  for_each_index(std::int64_t{g.n} * out_h, [&](std::int64_t row) {
    for (std::int32_t ox = 0; ox < out_w; ++ox) {
      body(static_cast<std::int32_t>(row / out_h), static_cast<std::int32_t>(row % out_h), ox,
           row * out_w + ox);
    }
  });
}

/// The same with one thread a picture, for bodies that add to dx: windows that overlap write to the
/// same input pixels. Rows of dx are set to 0 just before their first window, in the cache.
template <typename Body>
void for_outputs_onto(const Pool2dGeometry& g, Destination dx, const Body& body) {
  const std::int32_t out_h = g.out_h();
  const std::int32_t out_w = g.out_w();
  const std::int64_t line = std::int64_t{g.w} * g.c;
  for_each_index(g.n, [&](std::int64_t n) {
    float* picture = dx.data() + n * g.h * line;
    std::int32_t cleared = 0;
    const auto clear_to = [&](std::int32_t row) {
      if (row <= cleared) return;
      std::fill(picture + cleared * line, picture + row * line, 0.0F);
      cleared = row;
    };
    for (std::int32_t oy = 0; oy < out_h; ++oy) {
      const Window window = window_at(g, oy, 0);
      clear_to(window.top + window.row1);
      for (std::int32_t ox = 0; ox < out_w; ++ox) {
        body(static_cast<std::int32_t>(n), oy, ox, (n * out_h + oy) * out_w + ox);
      }
    }
    clear_to(g.h);
  });
}

}  // namespace

void CpuBackend::max_pool2d(const Pool2dGeometry& g, Source x, Destination y,
                            std::span<std::uint8_t> winners) {
  const auto max_value = HWY_DYNAMIC_DISPATCH(max_place_value);
  const auto max_and_winner = HWY_DYNAMIC_DISPATCH(max_place);
  const auto relu = HWY_DYNAMIC_DISPATCH(relu_of_max);
  const auto pack = HWY_DYNAMIC_DISPATCH(pack_winners);
  for_outputs(g, [&](std::int32_t n, std::int32_t oy, std::int32_t ox, std::int64_t output) {
    float* best = y.data() + output * g.c;
    std::uint8_t* winner = winners.empty() ? nullptr : unpacked_winners(g);
    bool first = true;
    for_places(g, n, window_at(g, oy, ox), [&](std::int64_t pixel, std::int32_t place) {
      const float* values = x.data() + pixel * g.c;
      const auto mark = static_cast<std::uint8_t>(place);
      if (first) {
        std::copy_n(values, g.c, best);
        if (winner != nullptr) std::fill_n(winner, g.c, mark);
        first = false;
      } else if (winner == nullptr) {
        max_value(g.c, values, best);
      } else {
        max_and_winner(g.c, values, mark, best, winner);
      }
    });
    if (g.relu) relu(g.c, static_cast<std::uint8_t>(g.no_winner()), best, winner);
    if (winner == nullptr) return;
    const std::int32_t bytes = g.winner_bytes_a_pixel();
    pack(g.winner_bits(), bytes, winner, winners.data() + output * bytes);
  });
}

void CpuBackend::max_pool2d_backward(const Pool2dGeometry& g, Source dy,
                                     std::span<const std::uint8_t> winners, Destination dx) {
  const auto to_winner = HWY_DYNAMIC_DISPATCH(max_place_backward);
  const auto unpack = HWY_DYNAMIC_DISPATCH(unpack_winners);
  const std::int32_t bytes = g.winner_bytes_a_pixel();
  for_outputs_onto(
      g, dx, [&](std::int32_t n, std::int32_t oy, std::int32_t ox, std::int64_t output) {
        const float* gradient = dy.data() + output * g.c;
        std::uint8_t* winner = unpacked_winners(g);
        unpack(g.winner_bits(), bytes, winners.data() + output * bytes, winner);
        for_places(g, n, window_at(g, oy, ox), [&](std::int64_t pixel, std::int32_t place) {
          to_winner(g.c, gradient, winner, static_cast<std::uint8_t>(place),
                    dx.data() + pixel * g.c);
        });
      });
}

void CpuBackend::avg_pool2d(const Pool2dGeometry& g, Source x, Destination y) {
  for_outputs(g, [&](std::int32_t n, std::int32_t oy, std::int32_t ox, std::int64_t output) {
    float* mean = y.data() + output * g.c;
    std::fill_n(mean, g.c, 0.0F);
    std::int32_t count = 0;
    for_places(g, n, window_at(g, oy, ox), [&](std::int64_t pixel, std::int32_t) {
      const float* values = x.data() + pixel * g.c;
      for (std::int32_t c = 0; c < g.c; ++c) mean[c] += values[c];
      ++count;
    });
    const float share = 1.0F / static_cast<float>(count);
    for (std::int32_t c = 0; c < g.c; ++c) mean[c] *= share;
  });
}

void CpuBackend::avg_pool2d_backward(const Pool2dGeometry& g, Source dy, Destination dx) {
  for_outputs_onto(
      g, dx, [&](std::int32_t n, std::int32_t oy, std::int32_t ox, std::int64_t output) {
        const Window window = window_at(g, oy, ox);
        const float share = 1.0F / static_cast<float>((window.row1 - window.row0) *
                                                      (window.column1 - window.column0));
        const float* gradient = dy.data() + output * g.c;
        for_places(g, n, window, [&](std::int64_t pixel, std::int32_t) {
          float* values = dx.data() + pixel * g.c;
          for (std::int32_t c = 0; c < g.c; ++c) values[c] += share * gradient[c];
        });
      });
}

}  // namespace afterglow
#endif
