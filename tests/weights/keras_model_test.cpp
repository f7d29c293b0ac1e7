// Keras's whole-model files: in under every naming, out, and refused where they are of another
// architecture.
#include "weights/keras_model.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "kernels/backend.hpp"
#include "support/golden_rule.hpp"
#include "support/temporary_folder.hpp"
#include "weights/keras_config.hpp"
#include "weights/model_file.hpp"

namespace afterglow {
namespace {

using Catch::Contains;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

/// The names that Keras 2.2, TensorFlow 2.0 to 2.10 and tf_keras give.
enum class Naming { kKeras22, kTensorflow2, kTfKeras };

/// "conv2d_3" -> "conv2d_4": Keras 2.2 counts from 1.
std::string counted_from_one(const std::string& layer) {
  if (!layer.starts_with("conv2d") && !layer.starts_with("batch_norm")) return layer;
  const std::size_t end = layer.find_last_not_of("0123456789");
  if (end + 1 == layer.size()) return layer + "_1";
  return layer.substr(0, end + 1) + std::to_string(std::stoi(layer.substr(end + 1)) + 1);
}

std::vector<std::uint64_t> extents(const Tensor& tensor) {
  std::vector<std::uint64_t> result;
  for (int axis = 0; axis < tensor.shape().rank(); ++axis) {
    result.push_back(static_cast<std::uint64_t>(tensor.shape()[axis]));
  }
  return result;
}

/// The file's model_config: every layer renamed, classes as that version has them.
std::string config_of(const ColorizationModel& model, Naming naming) {
  Json config = Json::parse(keras_config(model.describe()));
  if (naming != Naming::kKeras22) return config.dump();
  std::string text;
  const std::string old = config.dump();
  const std::regex name("\"((conv2d|batch_normalization)[_0-9]*)\"");
  auto at = old.cbegin();
  for (std::sregex_iterator it(old.begin(), old.end(), name), end; it != end; ++it) {
    text.append(at, (*it)[0].first);
    text += '"' + counted_from_one((*it)[1]) + '"';
    at = (*it)[0].second;
  }
  text.append(at, old.cend());
  return std::regex_replace(text, std::regex("\"Functional\""), "\"Model\"");
}

/// Writes what a Keras of that naming writes.
void write_keras(const fs::path& path, const ColorizationModel& model, const Adam& adam,
                 Naming naming) {
  hdf5::File file = hdf5::File::create(path);
  file.write_attribute(".", "model_config", config_of(model, naming));
  std::map<std::string, std::vector<std::string>> names;
  const auto renamed = [&](const std::string& weight) {
    const std::size_t slash = weight.find('/');
    const std::string layer = weight.substr(0, slash);
    return (naming == Naming::kKeras22 ? counted_from_one(layer) : layer) + weight.substr(slash);
  };
  for (const Weight& weight : model.weights()) {
    const std::string name = renamed(weight.name), layer = name.substr(0, name.find('/'));
    names["model_weights/" + layer].push_back(name + ":0");
    file.write<float>("model_weights/" + layer + '/' + name + ":0", extents(weight.value),
                      weight.value.to_host());
  }
  std::vector<std::string>& state = names["optimizer_weights"];
  const auto add = [&](const std::string& name, const Tensor& value) {
    state.push_back(name);
    file.write<float>("optimizer_weights/" + name, extents(value), value.to_host());
  };
  const std::int64_t steps = adam.steps();
  state.emplace_back(naming == Naming::kKeras22       ? "training/Adam/iterations:0"
                     : naming == Naming::kTensorflow2 ? "Adam/iter:0"
                                                      : "iteration:0");
  file.write<std::int64_t>("optimizer_weights/" + state.back(), {}, {&steps, 1});
  const std::vector<Weight> first = adam.first_moments(), second = adam.second_moments();
  if (naming == Naming::kTfKeras) {
    for (std::size_t i = 0; i < first.size(); ++i) {
      add("Adam/m/" + first[i].name + ":0", first[i].value);
      add("Adam/v/" + first[i].name + ":0", second[i].value);
    }
  } else if (naming == Naming::kTensorflow2) {
    for (const Weight& m : first) add("Adam/" + m.name + "/m:0", m.value);
    for (const Weight& v : second) add("Adam/" + v.name + "/v:0", v.value);
  } else {
    int number = 0;
    const auto next = [&] {
      const int n = number++;
      return "training/Adam/Variable" + (n == 0 ? "" : '_' + std::to_string(n)) + ":0";
    };
    for (const Weight& m : first) add(next(), m.value);
    for (const Weight& v : second) add(next(), v.value);
    for (const Weight& v : second) {  // amsgrad's, which is off
      add(next(), Tensor::zeros(v.value.backend(), {1}));
    }
  }
  for (const auto& [group, list] : names) file.write_attribute(group, "weight_names", list);
}

void check_same(const std::vector<Weight>& a, const std::vector<Weight>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(a[i].name);
    CHECK(a[i].name == b[i].name);
    CHECK((a[i].value.to_host() == b[i].value.to_host()));
  }
}

/// Moments of the rule, and 1234 steps.
void fill(const Adam& adam) {
  for (const auto& [prefix, moments] :
       {std::pair{"m/", adam.first_moments()}, {"v/", adam.second_moments()}}) {
    for (const Weight& weight : moments) {
      std::vector<float> values;
      for (const double value : golden_values(prefix + weight.name, weight.value.size())) {
        values.push_back(static_cast<float>(value * value));
      }
      Tensor(weight.value).copy_from_host(values);
    }
  }
}

std::string complaint(const Json& config) {
  try {
    parse_keras_config("m.h5", config.dump());
  } catch (const InputError& e) {
    return e.what();
  }
  return "";
}

Json alexnet_config() {
  static const std::string text = keras_config(make_model(make_cpu_backend(), {}, 1)->describe());
  return Json::parse(text);
}

/// The layer of that name.
Json& layer(Json& config, const std::string& name) {
  for (Json& item : config["config"]["layers"]) {
    if (item["name"] == name) return item;
  }
  throw std::runtime_error("no layer " + name);
}

}  // namespace

