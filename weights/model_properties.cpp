#include "weights/model_properties.hpp"

#include <algorithm>
#include <sstream>

#include "base/error.hpp"

namespace afterglow {
namespace {

constexpr const char* kFit = "fit";
constexpr const char* kPretrained = "pretrained";
constexpr const char* kGiveExport = "give one that `afterglow weights export` wrote";

std::string text_of(const Properties& properties, const char* name) {
  const auto found = properties.find(name);
  return found == properties.end() ? std::string() : found->second;
}

}  // namespace

Properties properties_of(const LoadedModel& model) {
  std::string pretrained;
  for (const std::string& layer : model.model->pretrained()) {
    pretrained += (pretrained.empty() ? "" : ",") + layer;
  }
  return {{kFit, model.header.fit}, {kPretrained, pretrained}};
}

std::string fit_of(const std::string& path, const Properties& properties) {
  std::string fit = text_of(properties, kFit);
  if (fit != "crop" && fit != "resize") {
    throw InputError(path, "says that its pictures were fitted by '" + fit + "'", kGiveExport);
  }
  return fit;
}

std::vector<std::string> pretrained_of(const std::string& path, const Properties& properties,
                                       const ColorizationModel& model) {
  const std::vector<std::string> known = encoder_layers(model);
  std::vector<std::string> layers;
  std::istringstream text(text_of(properties, kPretrained));
  for (std::string layer; std::getline(text, layer, ',');) {
    if (std::find(known.begin(), known.end(), layer) == known.end()) {
      throw InputError(path, "says that '" + layer + "' is a pretrained layer of its encoder",
                       kGiveExport);
    }
    layers.push_back(layer);
  }
  return layers;
}

std::vector<std::string> encoder_layers(const ColorizationModel& model) {
  std::vector<std::string> layers;
  for (const LayerDescription& row : model.describe()) {
    const std::size_t slash = row.name.find('/');
    if (slash != std::string::npos) layers.push_back(row.name.substr(slash + 1));
  }
  return layers;
}

}  // namespace afterglow
