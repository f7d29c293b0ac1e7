// Keras's model_config: a network's architecture as JSON.
#pragma once

#include <string>
#include <vector>

#include "nn/models/colorization_model.hpp"

namespace afterglow {

/// Which of our networks a model_config describes, and where its weights lie.
struct KerasArchitecture {
  ModelSpec spec;
  /// The outermost layers that hold weights, in order: a group of model_weights each.
  std::vector<std::string> groups;
};

/// Reads the architecture of a Sequential or a Functional model whose layers form a chain; nested
/// models count as their layers. Names of layers are of no meaning. Throws InputError(path, ...)
/// when it is none of our networks, naming the first layer that differs.
KerasArchitecture parse_keras_config(const std::string& path, const std::string& json);

/// The model_config of a network, for tf_keras and Keras 2; layers are named as ours are, and those
/// of an encoder ("vgg16/...") form a nested model that is not trained.
std::string keras_config(const std::vector<LayerDescription>& rows);

}  // namespace afterglow
