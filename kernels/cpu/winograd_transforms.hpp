// Winograd's (Toom and Cook's) F(m x m, r x r): what goes into its products and what comes out.
//
// With d a tile of s x s input pixels, s = m + r - 1, g the r x r kernel and y the m x m outputs of
// one channel pair,
//   y = A' [(G g G') . (B' d B)] A   (. elementwise; ' transposed)
// (Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.1). It
// evaluates polynomials at s points: at 0, 1, -1 and infinity for s = 4, and at 2 and -2 as well
// for s = 6. B depends on s alone; row p of G is f_p (1, a_p, a_p^2, ...) and row i of A' is
// (a_1^i, a_2^i, ...), with infinity's value added to the last. Sums over input channels are taken
// between the transforms, as s x s matrix products. The gradient of the kernel is its transpose:
//   dg = G' [sum over tiles of (B' d B) . (A dy A')] G.
// Forward passes take the factors f_p with A' instead of G: a kernel is transformed with half the
// operations then, and the outputs with hardly more.
#pragma once

#include <cstddef>

#include "kernels/cpu/fusion.hpp"
#include "kernels/cpu/onednn.hpp"

namespace afterglow {

inline constexpr std::size_t kWinogradChannels = 16;  // channels are padded to a multiple of this

/// A stride-1 convolution cut into tiles, which are numbered over frames, phases, rows and columns.
/// A dilated convolution is a plain one on each of its phases, the pixels whose rows and columns
/// leave the same remainders by the dilation: the pixels of a tile lie `dilation` apart.
struct WinogradTiles {
  ConvolutionShape shape;            // kh = kw = r: 2, 3 or (with 6 points) 5
  std::size_t side = 0;              // points a side, s: 4 or 6
  std::size_t outputs = 0;           // outputs a side, m
  std::size_t phases = 0;            // of one frame
  std::size_t down = 0, across = 0;  // tiles of one phase
  /// In a forward pass the kernel is transformed as it is used: where tiles are few, this takes
  /// less time than reading a transformed one, up to four times as large, from memory.
  bool late = false;

  WinogradTiles(const ConvolutionShape& s, std::size_t points_a_side, bool late_kernel = false);
  std::size_t points() const { return side * side; }
  std::size_t count() const { return std::size_t(shape.n) * phases * down * across; }
};

/// `channels` rounded up to whole vectors of any instruction set.
constexpr std::size_t winograd_padded(std::size_t channels) {
  return (channels + kWinogradChannels - 1) / kWinogradChannels * kWinogradChannels;
}

/// Channels from `first` on; both numbers are multiples of a vector.
struct ChannelRange {
  std::size_t first = 0, count = 0;
};

/// B' d B of one tile of x(N, H, W, C), for some input channels: point e of channel c goes to
/// v[e * point_stride + c - channels.first], zeros behind the last channel. In the pass that
/// carries gradients back, x is one.
void winograd_input(const WinogradTiles& tiles, std::size_t tile, const ChannelRange& channels,
                    const ConvolutionGradient& x, float* v, std::size_t point_stride);
/// A dy A' of one tile of dy(N, OH, OW, K), neither pooled nor masked, for all output channels,
/// laid out likewise.
void winograd_output_gradient(const WinogradTiles& tiles, std::size_t tile,
                              const ConvolutionGradient& dy, float* v, std::size_t point_stride);
/// A' m A + b, with the factors of G, of one tile's channels, with what follows it: point e of
/// channel k is m[e * point_stride + k - channels.first].
void winograd_output(const WinogradTiles& tiles, std::size_t tile, const ChannelRange& channels,
                     const float* m, std::size_t point_stride, const ConvolutionOutput& output);
/// Some output channels of a kernel's input channel: tap t of the k-th is first[t * tap_stride +
/// k].
struct KernelPanel {
  const float* first = nullptr;
  std::size_t tap_stride = 0, columns = 0;
};

/// G g G', without its factors, of each of them: point e goes to u[e * point_stride + k], zeros
/// behind the last up to `panel`, a multiple of a vector.
void winograd_kernel(const WinogradTiles& tiles, const KernelPanel& w, std::size_t panel, float* u,
                     std::size_t point_stride);
/// dw(r, r, C, K) of input channel c: G' u G, from u[e * point_stride + k].
void winograd_kernel_gradient(const WinogradTiles& tiles, std::size_t c, const float* u,
                              std::size_t point_stride, float* dw);

}  // namespace afterglow
