// Files of the ECCV16 colorizer's layout with weights of an arithmetic rule, the same as those of
// data/make_eccv16_goldens.py.
#pragma once

#include <filesystem>
#include <string>

#include "weights/raw_tensors.hpp"

namespace afterglow::test {

/// All weights under the names of Caffe's file ("bw_conv1_1/0") or PyTorch's ("model1.0.weight").
RawTensors eccv16_caffe_weights();
RawTensors eccv16_torch_weights();

/// How a .caffemodel holds layers and extents: as of before 2015, or as of today.
enum class CaffeForm { kV1, kV2 };

/// The bytes of a .caffemodel, and of a .pth in the form of before PyTorch 1.6.
std::string caffemodel_bytes(const RawTensors& tensors, CaffeForm form = CaffeForm::kV2);
std::string legacy_torch_bytes(const RawTensors& tensors);

void write_bytes(const std::filesystem::path& path, const std::string& bytes);

}  // namespace afterglow::test
