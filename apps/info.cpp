// `afterglow info`: what a file holds.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/commands.hpp"
#include "apps/device_options.hpp"
#include "base/error.hpp"
#include "base/input_file.hpp"
#include "data/dataset.hpp"
#include "data/film_set.hpp"
#include "data/frames.hpp"
#include "data/names.hpp"
#include "data/result_file.hpp"
#include "data/steady_planes.hpp"
#include "nn/models/eccv16.hpp"
#include "nn/recurrent_colorizer.hpp"
#include "nn/steady_colorizer.hpp"
#include "weights/caffemodel.hpp"
#include "weights/eccv16_tensors.hpp"
#include "weights/foreign_hdf5.hpp"
#include "weights/keras_config.hpp"
#include "weights/keras_vgg16.hpp"
#include "weights/model_file.hpp"
#include "weights/npy.hpp"
#include "weights/raw_tensors.hpp"
#include "weights/safetensors.hpp"
#include "weights/torch_file.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kWhatIsKnown = "give a model, a dataset, a result or weights of Keras";
constexpr const char* kTakenByNothing = "nothing in afterglow";
constexpr std::string_view kHdf5Signature("\x89HDF\r\n\x1a\n", 8);

bool holds_hdf5(const fs::path& path) {
  std::string start(kHdf5Signature.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  return start == kHdf5Signature || is_hdf5(path);
}

/// Layers of the VGG16 encoder whose weights are those that training began with.
std::vector<std::string> random_layers(const ColorizationModel& model) {
  const std::string prefix = "vgg16/";
  std::vector<std::string> layers;
  for (const Weight& weight : model.weights()) {
    if (!weight.name.starts_with(prefix)) continue;
    const std::string layer =
        weight.name.substr(prefix.size(), weight.name.rfind('/') - prefix.size());
    const auto& pretrained = model.pretrained();
    const bool known = std::find(pretrained.begin(), pretrained.end(), layer) != pretrained.end() ||
                       std::find(layers.begin(), layers.end(), layer) != layers.end();
    if (!known) layers.push_back(layer);
  }
  return layers;
}

std::string kind_of(ModelForm form) {
  if (form == ModelForm::kKeras) return "keras model";
  return form == ModelForm::kSafetensors ? "safetensors model" : "model";
}

Json describe_model(const fs::path& path, ModelForm form) {
  const LoadedModel loaded = load_any_model(path, make_cpu_backend());
  const ColorizationModel& model = *loaded.model;
  Json json{{"kind", kind_of(form)},
            {"architecture", arch_name(model.spec().arch)},
            {"decoder", decoder_name(model.spec().decoder)},
            {"parameters", model.weight_count()},
            {"trainable", model.trainable_count()},
            {"input_size", kNetworkSize},
            {"fit", loaded.header.fit}};
  if (model.spec().arch == Arch::kVgg16) {
    json["pretrained_layers"] = model.pretrained();
    json["random_layers"] = random_layers(model);
  }
  if (const auto& training = loaded.header.training) {
    json["epochs_done"] = training->epoch;
    json["steps_done"] = training->step;
    if (training->best_epoch >= 0) {
      json["best_epoch"] = training->best_epoch + 1;
      json["best_validation_loss"] = training->best_loss;
    }
  }
  json["can_be_resumed"] = loaded.header.has_optimizer && loaded.header.training.has_value();
  return json;
}

Json describe_steady(const fs::path& path) {
  const std::unique_ptr<SteadyModel> model = load_steady(path, make_cpu_backend());
  return {{"kind", "model"},
          {"architecture", steady_arch_name(model->arch())},
          {"parameters", model->weight_count()},
          {"takes", "films of any size"}};
}

Json as_json(const std::vector<ConvolutionPlan>& plans) {
  Json json = Json::array();
  for (const ConvolutionPlan& plan : plans) {
    json.push_back(
        {{"convolution", plan.convolution}, {"pass", plan.pass}, {"algorithm", plan.algorithm}});
  }
  return json;
}

/// How the model's convolutions are computed, told by computing them.
Json describe_plan(const fs::path& path, const BackendOptions& options) {
  constexpr std::int64_t kBatch = 16;
  Json json;
  {
    const auto backend = open_backend(options);
    const LoadedModel loaded = load_any_model(path, backend);
    loaded.model->train(true);
    const Variable y = loaded.model->forward(
        Variable(Tensor::zeros(backend, {kBatch, kNetworkSize, kNetworkSize, 6})));
    backward(y, Tensor::zeros(backend, y.shape()));
    json["training_step"] = as_json(backend->convolution_plans());
  }
  const auto backend = open_backend(options);
  const LoadedModel loaded = load_any_model(path, backend);
  RecurrentColorizer(*loaded.model, Previous::kOwn)
      .step(Tensor::zeros(backend, {1, kNetworkSize, kNetworkSize, 3}));
  json["frame"] = as_json(backend->convolution_plans());
  return json;
}

/// The same of a steady network: a frame of a film of 16:9.
Json describe_steady_plan(const fs::path& path, const BackendOptions& options) {
  const SteadySize size = steady_size(1920, 1080);
  const auto backend = open_backend(options);
  const std::unique_ptr<SteadyModel> model = load_steady(path, backend);
  const auto zeros = [&](std::int64_t channels) {
    return Tensor::zeros(backend, {1, size.height / 2, size.width / 2, channels});
  };
  SteadyColorizer(*model).step({zeros(4), zeros(1), zeros(2), zeros(2), zeros(1), zeros(1)});
  return {{"frame", as_json(backend->convolution_plans())}};
}

Json describe_film_set(const fs::path& path) {
  const FilmSet films(path);
  std::int64_t frames = 0;
  Json clips = Json::array();
  for (const FilmSetClip& clip : films.clips()) {
    frames += clip.frames;
    clips.push_back({{"id", clip.id},
                     {"frames", clip.frames},
                     {"size", size_text(clip.width, clip.height)},
                     {"fps", clip.fps},
                     {"split", split_name(clip.split)},
                     {"colorized", clip.has_colorized},
                     {"source", clip.source}});
  }
  return {{"kind", "film set"}, {"frames", frames}, {"clips", clips}};
}

Json describe_dataset(const fs::path& path) {
  const Dataset dataset(path);
  const DatasetHeader& header = dataset.header();
  std::int64_t frames = 0;
  Json clips = Json::array();
  for (const ClipInfo& clip : dataset.clips()) {
    frames += clip.frames;
    clips.push_back({{"id", clip.id},
                     {"frames", clip.frames},
                     {"fps", clip.fps},
                     {"split", split_name(clip.split)},
                     {"source", clip.source}});
  }
  Json json{{"kind", "dataset"},
            {"frame_size", header.size},
            {"fit", fit_name(header.fit)},
            {"colorizer", header.colorizer}};
  if (!header.colorizer_sha256.empty()) json["colorizer_sha256"] = header.colorizer_sha256;
  json["seed"] = header.seed;
  json["frames"] = frames;
  json["flow"] = dataset.has_flow();
  json["train_clips"] = dataset.clips(Split::kTrain).size();
  json["val_clips"] = dataset.clips(Split::kVal).size();
  json["test_clips"] = dataset.clips(Split::kTest).size();
  json["clips"] = clips;
  return json;
}

Json describe_results(const fs::path& path) {
  const ResultFile results(path);
  Json clips = Json::array();
  for (const ResultClip& clip : results.clips()) {
    clips.push_back({{"id", clip.id}, {"frames", clip.frames}, {"fps", clip.fps}});
  }
  return {{"kind", "result"}, {"clips", clips}};
}

/// The tensors' shapes, how many numbers they hold, and what takes them.
void add_tensors(Json& json, const RawTensors& tensors, const std::string& taken_by) {
  std::size_t parameters = 0;
  Json list = Json::array();
  for (const auto& [name, tensor] : tensors) {
    parameters += tensor.values.size();
    list.push_back({{"name", name}, {"shape", shape_text(tensor.shape)}});
  }
  json["parameters"] = parameters;
  json["taken_by"] = taken_by;
  json["tensors"] = std::move(list);
}

Json describe_vgg16(const fs::path& path, const ForeignHdf5& file) {
  const std::vector<std::string> layers = keras_vgg16_layers(file);
  if (layers.empty()) {
    throw InputError(path.string(), "holds neither a model nor weights of VGG16", kWhatIsKnown);
  }
  Json json{{"kind", "vgg16 weights"}, {"layers", layers}};
  const bool whole = layers.size() == vgg16_layers().size();
  add_tensors(
      json, file.tensors,
      std::string("train --arch vgg16 --vgg16-weights") + (whole ? "" : " with --vgg16-partial"));
  return json;
}

/// A whole Keras model: one of our two networks, or one that at least has VGG16's layers.
Json describe_keras(const fs::path& path) {
  const ForeignHdf5 file = read_foreign_hdf5(path);
  try {
    parse_keras_config(path.string(), file.texts.at("model_config"));
  } catch (const InputError&) {
    if (keras_vgg16_layers(file).empty())
      throw;  // what it says of the architecture is the better reason
    return describe_vgg16(path, file);
  }
  return describe_model(path, ModelForm::kKeras);
}

/// The weights of a Caffe or PyTorch model.
Json describe_tensors(const std::string& kind, const Eccv16Tensors& file) {
  Json json{{"kind", kind}};
  std::string taken_by = "prepare and colorize --colorizer eccv16 --weights";
  try {
    file.check();
  } catch (const InputError& error) {
    taken_by = kTakenByNothing;
    json["not_eccv16"] = error.what();
  }
  add_tensors(json, file.tensors(), taken_by);
  return json;
}

Json describe_array(const RawTensor& array) {
  const bool bins = array.shape == std::vector<std::int64_t>{Eccv16::kBins, 2};
  return {{"kind", "numpy array"},
          {"shape", shape_text(array.shape)},
          {"numbers", array.values.size()},
          {"taken_by", bins ? "prepare and colorize --colorizer eccv16 --bins" : kTakenByNothing}};
}

/// What a file of another program's weights holds; nothing when it is none, by its first bytes or,
/// as Caffe's have nothing to be known by, its name.
std::optional<Json> describe_weights(const fs::path& path) {
  if (fs::is_directory(path)) return std::nullopt;
  std::string start(10, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  const bool torch = looks_like_torch(start) || path.extension() == ".pth";
  const bool array = looks_like_npy(start) || path.extension() == ".npy";
  if (!torch && !array && path.extension() != ".caffemodel") return std::nullopt;
  const std::string bytes = read_file(path, kLargestWeightsFile, "a file of weights");
  const std::string name = path.string();
  if (array) return describe_array(parse_npy(name, bytes));
  if (torch) {
    return describe_tensors("torch weights",
                            {name, parse_torch(name, bytes), Eccv16Source::kTorch});
  }
  return describe_tensors("caffe weights",
                          {name, parse_caffemodel(name, bytes), Eccv16Source::kCaffe});
}

Json describe_frames(const fs::path& path) {
  const FramesInfo info = open_frames(path)->info();
  Json json{{"kind", fs::is_directory(path) ? "picture folder" : "film"},
            {"width", info.width},
            {"height", info.height},
            {"fps", info.fps},
            {"codec", info.codec},
            {"matrix", info.matrix},
            {"full_range", info.full_range}};
  if (info.count > 0) json["frames"] = info.count;  // some containers do not say
  return json;
}

/// `plan_on`: for a plan, where.
Json describe(const fs::path& path, const BackendOptions* plan_on) {
  if (!fs::exists(path)) {
    throw InputError(path.string(), "does not exist", "give a file or folder that does");
  }
  if (!fs::is_directory(path) && holds_hdf5(path)) {
    if (holds_steady(path)) {
      return plan_on == nullptr ? describe_steady(path) : describe_steady_plan(path, *plan_on);
    }
    if (plan_on == nullptr && is_film_set(path)) return describe_film_set(path);
  }
  const bool other = fs::is_directory(path) || !(looks_like_safetensors(path) || holds_hdf5(path));
  const ModelForm form = other ? ModelForm::kNone : model_form(path);
  if (form != ModelForm::kNone) {
    if (plan_on != nullptr) return describe_plan(path, *plan_on);
    return form == ModelForm::kKeras ? describe_keras(path) : describe_model(path, form);
  }
  if (plan_on != nullptr) {
    throw InputError(path.string(), "is not a model, which alone has a plan", "leave out --plan");
  }
  if (other) {
    const std::optional<Json> weights = describe_weights(path);
    return weights ? *weights : describe_frames(path);
  }
  const ForeignHdf5 file = read_foreign_hdf5(path, Hdf5Part::kTexts);
  const auto format = file.texts.find("format");
  if (format == file.texts.end()) return describe_vgg16(path, read_foreign_hdf5(path));
  if (format->second == "afterglow dataset") return describe_dataset(path);
  if (format->second == "afterglow result") return describe_results(path);
  throw InputError(path.string(), "holds '" + format->second + "', which is not known",
                   kWhatIsKnown);
}

std::string text_of(const Json& value) {
  if (value.is_string()) return one_line(value.get<std::string>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const Json& item : value) text += (text.empty() ? "" : ", ") + text_of(item);
  return text.empty() ? "none" : text;
}

/// `key: value` lines; a list of objects as a line each.
void print(const Json& json) {
  for (const auto& [key, value] : json.items()) {
    std::string label = key;
    std::replace(label.begin(), label.end(), '_', ' ');
    if (!value.is_array() || value.empty() || !value.front().is_object()) {
      std::printf("%-22s%s\n", label.c_str(), text_of(value).c_str());
      continue;
    }
    std::printf("%s\n", label.c_str());
    for (const Json& item : value) {
      std::string line;
      for (const auto& [name, field] : item.items()) line += "  " + name + ' ' + text_of(field);
      std::printf("%s\n", line.c_str());
    }
  }
}

}  // namespace

void add_info(CLI::App& program) {
  struct Options {
    std::string path;
    bool devices = false, json = false, plan = false;
    BackendOptions backend;
  };
  CLI::App* command = program.add_subcommand(
      "info", "Say what a model, dataset, weights file or film holds, or what can compute here");
  auto options = std::make_shared<Options>();
  CLI::Option* file = command->add_option(
      "FILE", options->path,
      "Model, dataset, weights (Keras .h5, .caffemodel, .pth, .npy), film or folder of pictures");
  command
      ->add_flag("--devices", options->devices,
                 "What there is to compute on, and why CUDA cannot be used where it cannot")
      ->excludes(file);
  command->add_flag("--json", options->json, "Print JSON");
  CLI::Option* plan = command->add_flag(
      "--plan", options->plan,
      "Of a model: how each convolution is computed on this machine, in a training step of 16 "
      "frames and in a frame");
  plan->needs(file);
  add_device_options(*command, options->backend);
  command->callback([options] {
    if (!options->devices && options->path.empty()) {
      throw CLI::RequiredError("FILE or --devices");
    }
    const Json json = options->devices
                          ? Json{{"devices", describe_devices()}}
                          : describe(options->path, options->plan ? &options->backend : nullptr);
    if (options->json) {
      // Names in a file need not be UTF-8.
      std::puts(json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    } else if (options->devices) {
      for (const Json& line : json["devices"]) std::puts(text_of(line).c_str());
    } else {
      print(json);
    }
  });
}

}  // namespace afterglow
