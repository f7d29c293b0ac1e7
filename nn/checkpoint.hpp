// Model files (HDF5; docs/formats.md): weights in Keras's own layout, and in a checkpoint all that
// training needs to go on to the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/hdf5.hpp"
#include "base/random.hpp"
#include "nn/models/colorization_model.hpp"
#include "nn/models/steady.hpp"
#include "nn/optimizer.hpp"

namespace afterglow {

/// Where a training stands.
struct TrainingState {
  std::int64_t epoch = 0;                                      // the epoch that comes or goes on
  std::int64_t batch = 0;                                      // batches done in it
  std::int64_t step = 0;                                       // steps done in all
  double best_loss = std::numeric_limits<double>::infinity();  // lowest validation loss so far
  std::int64_t best_epoch = -1;
  Rng::State rng{};
  std::string config;  // the effective configuration (TOML)
};

/// What a model file says of itself beside its weights.
struct ModelHeader {
  ModelSpec spec;
  std::string fit;  // how whole frames became the 128 x 128 that it learnt from: "crop" or "resize"
  std::vector<std::string> pretrained;  // encoder layers with weights from a pretrained file
  std::optional<TrainingState> training;
  bool has_optimizer = false;
};

/// Writes a model file, whole or not at all. With `optimizer` and `training` it is a checkpoint.
/// Throws InputError when it cannot be made, RunError when it cannot be written.
void save_model(const std::filesystem::path& path, const ColorizationModel& model,
                const std::string& fit, const Adam* optimizer = nullptr,
                const TrainingState* training = nullptr);

/// Writes a model's weights as Keras does, into a group model_weights of the file. Throws RunError
/// when they cannot be written.
void save_keras_weights(hdf5::File& file, const Module& model);

/// Reads what a model file says of itself. Throws InputError when it is missing, not a model of
/// afterglow, or of a later version.
ModelHeader read_model_header(const std::filesystem::path& path);

/// A model with its weights, in inference mode.
struct LoadedModel {
  std::unique_ptr<ColorizationModel> model;
  ModelHeader header;
};

/// Loads a model file. Throws InputError when a weight is missing, of another shape, or not finite.
LoadedModel load_model(const std::filesystem::path& path, const std::shared_ptr<Backend>& backend);

/// Throws InputError when a file's network `is` another than `wanted`.
void require_spec(const std::filesystem::path& path, const ModelSpec& is, const ModelSpec& wanted);

/// Reads the weights of a file into a model of the same spec. Throws InputError as load_model does,
/// and when the specs differ.
void load_weights(const std::filesystem::path& path, ColorizationModel& model);

/// Reads the optimizer's moments and step counter of a checkpoint. Throws InputError when the file
/// has none that fit.
void load_optimizer(const std::filesystem::path& path, Adam& optimizer);

/// Where the training of a steady network stands: TrainingState, and what its streams remember.
struct SteadyTraining {
  TrainingState state;
  SteadyState carried;
};

/// Writes a steady network's file, whole or not at all. With `optimizer` and `training` it is a
/// checkpoint. Throws as save_model does.
void save_steady(const std::filesystem::path& path, const SteadyModel& model,
                 const Adam* optimizer = nullptr, const SteadyTraining* training = nullptr);

/// True for a file of a steady network; false for any other, or none.
bool holds_steady(const std::filesystem::path& path);

/// Loads a steady network. Throws InputError as load_model does.
std::unique_ptr<SteadyModel> load_steady(const std::filesystem::path& path,
                                         const std::shared_ptr<Backend>& backend);

/// The same from the bytes of such a file. shown: for messages.
std::unique_ptr<SteadyModel> load_steady(std::span<const std::byte> image, const std::string& shown,
                                         const std::shared_ptr<Backend>& backend);

/// Where the training of a steady network's checkpoint stands. Throws InputError when it is none.
TrainingState read_steady_state(const std::filesystem::path& path);

/// Reads a checkpoint's weights, and what its streams remember, into a model of the same arch and
/// planes of the same shapes. Throws InputError when they do not fit.
void load_steady_training(const std::filesystem::path& path, SteadyModel& model,
                          SteadyState& carried);

}  // namespace afterglow
