// The ECCV16 colorizer's weights among the tensors of its authors' files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/tensor.hpp"
#include "weights/raw_tensors.hpp"

namespace afterglow {

/// Whose file: the authors' .caffemodel, or the .pth of their PyTorch port.
enum class Eccv16Source { kCaffe, kTorch };

/// Where the values of a weight lie: "conv3_2/kernel" and "conv3_2/bias" of the network are
/// "conv3_2/0" and "conv3_2/1" of Caffe's, "model3.2.weight" and "model3.2.bias" of PyTorch's.
/// Errors name `file`.
class Eccv16Tensors {
 public:
  Eccv16Tensors(std::string file, RawTensors tensors, Eccv16Source source);

  const RawTensors& tensors() const { return tensors_; }
  /// The values of one of the network's weights (Eccv16::weight_shapes), in the network's order;
  /// those of PyTorch's first kernel for lightness that was not divided by 100. Throws InputError
  /// when they are missing, of another shape or not finite.
  std::vector<float> values_of(const std::string& weight, const Shape& shape) const;
  /// The bins' centres (313, 2) in CIE ab, which PyTorch's file alone has to be trusted. Throws
  /// InputError as values_of.
  std::vector<float> centres() const;
  /// Throws InputError, as values_of, unless the whole network is there.
  void check() const;

 private:
  std::string conv_name(const std::string& layer) const;
  std::vector<float> norm(const std::string& block, const std::string& what,
                          std::int64_t channels) const;
  std::vector<float> tensor(const std::string& name, const std::vector<std::int64_t>& shape) const;
  [[noreturn]] void refuse(const std::string& problem) const;

  std::string file_;
  RawTensors tensors_;
  bool is_torch_;
};

}  // namespace afterglow
