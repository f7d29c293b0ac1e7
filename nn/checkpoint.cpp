#include "nn/checkpoint.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "base/output_file.hpp"

namespace afterglow {
namespace {

constexpr const char* kFormat = "afterglow model";
constexpr std::int64_t kFormatVersion = 1;
constexpr const char* kState = "training_state";

/// "conv2d_1/kernel" -> layer "conv2d_1"; "vgg16/block1_conv1/kernel" -> layer "vgg16".
std::string layer_of(const std::string& weight) { return weight.substr(0, weight.find('/')); }

/// The name inside the layer's group, as Keras writes it: a plain layer repeats its own name, a
/// nested model does not.
std::string keras_name(const std::string& weight) {
  const bool nested = std::count(weight.begin(), weight.end(), '/') == 2;
  return (nested ? weight.substr(weight.find('/') + 1) : weight) + ":0";
}

std::vector<std::uint64_t> extents(const Shape& shape) {
  std::vector<std::uint64_t> result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    result.push_back(static_cast<std::uint64_t>(shape[axis]));
  }
  return result;
}

void write_tensor(hdf5::Group& group, const std::string& path, const Tensor& tensor) {
  const std::vector<std::uint64_t> shape = extents(tensor.shape());
  const std::vector<float> values = tensor.to_host();
  group.write<float>(path, shape, values);
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text;
  for (const std::uint64_t extent : shape) {
    text += (text.empty() ? "(" : ", ") + std::to_string(extent);
  }
  return text.empty() ? "()" : text + ")";
}

/// Reads a dataset into a tensor of the same shape; refuses anything else before it takes memory.
void read_tensor(const std::filesystem::path& file, const hdf5::Group& group,
                 const std::string& path, Tensor tensor) {
  if (!group.is_dataset(path)) {
    throw InputError(file.string(), "weight " + path + " is missing",
                     "use a model made by this architecture");
  }
  const std::vector<std::uint64_t> shape = group.dataset_info(path).shape;
  if (shape != extents(tensor.shape())) {
    throw InputError(file.string(),
                     "weight " + path + " has shape " + shape_text(shape) + ", not " +
                         tensor.shape().to_string(),
                     "use a model made by this architecture");
  }
  const std::vector<float> values = group.read<float>(path);
  if (!std::all_of(values.begin(), values.end(),
                   [](float value) { return std::isfinite(value); })) {
    throw InputError(file.string(), "weight " + path + " holds NaN or infinity",
                     "train again with a lower --lr or with --clip-norm");
  }
  tensor.copy_from_host(values);
}

void write_optimizer(hdf5::File& file, const Adam& optimizer) {
  hdf5::Group root = file.create_group("optimizer_weights");
  const std::int64_t steps = optimizer.steps();
  root.write<std::int64_t>("iteration:0", {}, {&steps, 1});
  for (const Weight& weight : optimizer.first_moments()) {
    write_tensor(root, "Adam/m/" + weight.name + ":0", weight.value);
  }
  for (const Weight& weight : optimizer.second_moments()) {
    write_tensor(root, "Adam/v/" + weight.name + ":0", weight.value);
  }
}

void write_state(hdf5::File& file, const TrainingState& state) {
  hdf5::Group group = file.create_group(kState);
  group.write_attribute(".", "epoch", state.epoch);
  group.write_attribute(".", "batch", state.batch);
  group.write_attribute(".", "step", state.step);
  group.write_attribute(".", "best_loss", state.best_loss);
  group.write_attribute(".", "best_epoch", state.best_epoch);
  group.write_attribute(".", "config", state.config);
  const std::uint64_t words = state.rng.size();
  group.write<std::uint64_t>("rng", {&words, 1}, state.rng);
}

/// A number of steps, batches or epochs that some training can have reached.
bool is_count(std::int64_t number) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  return number >= 0 && number < kMost;
}

TrainingState read_state(const std::filesystem::path& path, const hdf5::File& file) {
  const hdf5::Group group = file.open_group(kState);
  TrainingState state;
  state.epoch = group.read_integer(".", "epoch");
  state.batch = group.read_integer(".", "batch");
  state.step = group.read_integer(".", "step");
  state.best_loss = group.read_number(".", "best_loss");
  state.best_epoch = group.read_integer(".", "best_epoch");
  state.config = group.read_string(".", "config");
  const std::vector<std::uint64_t> shape{state.rng.size()};
  const bool counted = is_count(state.epoch) && is_count(state.batch) && is_count(state.step) &&
                       (state.best_epoch == -1 || is_count(state.best_epoch));
  if (group.dataset_info("rng").shape != shape || !counted) {
    throw InputError(path.string(), "its training state is damaged", "start the training again");
  }
  const std::vector<std::uint64_t> words = group.read<std::uint64_t>("rng");
  std::copy(words.begin(), words.end(), state.rng.begin());
  return state;
}

