// PyTorch's names and layout of our weights; ONNX has the same layout.
#pragma once

#include <string>

#include "nn/module.hpp"
#include "weights/raw_tensors.hpp"

namespace afterglow {

/// "conv2d_1/kernel" -> "conv2d_1.weight", "vgg16/block1_conv1/bias" -> "vgg16.block1_conv1.bias",
/// "batch_normalization/moving_mean" -> "batch_normalization.running_mean".
std::string torch_name(const std::string& weight);

/// A weight's values; kernels become (O, I, KH, KW), those of transposed convolutions (I, O, KH,
/// KW).
RawTensor to_torch_layout(const Tensor& weight);

/// The inverse: 4-D values go from (a, b, KH, KW) to (KH, KW, b, a).
RawTensor from_torch_layout(const RawTensor& tensor);

}  // namespace afterglow
