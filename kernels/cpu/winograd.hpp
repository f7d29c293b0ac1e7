// Stride-1 3 x 3 convolutions by Winograd's F(4 x 4, 3 x 3): 36 multiplications for 16 outputs
// instead of 144 (winograd_transforms.hpp).
#pragma once

#include <cstddef>

#include "kernels/cpu/onednn.hpp"

namespace afterglow {

/// True for the convolutions that the functions below can do: 3 x 3, stride 1, undilated.
bool is_winograd_shape(const ConvolutionShape& s);

/// Floats of a transformed kernel.
std::size_t winograd_kernel_size(const ConvolutionShape& s);
/// Transforms the kernel w(3, 3, C, K) for winograd_forward. The result depends on C and K alone.
void winograd_transform_kernel(const ConvolutionShape& s, const float* w, float* u);

/// Floats of scratch memory for a call.
std::size_t winograd_forward_scratch(const ConvolutionShape& s);
std::size_t winograd_backward_weights_scratch(const ConvolutionShape& s);

/// y(N, OH, OW, K) = activation(x(N, H, W, C) * w(3, 3, C, K) + b(K)), with u the transformed w; b
/// may be empty.
void winograd_forward(const ConvolutionShape& s, Source x, Source u, Source b,
                      Activation activation, Destination scratch, Destination y);
/// dw(3, 3, C, K) from x(N, H, W, C) and dy(N, OH, OW, K).
void winograd_backward_weights(const ConvolutionShape& s, Source x, Source dy, Destination scratch,
                               Destination dw);

}  // namespace afterglow
