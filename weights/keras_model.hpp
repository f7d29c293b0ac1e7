// Whole-model HDF5 files of Keras: those of the paper's authors (Keras 2.2), of tf_keras, and ours
// for them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "nn/models/colorization_model.hpp"
#include "nn/optimizer.hpp"
#include "weights/foreign_hdf5.hpp"
#include "weights/model_properties.hpp"

namespace afterglow {

/// A file that was read, its architecture known.
class KerasModel {
 public:
  /// Throws InputError(path, ...) when the file has no model_config or its architecture is none of
  /// ours (parse_keras_config).
  KerasModel(std::string path, ForeignHdf5 file);

  const ModelSpec& spec() const { return spec_; }
  /// How whole frames became the network's picture: "crop", as in the paper, when the file does not
  /// say it.
  const std::string& fit() const { return fit_; }
  bool has_optimizer() const { return !moments_.first.empty(); }

  /// Copies the weights into a model of the same spec: by their order, whatever the layers are
  /// called. An encoder counts as pretrained unless the file says what is. Throws InputError when
  /// one is missing, of another kind or shape, or not finite.
  void load_weights(ColorizationModel& model) const;
  /// Copies Adam's moments and step counter, as Keras 2.2, TensorFlow 2 and tf_keras name them.
  /// Throws InputError as load_weights does, and when the file has none.
  void load_optimizer(Adam& optimizer) const;

 private:
  struct Moments {
    std::vector<std::string> first, second;
  };

  std::string path_;
  ForeignHdf5 file_;
  ModelSpec spec_;
  Properties properties_;  // empty when Keras wrote the file
  std::string fit_ = "crop";
  std::vector<std::string> weights_;  // paths in the model's order
  std::string steps_;                 // path of the counter
  Moments moments_;
};

/// Writes a model so that tf_keras.models.load_model(path, compile=False) opens it, its properties
/// as attributes afterglow_fit and afterglow_pretrained. Throws InputError when the file cannot be
/// made, RunError when it cannot be written.
void save_keras_model(const std::filesystem::path& path, const LoadedModel& model);

}  // namespace afterglow
