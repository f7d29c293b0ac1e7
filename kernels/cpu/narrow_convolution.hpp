// Gradients of stride-1 convolutions with few channels on one side: a vector along those would stay
// mostly empty, so vectors run along the channels of the other side.
#pragma once

#include <cstddef>

#include "kernels/backend.hpp"
#include "kernels/cpu/onednn.hpp"

namespace afterglow {

/// True for what narrow_backward_data can do: C of at most 4, K a multiple of 16, no dilation.
bool is_narrow_backward_data(const ConvolutionShape& s);
/// True for what narrow_backward_weights can do: K of at most 16, C a multiple of 16, no dilation.
bool is_narrow_backward_weights(const ConvolutionShape& s);

/// dx(N, H, W, C) from dy(N, OH, OW, K), which counts where `relu` is above 0 unless that is empty,
/// and w(KH, KW, C, K).
void narrow_backward_data(const ConvolutionShape& s, Source dy, Source relu, Source w,
                          Destination dx);

/// Floats of scratch memory for a call.
std::size_t narrow_backward_weights_scratch(const ConvolutionShape& s);
/// dw(KH, KW, C, K) from x(N, H, W, C) and dy(N, OH, OW, K): sums over strips of rows, added in
/// order.
void narrow_backward_weights(const ConvolutionShape& s, Source x, Source dy, Destination scratch,
                             Destination dw);

}  // namespace afterglow
