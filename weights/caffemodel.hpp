// Caffe's model files (.caffemodel): protobuf messages, with layers under their fields of before
// 2015 (V1) or of today (V2).
#pragma once

#include <string>
#include <string_view>

#include "weights/raw_tensors.hpp"

namespace afterglow {

/// The blobs of all layers, as "<layer>/<number of the blob>". Throws InputError, naming `name`,
/// when the bytes are no such message, a blob's values are not as many as its shape says, or two
/// layers have one name.
RawTensors parse_caffemodel(const std::string& name, std::string_view bytes);

}  // namespace afterglow
