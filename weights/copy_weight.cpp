#include "weights/copy_weight.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace afterglow {

void copy_weight(const std::string& path, const RawTensors& tensors, const std::string& name,
                 const Weight& weight) {
  constexpr const char* kOther = "give a file of this network";
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    throw InputError(path, name + " is missing, where " + weight.name + " should be", kOther);
  }
  const RawTensor& raw = found->second;
  const Shape& shape = weight.value.shape();
  bool fits = static_cast<int>(raw.shape.size()) == shape.rank();
  for (int axis = 0; fits && axis < shape.rank(); ++axis) {
    fits = raw.shape[static_cast<std::size_t>(axis)] == shape[axis];
  }
  if (!fits) {
    throw InputError(path,
                     name + " has shape " + shape_text(raw.shape) + ", where " + weight.name +
                         " should have " + shape.to_string(),
                     kOther);
  }
  if (!std::all_of(raw.values.begin(), raw.values.end(),
                   [](float value) { return std::isfinite(value); })) {
    throw InputError(path, name + " holds NaN or infinity", "get the file again");
  }
  Tensor(weight.value).copy_from_host(raw.values);
}

}  // namespace afterglow