TEST_CASE("a whole Keras model is read by order, whatever its layers are called", "[network]") {
  const auto naming = GENERATE(Naming::kKeras22, Naming::kTensorflow2, Naming::kTfKeras);
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "m.h5";
  const auto backend = make_cpu_backend();
  const auto model = make_model(backend, {arch, Decoder::kUpsample}, 1);
  set_golden_weights(*model);
  Adam adam(model->parameters(), {});
  fill(adam);
  adam.set_steps(1234);
  write_keras(path, *model, adam, naming);

  CHECK(model_form(path) == ModelForm::kKeras);
  const LoadedModel loaded = load_any_model(path, backend);
  CHECK(loaded.model->spec() == model->spec());
  CHECK(loaded.header.fit == "crop");
  CHECK(loaded.header.pretrained.size() == (arch == Arch::kVgg16 ? 13 : 0));
  check_same(loaded.model->weights(), model->weights());

  const auto other = make_model(backend, {arch, Decoder::kUpsample}, 2);
  Adam continued(other->parameters(), {});
  load_any_weights(path, *other, &continued);
  check_same(other->weights(), model->weights());
  check_same(continued.first_moments(), adam.first_moments());
  check_same(continued.second_moments(), adam.second_moments());
  CHECK(continued.steps() == 1234);
}

TEST_CASE("what is exported comes back the same", "[network]") {
  const std::string format = GENERATE("keras", "safetensors");
  const Decoder decoder = GENERATE(Decoder::kUpsample, Decoder::kDeconv);
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  const TemporaryFolder folder;
  const fs::path path = folder.path() / (format == "keras" ? "m.h5" : "m.safetensors");
  const auto backend = make_cpu_backend();
  LoadedModel model{make_model(backend, {arch, decoder}, 1), {}};
  model.header.fit = GENERATE("crop", "resize");
  const std::vector<std::string> pretrained =
      arch == Arch::kAlexnet ? std::vector<std::string>{}
                             : std::vector<std::string>{"block1_conv1", "block3_conv2"};
  model.model->set_pretrained(pretrained);
  export_model(model, format, path);
  const LoadedModel back = load_any_model(path, backend);
  CHECK(back.header.fit == model.header.fit);
  CHECK(back.header.pretrained == pretrained);
  CHECK(back.model->pretrained() == pretrained);
  CHECK(back.model->spec() == model.model->spec());
  check_same(back.model->weights(), model.model->weights());
  const auto other = make_model(backend, {Arch::kAlexnet, Decoder::kDeconv}, 2);
  if (other->spec() != back.model->spec()) {
    CHECK_THROWS_WITH(load_any_weights(path, *other), Contains("change --arch or --decoder"));
  }
  back.model->set_pretrained({});
  load_any_weights(path, *back.model);
  CHECK(back.model->pretrained() == pretrained);
  Adam adam(back.model->parameters(), {});
  CHECK_THROWS_WITH(load_any_weights(path, *back.model, &adam), Contains("no optimizer state"));
}