/// The network's name. Throws InputError for another kind of file.
std::string read_arch(const std::filesystem::path& path, const hdf5::File& file) {
  if (!file.has_attribute(".", "format") || file.read_string(".", "format") != kFormat) {
    throw InputError(path.string(), "is not a model of afterglow",
                     "give a model.h5 made by afterglow train");
  }
  const std::int64_t version = file.read_integer(".", "format_version");
  if (version < 1 || version > kFormatVersion) {
    throw InputError(path.string(),
                     "has format version " + std::to_string(version) + ", this program knows 1",
                     "use a newer afterglow");
  }
  return file.read_string(".", "arch");
}

ModelHeader read_header(const std::filesystem::path& path, const hdf5::File& file) {
  const std::string arch = read_arch(path, file);
  if (is_steady_arch(arch)) {
    throw InputError(path.string(), "is a network '" + arch + "', none of the paper's",
                     "give one of alexnet or vgg16 here; afterglow colorize takes either");
  }
  ModelHeader header;
  header.spec.arch = parse_arch(arch, path.string());
  header.spec.decoder = parse_decoder(file.read_string(".", "decoder"), path.string());
  header.fit = file.read_string(".", "fit");
  if (header.fit != "crop" && header.fit != "resize") {
    throw InputError(path.string(), "says that its pictures were fitted by '" + header.fit + "'",
                     "give a model.h5 made by afterglow train");
  }
  if (file.has_attribute(".", "pretrained")) {
    constexpr std::uint64_t kMostLayers = 64;
    header.pretrained = file.read_strings(".", "pretrained", kMostLayers);
  }
  if (file.is_group(kState)) header.training = read_state(path, file);
  header.has_optimizer = file.is_group("optimizer_weights");
  return header;
}

void read_weights(const std::filesystem::path& path, const hdf5::File& file, const Module& model) {
  const hdf5::Group root = file.open_group("model_weights");
  for (const Weight& weight : model.weights()) {
    read_tensor(path, root, layer_of(weight.name) + "/" + keras_name(weight.name), weight.value);
  }
}

}  // namespace

void save_keras_weights(hdf5::File& file, const Module& model) {
  hdf5::Group root = file.create_group("model_weights");
  std::vector<std::string> layers;
  std::vector<std::vector<std::string>> names;
  for (const Weight& weight : model.weights()) {
    const std::string layer = layer_of(weight.name);
    if (layers.empty() || layers.back() != layer) {
      layers.push_back(layer);
      names.emplace_back();
    }
    const std::string name = keras_name(weight.name);
    names.back().push_back(name);
    write_tensor(root, layer + "/" + name, weight.value);
  }
  root.write_attribute(".", "layer_names", layers);
  // Without these Keras takes the kernels for those of its first version, and turns them.
  root.write_attribute(".", "backend", std::string("tensorflow"));
  root.write_attribute(".", "keras_version", std::string("2.15.0"));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    root.write_attribute(layers[i], "weight_names", names[i]);
  }
}

namespace {

void write_format(hdf5::File& file, const std::string& arch) {
  file.write_attribute(".", "format", std::string(kFormat));
  file.write_attribute(".", "format_version", kFormatVersion);
  file.write_attribute(".", "arch", arch);
}

SteadyArch read_steady_arch(const std::filesystem::path& path, const hdf5::File& file) {
  const std::string name = read_arch(path, file);
  SteadyArch arch{};
  if (!is_steady_arch(name, &arch)) {
    throw InputError(path.string(), "is a network '" + name + "', no steady one",
                     "give a model of afterglow train --arch steady");
  }
  return arch;
}

std::unique_ptr<SteadyModel> read_steady(const std::filesystem::path& path, const hdf5::File& file,
                                         const std::shared_ptr<Backend>& backend) {
  std::unique_ptr<SteadyModel> model = make_steady(backend, read_steady_arch(path, file), 0);
  read_weights(path, file, *model);
  return model;
}

constexpr const char* kCarriedChroma = "chroma";
constexpr const char* kCarriedLightness = "lightness";

}  // namespace

void save_model(const std::filesystem::path& path, const ColorizationModel& model,
                const std::string& fit, const Adam* optimizer, const TrainingState* training) {
  OutputFile output(path);
  {
    hdf5::File file = hdf5::File::create(output.temporary(), path);
    write_format(file, arch_name(model.spec().arch));
    file.write_attribute(".", "decoder", decoder_name(model.spec().decoder));
    file.write_attribute(".", "fit", fit);
    if (!model.pretrained().empty()) file.write_attribute(".", "pretrained", model.pretrained());
    save_keras_weights(file, model);
    if (optimizer != nullptr) write_optimizer(file, *optimizer);
    if (training != nullptr) write_state(file, *training);
    file.flush();
  }
  output.commit();
}

