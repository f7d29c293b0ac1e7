// What a convolution does on the way to memory, beyond bias and activation.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/backend.hpp"
#include "kernels/cpu/affine.hpp"

namespace afterglow {

/// How the result y(N, OH, OW, K) of a convolution is stored.
enum class Fusion : std::int32_t {
  kNone,
  kDepthToSpace,  // as (N, 2 OH, 2 OW, K / 4): channel (2 i + j) K / 4 + k is pixel (i, j) of four
  kMaxPool,       // as (N, OH / 2, OW / 2, K): the largest of 2 x 2 pixels, behind a ReLU
};

/// Where a forward pass writes.
struct ConvolutionOutput {
  Source b = {};  // (K); may be empty
  Activation activation = Activation::kNone;
  Affine norm = {};  // behind the activation; none with kMaxPool
  Destination y = {};
  Fusion fusion = Fusion::kNone;
  std::span<std::uint8_t> winners = {};  // kMaxPool: as conv2d_max_pool's; may be empty
};

/// The gradient of what a forward pass wrote.
struct ConvolutionGradient {
  Source dy = {};
  Fusion fusion = Fusion::kNone;
  Source relu = {};  // kNone: unless empty, dy counts where this is above 0
  std::span<const std::uint8_t> winners = {};
};

}  // namespace afterglow
