// A tensor of a file becomes a weight of a network.
#pragma once

#include <string>

#include "nn/module.hpp"
#include "weights/raw_tensors.hpp"

namespace afterglow {

/// Copies `tensors[name]` into the weight, the file's order of values being the weight's. Throws
/// InputError(path, ...) when it is missing, of another shape, or holds a value that is not finite.
void copy_weight(const std::string& path, const RawTensors& tensors, const std::string& name,
                 const Weight& weight);

}  // namespace afterglow