ModelHeader read_model_header(const std::filesystem::path& path) {
  return read_header(path, hdf5::File::open(path));
}

LoadedModel load_model(const std::filesystem::path& path, const std::shared_ptr<Backend>& backend) {
  const hdf5::File file = hdf5::File::open(path);
  LoadedModel loaded;
  loaded.header = read_header(path, file);
  loaded.model = make_model(backend, loaded.header.spec, 0);
  loaded.model->set_pretrained(loaded.header.pretrained);
  read_weights(path, file, *loaded.model);
  return loaded;
}

void require_spec(const std::filesystem::path& path, const ModelSpec& is, const ModelSpec& wanted) {
  if (is == wanted) return;
  throw InputError(path.string(),
                   "is a " + arch_name(is.arch) + " with decoder " + decoder_name(is.decoder) +
                       ", not a " + arch_name(wanted.arch) + " with decoder " +
                       decoder_name(wanted.decoder),
                   "change --arch or --decoder");
}

void load_weights(const std::filesystem::path& path, ColorizationModel& model) {
  const hdf5::File file = hdf5::File::open(path);
  const ModelHeader header = read_header(path, file);
  require_spec(path, header.spec, model.spec());
  read_weights(path, file, model);
  model.set_pretrained(header.pretrained);
}

void load_optimizer(const std::filesystem::path& path, Adam& optimizer) {
  const hdf5::File file = hdf5::File::open(path);
  if (!file.is_group("optimizer_weights")) {
    throw InputError(path.string(), "has no optimizer state", "give a checkpoint (last.h5)");
  }
  const hdf5::Group root = file.open_group("optimizer_weights");
  const bool is_scalar = root.dataset_info("iteration:0").shape.empty();
  const std::int64_t steps = is_scalar ? root.read<std::int64_t>("iteration:0").front() : -1;
  if (!is_count(steps)) {
    throw InputError(path.string(), "its step counter is damaged", "start the training again");
  }
  optimizer.set_steps(steps);
  for (const Weight& weight : optimizer.first_moments()) {
    read_tensor(path, root, "Adam/m/" + weight.name + ":0", weight.value);
  }
  for (const Weight& weight : optimizer.second_moments()) {
    read_tensor(path, root, "Adam/v/" + weight.name + ":0", weight.value);
  }
}

void save_steady(const std::filesystem::path& path, const SteadyModel& model, const Adam* optimizer,
                 const SteadyTraining* training) {
  OutputFile output(path);
  {
    hdf5::File file = hdf5::File::create(output.temporary(), path);
    write_format(file, steady_arch_name(model.arch()));
    save_keras_weights(file, model);
    if (optimizer != nullptr) write_optimizer(file, *optimizer);
    if (training != nullptr) {
      write_state(file, training->state);
      hdf5::Group group = file.open_group(kState);
      write_tensor(group, kCarriedChroma, training->carried.chroma.value());
      write_tensor(group, kCarriedLightness, training->carried.lightness);
    }
    file.flush();
  }
  output.commit();
}

bool holds_steady(const std::filesystem::path& path) {
  try {
    return is_steady_arch(read_arch(path, hdf5::File::open(path)));
  } catch (const InputError&) {
    return false;
  }
}

std::unique_ptr<SteadyModel> load_steady(const std::filesystem::path& path,
                                         const std::shared_ptr<Backend>& backend) {
  return read_steady(path, hdf5::File::open(path), backend);
}

std::unique_ptr<SteadyModel> load_steady(std::span<const std::byte> image, const std::string& shown,
                                         const std::shared_ptr<Backend>& backend) {
  return read_steady(shown, hdf5::File::open_image(image, shown), backend);
}

TrainingState read_steady_state(const std::filesystem::path& path) {
  const hdf5::File file = hdf5::File::open(path);
  read_steady_arch(path, file);
  if (!file.is_group(kState)) {
    throw InputError(path.string(), "is not a checkpoint", "give another --out");
  }
  return read_state(path, file);
}

void load_steady_training(const std::filesystem::path& path, SteadyModel& model,
                          SteadyState& carried) {
  const hdf5::File file = hdf5::File::open(path);
  read_weights(path, file, model);
  const hdf5::Group group = file.open_group(kState);
  read_tensor(path, group, kCarriedChroma, carried.chroma.value());
  read_tensor(path, group, kCarriedLightness, carried.lightness);
}

}  // namespace afterglow