TEST_CASE("separate activations and Sequential models are the same network") {
  Json config = alexnet_config();
  Json layers = Json::array();
  for (Json item : config["config"]["layers"]) {
    item.erase("inbound_nodes");
    Json& own = item["config"];
    const bool relu = own.contains("activation") && own["activation"] == "relu";
    if (relu) own["activation"] = "linear";
    layers.push_back(item);
    if (relu && layers.size() % 2 == 0) {
      layers.push_back(
          {{"class_name", "ReLU"}, {"config", {{"name", "r"}, {"max_value", nullptr}}}});
    } else if (relu) {
      layers.push_back(
          {{"class_name", "Activation"}, {"config", {{"name", "a"}, {"activation", "relu"}}}});
    }
  }
  CHECK(complaint({{"class_name", "Sequential"}, {"config", {{"layers", layers}}}}).empty());
  CHECK(complaint({{"class_name", "Sequential"}, {"config", layers}}).empty());
}

TEST_CASE("another architecture is refused with its first differing layer") {
  Json config = alexnet_config();
  SECTION("other filters") {
    layer(config, "conv2d_2")["config"]["filters"] = 100;
    CHECK_THAT(complaint(config), Contains("Conv2D conv2d_2, a convolution 3 x 3 to 100 channels, "
                                           "same, stands where the alexnet network has a "
                                           "convolution 3 x 3 to 384 channels, same"));
  }
  SECTION("another padding") {
    layer(config, "conv2d_1")["config"]["padding"] = "valid";
    CHECK_THAT(complaint(config), Contains("its layer Conv2D conv2d_1"));
  }
  SECTION("dilated") {
    layer(config, "conv2d_1")["config"]["dilation_rate"] = {2, 2};
    CHECK_THAT(complaint(config), Contains("its layer Conv2D conv2d_1"));
  }
  SECTION("another activation") {
    layer(config, "conv2d_3")["config"]["activation"] = "tanh";
    CHECK_THAT(complaint(config), Contains("the tanh of conv2d_3"));
  }
  SECTION("another epsilon") {
    layer(config, "batch_normalization_4")["config"]["epsilon"] = 1e-5;
    CHECK_THAT(complaint(config), Contains("BatchNormalization batch_normalization_4"));
  }
  SECTION("bilinear") {
    layer(config, "up_sampling2d")["config"]["interpolation"] = "bilinear";
    CHECK_THAT(complaint(config), Contains("UpSampling2D up_sampling2d"));
  }
  SECTION("an output from its middle") {
    config["config"]["output_layers"] = {{"conv2d_3", 0, 0}};
    CHECK_THAT(complaint(config), Contains("output of other layers than its last, conv2d_10"));
  }
  SECTION("two outputs") {
    config["config"]["output_layers"].push_back({"conv2d_3", 0, 0});
    CHECK_THAT(complaint(config), Contains("output of other layers than its last, conv2d_10"));
  }
  SECTION("a layer of another kind") {
    layer(config, "batch_normalization")["class_name"] = "Dropout";
    CHECK_THAT(complaint(config), Contains("Dropout batch_normalization stands where the alexnet "
                                           "network has a batch norm"));
  }
  SECTION("code") {
    layer(config, "up_sampling2d")["class_name"] = "Lambda";
    CHECK_THAT(complaint(config), Contains("Lambda up_sampling2d stands where"));
  }
  SECTION("too short") {
    config["config"]["layers"].erase(config["config"]["layers"].size() - 1);
    CHECK_THAT(complaint(config), Contains("ends where the alexnet network has"));
  }
  SECTION("too long") {
    Json more = layer(config, "conv2d_10");
    more["name"] = "more";
    more["inbound_nodes"][0][0][0] = "conv2d_10";
    config["config"]["layers"].push_back(more);
    CHECK_THAT(complaint(config), Contains("Conv2D more stands behind the end"));
  }
  SECTION("a branch") {
    layer(config, "conv2d_5")["inbound_nodes"][0].push_back({"conv2d_3", 0, 0, Json::object()});
    CHECK_THAT(complaint(config), Contains("is no chain of layers: conv2d_5"));
  }
  SECTION("a skipped layer") {
    layer(config, "conv2d_5")["inbound_nodes"][0][0][0] = "conv2d_3";
    CHECK_THAT(complaint(config), Contains("is no chain of layers: conv2d_5"));
  }
  SECTION("models in models without an end") {
    for (int i = 0; i < 20; ++i) config = {{"config", {{"layers", {config}}}}, {"name", "m"}};
    CHECK_THAT(complaint(config), Contains("nested deeper than any model"));
  }
}

