// The forward convolutions that carry gradients of a convolution's result back to its input, and
// their kernels.
#pragma once

#include <optional>

#include "kernels/cpu/onednn.hpp"

namespace afterglow {

/// The convolution that carries dy back to dx at stride 1.
ConvolutionShape turned(const ConvolutionShape& s);

/// kernel (KH, KW, C, K) -> turned (KH, KW, K, C): by 180 degrees, and its channels exchanged.
void turn_kernel(const ConvolutionShape& s, const float* w, float* turned);

/// The taps in reverse order; each tap's (C, K) matrix stays as it is.
void reverse_taps(const ConvolutionShape& s, const float* w, float* reversed);

/// The convolution at half the resolution that carries dy back to dx at stride 2 without padding,
/// for kernels of an even size: row 2j + p of dx is the sum over t of row j - t of dy times row 2t
/// + p of the kernel. It has an output channel for each phase (p, q) of dx and each of its
/// channels, to be stored by depth to space. None for other convolutions.
std::optional<ConvolutionShape> doubling(const ConvolutionShape& s);

/// kernel (KH, KW, C, K) -> (KH / 2, KW / 2, K, 4 C) of that convolution.
void phase_kernel(const ConvolutionShape& s, const float* w, float* phases);

}  // namespace afterglow
