// What a model is beside its weights, as an exported file says it in texts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/checkpoint.hpp"

namespace afterglow {

/// Texts by name.
using Properties = std::map<std::string, std::string>;

/// `fit` ("crop" or "resize") and `pretrained` (the encoder layers whose weights came from a
/// pretrained file, with commas between).
Properties properties_of(const LoadedModel& model);

/// The text `fit`. Throws InputError(path, ...) unless it is "crop" or "resize".
std::string fit_of(const std::string& path, const Properties& properties);

/// The layers in the text `pretrained`; none when it is not there. Throws InputError(path, ...)
/// when one is no layer of the model's encoder.
std::vector<std::string> pretrained_of(const std::string& path, const Properties& properties,
                                       const ColorizationModel& model);

/// Names of the encoder's layers, in order ("block1_conv1"); none of an alexnet.
std::vector<std::string> encoder_layers(const ColorizationModel& model);

}  // namespace afterglow
