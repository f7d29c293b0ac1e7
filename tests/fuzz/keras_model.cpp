// Keras's weights, properties and Adam's state out of whatever libhdf5's child process may hand
// over.
#include "weights/keras_model.hpp"

#include <iterator>

#include "fuzz/any_tensor.hpp"
#include "fuzz/fuzz.hpp"
#include "weights/keras_config.hpp"
#include "weights/keras_vgg16.hpp"

namespace {

using namespace afterglow;

constexpr const char* kWeights = "model_weights/";
constexpr const char* kOptimizer = "optimizer_weights/";

std::string layer_of(const std::string& weight) { return weight.substr(0, weight.rfind('/')); }

RawTensor zeros(const Shape& shape) {
  RawTensor tensor;
  for (int axis = 0; axis < shape.rank(); ++axis) tensor.shape.push_back(shape[axis]);
  tensor.values.resize(static_cast<std::size_t>(shape.size()));
  return tensor;
}

/// A network that files are read into; what they fill in does not matter to the next. It is a
/// narrow one, whose file can be made for every input, under the model_config of a whole one.
struct Network {
  explicit Network(Arch arch) : spec{arch, Decoder::kUpsample, 64} {}

  ModelSpec spec;
  std::unique_ptr<ColorizationModel> model = make_model(make_cpu_backend(), spec, 0);
  Adam optimizer{model->parameters(), {}};
  ForeignHdf5 file = right_file();

  /// As tf_keras writes it.
  ForeignHdf5 right_file() const {
    ForeignHdf5 right;
    const ModelSpec whole{spec.arch, spec.decoder};
    right.texts["model_config"] =
        keras_config(make_model(make_cpu_backend(), whole, 0)->describe());
    for (const Weight& weight : model->weights()) {
      const std::string layer = layer_of(weight.name),
                        group = kWeights + layer.substr(0, layer.find('/'));
      const std::string name = weight.name + ":0";
      right.lists[group + "@weight_names"].push_back(name);
      right.tensors[group + '/' + name] = zeros(weight.value.shape());
    }
    std::vector<std::string>& states = right.lists["optimizer_weights@weight_names"];
    states.emplace_back("iteration:0");
    right.tensors[std::string(kOptimizer) + "iteration:0"] = {{1}, {1}};
    for (const auto& [moments, of] :
         {std::pair{optimizer.first_moments(), "m"}, {optimizer.second_moments(), "v"}}) {
      for (const Weight& moment : moments) {
        states.push_back(std::string("Adam/") + of + '/' + moment.name + ":0");
        right.tensors[kOptimizer + states.back()] = zeros(moment.value.shape());
      }
    }
    return right;
  }
};

/// The element of a map that the next choice points at.
template <typename Map>
typename Map::iterator any_of(Map& map, fuzz::Choices& choices) {
  const std::size_t place = choices.byte() + 256U * choices.byte();
  return std::next(map.begin(), static_cast<std::ptrdiff_t>(place % map.size()));
}

/// One thing of the file is made another.
void change(ForeignHdf5& file, fuzz::Choices& choices) {
  const auto list = any_of(file.lists, choices);
  const auto tensor = any_of(file.tensors, choices);
  std::vector<std::string>& names = list->second;
  const std::size_t place = names.empty() ? 0 : choices.byte() % names.size();
  switch (choices.byte() % 9) {
    case 0:
      tensor->second = fuzz::any_tensor(choices);
      break;
    case 1:
      if (file.tensors.size() > 1) file.tensors.erase(tensor);
      break;
    case 2:
      if (file.lists.size() > 1) file.lists.erase(list);
      break;
    case 3:
      if (!names.empty()) names[place] = choices.text();
      break;
    case 4:
      names.insert(names.begin() + static_cast<std::ptrdiff_t>(place), choices.text());
      break;
    case 5:
      if (!names.empty()) names.erase(names.begin() + static_cast<std::ptrdiff_t>(place));
      break;
    case 6:
      file.texts["afterglow_" + choices.text()] = choices.text();
      break;
    case 7: {
      const std::string name = choices.text();
      file.tensors[name] = fuzz::any_tensor(choices);
      break;
    }
    default:
      file.texts["model_config"] += choices.text();
      break;
  }
}

}  // namespace

/// The input: the network, then the number of changes, and the choices of each.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Network networks[] = {Network(Arch::kAlexnet), Network(Arch::kVgg16)};
  fuzz::Choices choices(fuzz::text_of(data, size));
  Network& network = networks[choices.byte() % std::size(networks)];
  ForeignHdf5 file = network.file;
  const int changes = choices.byte();
  for (int i = 0; i < changes; ++i) change(file, choices);
  fuzz::refused_or_read([&] { keras_vgg16_layers(file); });
  return fuzz::refused_or_read([&] {
    const KerasModel keras("f", file);
    fuzz::refused_or_read([&] { keras.load_weights(*network.model); });
    keras.load_optimizer(network.optimizer);
  });
}
