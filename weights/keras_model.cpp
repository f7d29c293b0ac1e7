#include "weights/keras_model.hpp"

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "base/output_file.hpp"
#include "weights/copy_weight.hpp"
#include "weights/keras_config.hpp"

namespace afterglow {
namespace {

constexpr const char* kWholeKerasModel = "give a whole model saved by Keras 2 or tf_keras";
constexpr const char* kRoot = "model_weights";
constexpr const char* kOptimizer = "optimizer_weights";
constexpr const char* kProperty = "afterglow_";  // and its name: an attribute of the root

/// What a weight is: "kernel" of "conv2d_1/kernel", "conv2d_1_1/kernel:0" or "kernel_1:0".
std::string kind_of(const std::string& name) {
  std::string kind = name.substr(name.rfind('/') + 1);
  kind = kind.substr(0, kind.find(':'));
  const std::size_t end = kind.find_last_not_of("0123456789");
  return end != std::string::npos && end + 1 < kind.size() && kind[end] == '_' ? kind.substr(0, end)
                                                                               : kind;
}

/// The listed weights of a group, as paths in the file.
std::vector<std::string> listed(const ForeignHdf5& file, const std::string& group) {
  std::vector<std::string> paths;
  const auto found = file.lists.find(group + "@weight_names");
  if (found == file.lists.end()) return paths;
  for (const std::string& name : found->second) paths.push_back(group + '/' + name);
  return paths;
}

}  // namespace

KerasModel::KerasModel(std::string path, ForeignHdf5 file)
    : path_(std::move(path)), file_(std::move(file)) {
  const auto config = file_.texts.find("model_config");
  if (config == file_.texts.end()) {
    throw InputError(path_, "has weights but no model_config, so its architecture is not known",
                     kWholeKerasModel);
  }
  const KerasArchitecture architecture = parse_keras_config(path_, config->second);
  spec_ = architecture.spec;
  const std::string prefix = kProperty;
  for (const auto& [name, text] : file_.texts) {
    if (name.starts_with(prefix)) properties_[name.substr(prefix.size())] = text;
  }
  if (!properties_.empty()) fit_ = fit_of(path_, properties_);
  for (const std::string& group : architecture.groups) {
    const std::vector<std::string> paths = listed(file_, std::string(kRoot) + '/' + group);
    weights_.insert(weights_.end(), paths.begin(), paths.end());
  }
  std::vector<std::string> unnamed;
  for (const std::string& state : listed(file_, kOptimizer)) {
    if (steps_.empty()) {
      steps_ = state;  // Keras lists its counter first
    } else if (state.find("/m/") != std::string::npos || state.ends_with("/m:0")) {
      moments_.first.push_back(state);
    } else if (state.find("/v/") != std::string::npos || state.ends_with("/v:0")) {
      moments_.second.push_back(state);
    } else {
      unnamed.push_back(state);
    }
  }
  // Keras 2.2 calls them all Variable: the first moments, the second, and what amsgrad would use.
  if (moments_.first.empty() && unnamed.size() % 3 == 0) {
    const auto third = static_cast<std::ptrdiff_t>(unnamed.size() / 3);
    moments_.first.assign(unnamed.begin(), unnamed.begin() + third);
    moments_.second.assign(unnamed.begin() + third, unnamed.begin() + 2 * third);
  }
}

void KerasModel::load_weights(ColorizationModel& model) const {
  const std::vector<Weight> wanted = model.weights();
  if (weights_.size() != wanted.size()) {
    throw InputError(path_,
                     "lists " + std::to_string(weights_.size()) +
                         " weights, its architecture has " + std::to_string(wanted.size()),
                     kWholeKerasModel);
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (kind_of(weights_[i]) != kind_of(wanted[i].name)) {
      throw InputError(path_, "has " + weights_[i] + " where " + wanted[i].name + " should be",
                       kWholeKerasModel);
    }
    copy_weight(path_, file_.tensors, weights_[i], wanted[i]);
  }
  model.set_pretrained(properties_.empty() ? encoder_layers(model)
                                           : pretrained_of(path_, properties_, model));
}

void KerasModel::load_optimizer(Adam& optimizer) const {
  if (!has_optimizer()) {
    throw InputError(path_, "has no optimizer state that we know", "leave out --init-optimizer");
  }
  const std::vector<Weight> first = optimizer.first_moments(), second = optimizer.second_moments();
  if (moments_.first.size() != first.size() || moments_.second.size() != second.size()) {
    throw InputError(path_,
                     "holds Adam's moments of " + std::to_string(moments_.first.size()) + " and " +
                         std::to_string(moments_.second.size()) + " weights, not of " +
                         std::to_string(first.size()),
                     "leave out --init-optimizer");
  }
  const auto steps = file_.tensors.find(steps_);
  constexpr float kMost = 0x1p24F;  // above, a float32 no longer counts
  if (steps == file_.tensors.end() || steps->second.values.size() != 1 ||
      !(steps->second.values[0] >= 0 && steps->second.values[0] <= kMost)) {
    throw InputError(path_, "its step counter is damaged", "leave out --init-optimizer");
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    copy_weight(path_, file_.tensors, moments_.first[i], first[i]);
    copy_weight(path_, file_.tensors, moments_.second[i], second[i]);
  }
  optimizer.set_steps(static_cast<std::int64_t>(steps->second.values[0]));
}

void save_keras_model(const std::filesystem::path& path, const LoadedModel& loaded) {
  OutputFile output(path);
  {
    hdf5::File file = hdf5::File::create(output.temporary(), path);
    file.write_attribute(".", "model_config", keras_config(loaded.model->describe()));
    file.write_attribute(".", "keras_version", std::string("2.15.0"));
    file.write_attribute(".", "backend", std::string("tensorflow"));
    for (const auto& [name, text] : properties_of(loaded)) {
      file.write_attribute(".", kProperty + name, text);
    }
    save_keras_weights(file, *loaded.model);
    file.flush();
  }
  output.commit();
}

}  // namespace afterglow
