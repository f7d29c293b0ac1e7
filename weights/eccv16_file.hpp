// Weights of the ECCV16 colorizer: the authors' colorization_release_v2.caffemodel, or the .pth of
// their PyTorch port.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "nn/models/eccv16.hpp"

namespace afterglow {

struct Eccv16Files {
  std::filesystem::path weights;
  std::filesystem::path bins;  // a .npy of the bins' centres (313, 2); empty: see load_eccv16
  std::optional<double> temperature;  // of the annealed mean, T > 0; none: see load_eccv16
};

struct LoadedEccv16 {
  std::unique_ptr<Eccv16> model;
  int side = 0;  // of the square picture that its authors give it: 224 (Caffe) or 256 (PyTorch)
  std::string sha256;  // of the file of weights
};

/// Loads the network. From a .caffemodel the bins' centres are the built-in ones and the factor is
/// Eccv16::kFactor (its own blobs of them are not to be trusted); the .pth brings its centres with
/// it, and its graph multiplies by no factor. Its inputs are (L - 50) / 100 and its centres ab /
/// 110, which is put into its first kernel and into the centres. Throws InputError when a file
/// cannot be read, a weight is missing, of another shape or not finite, or the temperature is not
/// above 0.
LoadedEccv16 load_eccv16(const Eccv16Files& files, const std::shared_ptr<Backend>& backend);

}  // namespace afterglow
