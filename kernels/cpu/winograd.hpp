// Stride-1 convolutions by Winograd's F(m x m, r x r) (winograd_transforms.hpp): with 6 points a
// side 36 multiplications do the work of 144 for a 3 x 3 kernel, of 100 for a 5 x 5 or 2 x 2 one;
// with 4 points 16 that of 36, and the transformed kernel is smaller.
#pragma once

#include <cstddef>

#include "kernels/cpu/winograd_transforms.hpp"

namespace afterglow {

/// True for what the functions below can do with `side` points a side: square kernels of 2, 3 or
/// (with 6 points) 5, stride 1.
bool is_winograd_shape(const ConvolutionShape& s, std::size_t side);

/// True when large enough a chunk of tiles fits into a core's own cache: a forward pass of few
/// enough threads takes less time then.
bool winograd_fits_own_cache(const WinogradTiles& tiles);

/// Chunks of tiles in a forward pass: how often a late kernel is transformed, at least.
std::size_t winograd_chunks(const WinogradTiles& tiles);

/// Floats of a prepared kernel.
std::size_t winograd_kernel_size(const WinogradTiles& tiles);
/// Prepares the kernel w(r, r, C, K) for winograd_forward. The result depends on r, C, K and, where
/// the kernel is not late, on the number of points alone.
void winograd_prepare_kernel(const WinogradTiles& tiles, const float* w, float* u);

/// Floats of scratch memory for a call.
std::size_t winograd_forward_scratch(const WinogradTiles& tiles);
std::size_t winograd_backward_weights_scratch(const WinogradTiles& tiles);

/// y(N, OH, OW, K) = activation(x(N, H, W, C) * w(r, r, C, K) + b(K)), stored as y says, with u the
/// prepared w. x is a gradient where the convolution carries one back.
void winograd_forward(const WinogradTiles& tiles, const ConvolutionGradient& x, Source u,
                      const ConvolutionOutput& y, Destination scratch);
/// dw(r, r, C, K) from x(N, H, W, C) and dy(N, OH, OW, K), which is neither pooled nor masked.
void winograd_backward_weights(const WinogradTiles& tiles, Source x, const ConvolutionGradient& dy,
                               Destination scratch, Destination dw);

}  // namespace afterglow
