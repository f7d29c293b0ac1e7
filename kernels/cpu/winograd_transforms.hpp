// Winograd's F(4 x 4, 3 x 3): what goes into its 36 products and what comes out of them.
//
// With d a 6 x 6 tile of the input, g the 3 x 3 kernel and y the 4 x 4 outputs of one channel pair,
//   y = A' [(G g G') . (B' d B)] A   (. elementwise; ' transposed)
// with the points 0, 1, -1, 2, -2 and infinity (Lavin & Gray 2016, "Fast Algorithms for
// Convolutional Neural Networks", section 4.1). Sums over input channels are taken between the
// transforms, as 36 matrix products. The gradient of the kernel is its transpose:
//   dg = G' [sum over tiles of (B' d B) . (A dy A')] G.
#pragma once

#include <cstddef>

#include "kernels/cpu/onednn.hpp"

namespace afterglow {

inline constexpr std::size_t kWinogradTile = 4;       // outputs a side
inline constexpr std::size_t kWinogradPoints = 36;    // products
inline constexpr std::size_t kWinogradChannels = 16;  // channels are padded to a multiple of this

/// The tiles of a stride-1 3 x 3 convolution, numbered over frames, rows and columns.
struct WinogradTiles {
  ConvolutionShape shape;
  std::size_t down = 0, across = 0;  // tiles of one frame

  explicit WinogradTiles(const ConvolutionShape& s);
  std::size_t count() const { return std::size_t(shape.n) * down * across; }
};

/// `channels` rounded up to whole vectors of any instruction set.
constexpr std::size_t winograd_padded(std::size_t channels) {
  return (channels + kWinogradChannels - 1) / kWinogradChannels * kWinogradChannels;
}

/// B' d B of one tile of x, for all input channels: point e goes to v[e * point_stride + c], zeros
/// behind the last channel.
void winograd_input(const WinogradTiles& tiles, std::size_t tile, const float* x, float* v,
                    std::size_t point_stride);
/// A dy A' of one tile of dy, for all output channels, laid out likewise.
void winograd_output_gradient(const WinogradTiles& tiles, std::size_t tile, const float* dy,
                              float* v, std::size_t point_stride);
/// y = activation(A' m A + b) of one tile; b may be null.
void winograd_output(const WinogradTiles& tiles, std::size_t tile, const float* m,
                     std::size_t point_stride, const float* b, Activation activation, float* y);
/// G g G' of input channel c, for all output channels, from w(3, 3, C, K) to
/// u[e * point_stride + k / panel * panel_stride + k % panel]; zeros behind the last channel.
void winograd_kernel(const ConvolutionShape& s, std::size_t c, const float* w, float* u,
                     std::size_t point_stride, std::size_t panel, std::size_t panel_stride);
/// dw(3, 3, C, K) of input channel c: G' u G, from u[e * point_stride + k].
void winograd_kernel_gradient(const ConvolutionShape& s, std::size_t c, const float* u,
                              std::size_t point_stride, float* dw);

}  // namespace afterglow
