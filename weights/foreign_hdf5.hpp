// HDF5 files of other programs. libhdf5 has a history of memory faults on damaged files, and can
// be told by a file to open others: it reads such files in a child process of its own.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "weights/raw_tensors.hpp"

namespace afterglow {

/// What a file holds, as far as Keras's models need it. Paths as "model_weights/conv2d/kernel:0".
struct ForeignHdf5 {
  /// Datasets of numbers, converted to float32.
  RawTensors tensors;
  /// Attributes of the root that are one text: "model_config", "format", and "afterglow_fit" and
  /// "afterglow_pretrained" of what we exported.
  std::map<std::string, std::string> texts;
  /// Attributes weight_names: "model_weights/conv2d@weight_names".
  std::map<std::string, std::vector<std::string>> lists;
};

/// The root's texts alone, or all.
enum class Hdf5Part { kTexts, kAll };

/// Reads a file. Throws InputError when it is not HDF5, damaged, nested deeper than any
/// model, or of more than kLargestWeightsFile bytes of numbers; also when libhdf5 crashes, hangs,
/// asks for other files or for memory beyond that.
ForeignHdf5 read_foreign_hdf5(const std::filesystem::path& path, Hdf5Part part = Hdf5Part::kAll);

}  // namespace afterglow
