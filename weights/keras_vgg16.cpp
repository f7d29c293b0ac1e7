#include "weights/keras_vgg16.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "weights/copy_weight.hpp"
#include "weights/foreign_hdf5.hpp"

namespace afterglow {
namespace {

constexpr const char* kEncoder = "vgg16/";

/// One encoder layer's kernel and bias as they lie in a file.
struct LayerPaths {
  std::string kernel, bias;
};

/// Finds a layer's datasets below `group` ("" or "model_weights/"), under either spelling.
std::optional<LayerPaths> find_layer(const ForeignHdf5& file, const std::string& group,
                                     const std::string& layer) {
  for (const std::string& folder : {group + layer + "/", group + layer + "/" + layer + "/"}) {
    for (const auto& [kernel, bias] : {std::pair<std::string, std::string>{"kernel:0", "bias:0"},
                                       {layer + "_W_1:0", layer + "_b_1:0"}}) {
      if (file.tensors.contains(folder + kernel) && file.tensors.contains(folder + bias)) {
        return LayerPaths{folder + kernel, folder + bias};
      }
    }
  }
  return std::nullopt;
}

std::vector<std::string> found_layers(const ForeignHdf5& file, const std::string& group) {
  std::vector<std::string> found;
  for (const std::string& layer : vgg16_layers()) {
    if (find_layer(file, group, layer)) found.push_back(layer);
  }
  return found;
}

/// The group that holds the layers' groups, all of them or some.
std::optional<std::string> layers_group(const ForeignHdf5& file) {
  for (const char* group : {"model_weights/vgg16/", "model_weights/", "vgg16/", ""}) {
    if (!found_layers(file, group).empty()) return group;
  }
  return std::nullopt;
}

/// The encoder layers that are not among `found`: "a, b".
std::string missing_layers(const std::vector<std::string>& found) {
  std::string missing;
  for (const std::string& layer : vgg16_layers()) {
    if (std::find(found.begin(), found.end(), layer) != found.end()) continue;
    missing += (missing.empty() ? "" : ", ") + layer;
  }
  return missing;
}

}  // namespace

std::vector<std::string> vgg16_layers() {
  std::vector<std::string> layers;
  const int convs[] = {2, 2, 3, 3, 3};
  for (int block = 1; block <= 5; ++block) {
    for (int conv = 1; conv <= convs[block - 1]; ++conv) {
      layers.push_back("block" + std::to_string(block) + "_conv" + std::to_string(conv));
    }
  }
  return layers;
}

std::vector<std::string> keras_vgg16_layers(const ForeignHdf5& file) {
  const std::optional<std::string> group = layers_group(file);
  return group ? found_layers(file, *group) : std::vector<std::string>();
}

void load_keras_vgg16(const std::filesystem::path& path, ColorizationModel& model, bool partial) {
  if (model.spec().arch != Arch::kVgg16) {
    throw InputError("--vgg16-weights", "the alexnet network has no VGG16 encoder",
                     "use --arch vgg16");
  }
  const ForeignHdf5 file = read_foreign_hdf5(path);
  const std::optional<std::string> group = layers_group(file);
  if (!group) {
    throw InputError(path.string(),
                     "has no VGG16 weights (none of the layers " + vgg16_layers().front() + " to " +
                         vgg16_layers().back() + ")",
                     "give Keras's vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5");
  }
  const std::vector<std::string> found = found_layers(file, *group);
  const std::size_t wanted = vgg16_layers().size();
  if (found.size() < wanted && !partial) {
    throw InputError(path.string(),
                     "has only " + std::to_string(found.size()) + " of VGG16's " +
                         std::to_string(wanted) + " convolutions (not " + missing_layers(found) +
                         ")",
                     "give the whole file, or add --vgg16-partial to leave the others random");
  }
  for (const Weight& weight : model.weights()) {
    if (!weight.name.starts_with(kEncoder)) continue;
    const std::size_t start = std::string(kEncoder).size();
    const std::size_t end = weight.name.rfind('/');
    const std::optional<LayerPaths> paths =
        find_layer(file, *group, weight.name.substr(start, end - start));
    if (!paths) continue;
    copy_weight(path.string(), file.tensors,
                weight.name.ends_with("/kernel") ? paths->kernel : paths->bias, weight);
  }
  model.set_pretrained(found);
}

}  // namespace afterglow
