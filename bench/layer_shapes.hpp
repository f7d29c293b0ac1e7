// The layers as the CPU backend's convolutions.
#pragma once

#include "bench/layers.hpp"
#include "kernels/cpu/convolution.hpp"

namespace afterglow::bench {

using afterglow::shape_of;
inline ConvolutionShape shape_of(const TransposedConv2d& g) { return shape_of(g.of); }

}  // namespace afterglow::bench
