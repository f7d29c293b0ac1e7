#include "weights/torch_layout.hpp"

#include <algorithm>
#include <map>

namespace afterglow {
namespace {

/// Reverses the pairs of axes: (a, b, c, d) -> (d, c, a, b) with `kernel_first`, else (a, b, c, d)
/// -> (c, d, b, a).
RawTensor moved(const RawTensor& from, bool kernel_first) {
  if (from.shape.size() != 4) return from;
  const std::vector<std::int64_t>& s = from.shape;
  // Axis of `from` that each axis of the result is.
  const int axes[4] = {kernel_first ? 3 : 2, kernel_first ? 2 : 3, kernel_first ? 0 : 1,
                       kernel_first ? 1 : 0};
  RawTensor to;
  for (const int axis : axes) to.shape.push_back(s[static_cast<std::size_t>(axis)]);
  if (from.values.empty()) return to;  // the extents beside the 0 may be of any size
  const std::int64_t strides[4] = {s[1] * s[2] * s[3], s[2] * s[3], s[3], 1};
  to.values.reserve(from.values.size());
  for (std::int64_t i = 0; i < to.shape[0]; ++i) {
    for (std::int64_t j = 0; j < to.shape[1]; ++j) {
      for (std::int64_t k = 0; k < to.shape[2]; ++k) {
        for (std::int64_t l = 0; l < to.shape[3]; ++l) {
          const std::int64_t at = i * strides[axes[0]] + j * strides[axes[1]] +
                                  k * strides[axes[2]] + l * strides[axes[3]];
          to.values.push_back(from.values[static_cast<std::size_t>(at)]);
        }
      }
    }
  }
  return to;
}

}  // namespace

std::string torch_name(const std::string& weight) {
  static const std::map<std::string, std::string> kinds = {{"kernel", "weight"},
                                                           {"bias", "bias"},
                                                           {"gamma", "weight"},
                                                           {"beta", "bias"},
                                                           {"moving_mean", "running_mean"},
                                                           {"moving_variance", "running_var"}};
  const std::size_t slash = weight.rfind('/');
  std::string name = weight.substr(0, slash);
  std::replace(name.begin(), name.end(), '/', '.');
  return name + '.' + kinds.at(weight.substr(slash + 1));
}

RawTensor to_torch_layout(const Tensor& weight) {
  RawTensor raw;
  for (int axis = 0; axis < weight.shape().rank(); ++axis) {
    raw.shape.push_back(weight.shape()[axis]);
  }
  raw.values = weight.to_host();
  return moved(raw, /*kernel_first=*/true);
}

RawTensor from_torch_layout(const RawTensor& tensor) { return moved(tensor, false); }

}  // namespace afterglow
