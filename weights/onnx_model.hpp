// Networks as ONNX graphs, for any runtime.
#pragma once

#include <string>

#include "nn/models/colorization_model.hpp"

namespace afterglow {

/// The bytes of an .onnx file (opset 17): input "x" (N, 6, 128, 128), RGB of the current colorized
/// frame, then of the previous frame; output "y" (N, 3, 128, 128), RGB; pixels 0..255 float32.
/// `metadata` goes along as properties.
std::string onnx_bytes(const ColorizationModel& model,
                       const std::map<std::string, std::string>& metadata);

}  // namespace afterglow
