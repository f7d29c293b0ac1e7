#include "weights/model_file.hpp"

#include <string>

#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/output_file.hpp"
#include "weights/copy_weight.hpp"
#include "weights/foreign_hdf5.hpp"
#include "weights/keras_model.hpp"
#include "weights/model_properties.hpp"
#include "weights/onnx_model.hpp"
#include "weights/safetensors.hpp"
#include "weights/torch_layout.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr const char* kFormat = "afterglow model";

Properties metadata_of(const LoadedModel& loaded) {
  Properties metadata = properties_of(loaded);
  metadata["format"] = kFormat;
  metadata["arch"] = arch_name(loaded.model->spec().arch);
  metadata["decoder"] = decoder_name(loaded.model->spec().decoder);
  return metadata;
}

Safetensors read_safetensors(const fs::path& path) {
  return parse_safetensors(path.string(),
                           read_file(path, kLargestWeightsFile, "a .safetensors file"));
}

/// What the file's metadata say of its model.
ModelHeader header_of(const fs::path& path, const Safetensors& file) {
  const auto value = [&](const char* key) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  if (value("format") != kFormat) {
    throw InputError(path.string(), "does not say that it is a model of afterglow",
                     "give one that `afterglow weights export` wrote");
  }
  ModelHeader header;
  header.spec.arch = parse_arch(value("arch"), path.string());
  header.spec.decoder = parse_decoder(value("decoder"), path.string());
  header.fit = fit_of(path.string(), file.metadata);
  return header;
}

void load_weights_of(const fs::path& path, const Safetensors& file, ColorizationModel& model) {
  for (const Weight& weight : model.weights()) {
    const std::string name = torch_name(weight.name);
    RawTensors one;
    if (const auto found = file.tensors.find(name); found != file.tensors.end()) {
      one[name] = from_torch_layout(found->second);
    }
    copy_weight(path.string(), one, name, weight);
  }
  model.set_pretrained(pretrained_of(path.string(), file.metadata, model));
}

[[noreturn]] void refuse_format(const fs::path& path) {
  throw InputError(path.string(), "is neither a model of afterglow nor a whole Keras model",
                   "give a model.h5 made by afterglow train, or one saved by Keras");
}

KerasModel read_keras(const fs::path& path) {
  return KerasModel(path.string(), read_foreign_hdf5(path));
}

}  // namespace

ModelForm model_form(const fs::path& path) {
  if (looks_like_safetensors(path)) return ModelForm::kSafetensors;
  const ForeignHdf5 file = read_foreign_hdf5(path, Hdf5Part::kTexts);
  const auto format = file.texts.find("format");
  if (format != file.texts.end()) {
    return format->second == kFormat ? ModelForm::kAfterglow : ModelForm::kNone;
  }
  return file.texts.contains("model_config") ? ModelForm::kKeras : ModelForm::kNone;
}

LoadedModel load_any_model(const fs::path& path, const std::shared_ptr<Backend>& backend) {
  LoadedModel loaded;
  switch (model_form(path)) {
    case ModelForm::kSafetensors: {
      const Safetensors file = read_safetensors(path);
      loaded.header = header_of(path, file);
      loaded.model = make_model(backend, loaded.header.spec, 0);
      load_weights_of(path, file, *loaded.model);
      loaded.header.pretrained = loaded.model->pretrained();
      return loaded;
    }
    case ModelForm::kKeras: {
      const KerasModel file = read_keras(path);
      loaded.header.spec = file.spec();
      loaded.header.fit = file.fit();
      loaded.model = make_model(backend, file.spec(), 0);
      file.load_weights(*loaded.model);
      loaded.header.pretrained = loaded.model->pretrained();
      return loaded;
    }
    case ModelForm::kAfterglow:
      return load_model(path, backend);
    case ModelForm::kNone:
      break;
  }
  refuse_format(path);
}

void load_any_weights(const fs::path& path, ColorizationModel& model, Adam* optimizer) {
  switch (model_form(path)) {
    case ModelForm::kSafetensors: {
      const Safetensors file = read_safetensors(path);
      require_spec(path, header_of(path, file).spec, model.spec());
      if (optimizer != nullptr) {
        throw InputError(path.string(), "has no optimizer state", "leave out --init-optimizer");
      }
      load_weights_of(path, file, model);
      return;
    }
    case ModelForm::kKeras: {
      const KerasModel file = read_keras(path);
      require_spec(path, file.spec(), model.spec());
      file.load_weights(model);
      if (optimizer != nullptr) file.load_optimizer(*optimizer);
      return;
    }
    case ModelForm::kAfterglow:
      load_weights(path, model);
      if (optimizer != nullptr) load_optimizer(path, *optimizer);
      return;
    case ModelForm::kNone:
      break;
  }
  refuse_format(path);
}

void export_model(const LoadedModel& loaded, const std::string& format, const fs::path& path) {
  if (format == "keras") {
    save_keras_model(path, loaded);
  } else if (format == "safetensors") {
    Safetensors content{{}, metadata_of(loaded)};
    for (const Weight& weight : loaded.model->weights()) {
      content.tensors[torch_name(weight.name)] = to_torch_layout(weight.value);
    }
    write_text_file(path, safetensors_bytes(content));
  } else if (format == "onnx") {
    write_text_file(path, onnx_bytes(*loaded.model, metadata_of(loaded)));
  } else {
    throw InputError("--format", "there is no format '" + format + "'",
                     "use keras, safetensors or onnx");
  }
}

}  // namespace afterglow
