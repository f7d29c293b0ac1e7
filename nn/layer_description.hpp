// A network as the rows of its definition, in words that every framework has: what importers
// compare with, and exporters write.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/geometry.hpp"

namespace afterglow {

enum class LayerKind {
  kConv2d,
  kConvTranspose2d,  // stride 2, its output cut by `crop` pixels a side
  kRelu,
  kMaxPool,
  kAveragePool,
  kUpsample,  // nearest x2
  kBatchNorm,
};

/// One row. What a kind has no use for keeps its default.
struct LayerDescription {
  LayerKind kind = LayerKind::kRelu;
  std::string name{};  // of the layer that holds the weights: "conv2d_1", "vgg16/block1_conv1"
  std::int32_t filters = 0;  // of a convolution
  std::int32_t size = 1;     // of a kernel or a pool
  std::int32_t stride = 1;
  Padding padding = Padding::kValid;
  std::int32_t crop = 0;

  bool operator==(const LayerDescription&) const = default;
};

}  // namespace afterglow
