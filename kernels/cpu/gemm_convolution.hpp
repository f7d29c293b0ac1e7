// Convolutions with few pixels and many channels as one matrix product: the windows of all pixels
// are the rows of a matrix, and the kernel (KH, KW, C, K) is the other one as it stands. oneDNN's
// convolutions walk picture by picture and reorder the kernel first, which such layers feel.
#pragma once

#include <cstdint>

#include "kernels/backend.hpp"
#include "kernels/cpu/onednn.hpp"

namespace afterglow {

/// Rows of w(KH, KW, C, K) as a matrix of K columns.
std::int64_t window_size(const ConvolutionShape& s);

/// Floats of scratch that each pass needs: the matrix of windows, (N OH OW, KH KW C); none for a 1
/// x 1 kernel.
std::size_t windows_size(const ConvolutionShape& s);

/// As ConvolutionCache's functions of the same name. `windows` is scratch of windows_size(s).
void gemm_forward(const ConvolutionShape& s, Source x, Source w, Source b, Activation activation,
                  Destination windows, Destination y);
/// As gemm_forward, for K a multiple of kPanelColumns, with w in packed panels (panel_product.hpp):
/// for a kernel that is read from memory at each call, that much faster than a product that packs
/// it first.
void gemm_forward_packed(const ConvolutionShape& s, Source x, Source packed, Source b,
                         Activation activation, Destination windows, Destination y);
void gemm_backward_data(const ConvolutionShape& s, Source dy, Source w, Destination windows,
                        Destination dx);
void gemm_backward_weights(const ConvolutionShape& s, Source x, Source dy, Destination windows,
                           Destination dw);

}  // namespace afterglow