TEST_CASE("a damaged model_config is refused") {
  for (const char* text : {"", "{", "[]", "{}", "null", "7", R"({"config": 7})",
                           R"({"config": {"layers": 7}})", R"({"config": {"layers": [7]}})",
                           R"({"config": {"layers": [{"config": {}, "class_name": 7}]}})"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_keras_config("m.h5", text), InputError);
  }
}

TEST_CASE("a model_config nested without an end is refused") {
  constexpr std::size_t kDepth = 1'000'000;
  const std::string nested = std::string(kDepth, '[') + std::string(kDepth, ']');
  const std::string config = R"({"config": [{"class_name": "Conv2D", "config": {"kernel_size": [)" +
                             nested + "," + nested + "]}}]}";
  CHECK_THROWS_AS(parse_keras_config("m.h5", config), InputError);
}

TEST_CASE("a size that is no whole number, or that no layer has, is not taken for another") {
  // The first would be 96 in 32 bits.
  for (const char* filters : {"4294967392", "1e300", "-96", "96.5"}) {
    const std::string config =
        R"({"config": [{"class_name": "Conv2D", "config": {"kernel_size": [9, 9], "strides": [2, 2],
            "activation": "relu", "filters": )" +
        std::string(filters) + "}}]}";
    INFO(filters);
    CHECK_THROWS_WITH(parse_keras_config("m.h5", config), Contains("to -1 channels"));
  }
}

TEST_CASE("a Keras file whose weights do not fit is refused") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "m.h5";
  const auto model = make_model(make_cpu_backend(), {}, 1);
  Adam adam(model->parameters(), {});
  fill(adam);
  write_keras(path, *model, adam, Naming::kTfKeras);
  ForeignHdf5 file = read_foreign_hdf5(path);
  const auto said = [&](bool optimizer) -> std::string {
    try {
      const KerasModel read("m.h5", file);
      read.load_weights(*model);
      if (optimizer) read.load_optimizer(adam);
    } catch (const InputError& e) {
      return e.what();
    }
    return "";
  };
  REQUIRE(said(true).empty());
  const std::string kernel = "model_weights/conv2d_3/conv2d_3/kernel:0";
  SECTION("missing") {
    file.tensors.erase(kernel);
    CHECK_THAT(said(false), Contains(kernel + " is missing, where conv2d_3/kernel should be"));
  }
  SECTION("of another shape") {
    file.tensors[kernel].shape[3] = 1;
    CHECK_THAT(said(false), Contains("has shape (3, 3, 384, 1)"));
  }
  SECTION("not finite") {
    file.tensors[kernel].values[5] = NAN;
    CHECK_THAT(said(false), Contains("NaN"));
  }
  SECTION("not listed") {
    file.lists.erase("model_weights/conv2d_3@weight_names");
    CHECK_THAT(said(false), Contains("lists 60 weights, its architecture has 62"));
  }
  SECTION("of another kind") {
    std::swap(file.lists["model_weights/conv2d_3@weight_names"][0],
              file.lists["model_weights/conv2d_3@weight_names"][1]);
    CHECK_THAT(said(false), Contains("where conv2d_3/kernel should be"));
  }
  SECTION("no architecture") {
    file.texts.clear();
    CHECK_THAT(said(false), Contains("has weights but no model_config"));
  }
  SECTION("fitted in no way that there is") {
    file.texts["afterglow_fit"] = "stretched";
    CHECK_THAT(said(false), Contains("says that its pictures were fitted by 'stretched'"));
  }
  SECTION("a pretrained layer that there is not") {
    file.texts["afterglow_fit"] = "crop";
    file.texts["afterglow_pretrained"] = "block9_conv1";
    CHECK_THAT(said(false), Contains("says that 'block9_conv1' is a pretrained layer"));
  }
  SECTION("no moments of a weight") {
    file.lists["optimizer_weights@weight_names"].pop_back();
    CHECK_THAT(said(true), Contains("Adam's moments of 42 and 41 weights, not of 42"));
  }
  SECTION("an impossible counter") {
    file.tensors["optimizer_weights/iteration:0"].values[0] = -1;
    CHECK_THAT(said(true), Contains("step counter is damaged"));
  }
}

}  // namespace afterglow
