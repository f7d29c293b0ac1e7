// Models in every form that we know, in and out.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "nn/checkpoint.hpp"

namespace afterglow {

/// The form of a model file, by its content. Throws InputError as read_foreign_hdf5 does, for a
/// file of any other form too.
enum class ModelForm { kAfterglow, kKeras, kSafetensors, kNone };
ModelForm model_form(const std::filesystem::path& path);

/// Loads afterglow's own file, a whole Keras model, or a .safetensors that export_model wrote.
/// Files that do not say how whole frames became the network's picture count as the paper's:
/// "crop". Throws InputError as load_model, KerasModel and parse_safetensors do.
LoadedModel load_any_model(const std::filesystem::path& path,
                           const std::shared_ptr<Backend>& backend);

/// Reads the weights of such a file into a model of the same spec, and with an `optimizer` Adam's
/// moments and step counter too. Throws InputError as load_any_model does, and when the specs
/// differ or there is no optimizer's state.
void load_any_weights(const std::filesystem::path& path, ColorizationModel& model,
                      Adam* optimizer = nullptr);

/// Writes a model for others: "keras", "safetensors" or "onnx". Throws InputError for another
/// format or when the file cannot be made, RunError when it cannot be written.
void export_model(const LoadedModel& model, const std::string& format,
                  const std::filesystem::path& path);

}  // namespace afterglow
