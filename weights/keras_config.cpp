#include "weights/keras_config.hpp"

#include <cmath>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>

#include "base/error.hpp"
#include "kernels/backend.hpp"

namespace afterglow {
namespace {

using Json = nlohmann::json;                 // what is read, from whatever file
using OrderedJson = nlohmann::ordered_json;  // what is written; slow to find a name among many

constexpr const char* kGiveKerasModel =
    "give a whole model of the paper's alexnet or vgg16 network, saved by Keras 2 or tf_keras";
constexpr int kDeepestModel = 4;                             // models in models; ours nest once
constexpr double kNormMomentum = 0.99, kNormEpsilon = 1e-3;  // both Keras's defaults

/// A row of a file's architecture. A layer that we have no word for has no description.
struct Row {
  std::optional<LayerDescription> description;
  std::string label;  // for messages: "Dropout dropout_1"
};

/// A size; -1, which no layer has, for anything else.
std::int32_t size_of(const Json& value) {
  constexpr std::int32_t kLargest = 1 << 20;
  return value.is_number_integer() && value >= 0 && value <= kLargest ? value.get<std::int32_t>()
                                                                      : -1;
}

/// A field of a layer's configuration, or what Keras takes when it is not there.
template <typename T>
T field(const Json& config, const char* name, const T& otherwise) {
  const auto found = config.find(name);
  if (found == config.end() || found->is_null()) return otherwise;
  if constexpr (std::is_same_v<T, std::int32_t>) {
    return size_of(*found);
  } else {
    return found->template get<T>();
  }
}

/// The number that [n, n] repeats; none when the two differ or it is of no size that we know.
std::optional<std::int32_t> square(const Json& config, const char* name, std::int32_t otherwise) {
  const auto found = config.find(name);
  if (found == config.end() || found->is_null()) return otherwise;
  if (!found->is_array() || found->size() != 2 || found->at(0) != found->at(1)) return std::nullopt;
  return size_of(found->at(0));
}

bool channels_last(const Json& config) {
  return field<std::string>(config, "data_format", "channels_last") == "channels_last";
}

std::optional<LayerDescription> convolution(const Json& config, LayerKind kind) {
  const std::string padding = field<std::string>(config, "padding", "valid");
  const std::optional<std::int32_t> size = square(config, "kernel_size", 0);
  const std::optional<std::int32_t> stride = square(config, "strides", 1);
  const bool known = channels_last(config) && square(config, "dilation_rate", 1) == 1 &&
                     field(config, "groups", 1) == 1 && field(config, "use_bias", true) &&
                     (padding == "valid" || padding == "same");
  if (!known || !size || !stride) return std::nullopt;
  return LayerDescription{.kind = kind,
                          .filters = field(config, "filters", 0),
                          .size = *size,
                          .stride = *stride,
                          .padding = padding == "same" ? Padding::kSame : Padding::kValid};
}

std::optional<LayerDescription> pool(const Json& config, LayerKind kind) {
  const std::optional<std::int32_t> size = square(config, "pool_size", 2);
  const std::optional<std::int32_t> stride = square(config, "strides", size.value_or(0));
  const bool known =
      channels_last(config) && field<std::string>(config, "padding", "valid") == "valid";
  if (!known || !size || !stride) return std::nullopt;
  return LayerDescription{.kind = kind, .size = *size, .stride = *stride};
}

std::optional<LayerDescription> batch_norm(const Json& config) {
  const Json axis = config.value("axis", Json(-1));
  const Json only = axis.is_array() && axis.size() == 1 ? axis.at(0) : axis;
  const bool known = (only == -1 || only == 3) && field(config, "center", true) &&
                     field(config, "scale", true) &&
                     std::abs(field(config, "epsilon", kNormEpsilon) - kNormEpsilon) < 1e-9 &&
                     std::abs(field(config, "momentum", kNormMomentum) - kNormMomentum) < 1e-9;
  if (!known) return std::nullopt;
  return LayerDescription{.kind = LayerKind::kBatchNorm};
}

std::optional<LayerDescription> upsample(const Json& config) {
  const bool known = channels_last(config) && square(config, "size", 2) == 2 &&
                     field<std::string>(config, "interpolation", "nearest") == "nearest";
  if (!known) return std::nullopt;
  return LayerDescription{.kind = LayerKind::kUpsample};
}

std::optional<LayerDescription> relu(const Json& config) {
  const bool known = config.value("max_value", Json()).is_null() &&
                     field(config, "negative_slope", 0.0) == 0 &&
                     field(config, "threshold", 0.0) == 0;
  if (!known) return std::nullopt;
  return LayerDescription{.kind = LayerKind::kRelu};
}

/// [[c, c], [c, c]].
std::optional<std::int32_t> cropping(const Json& config) {
  const Json sides = config.value("cropping", Json());
  if (!sides.is_array() || sides.size() != 2 || sides[0] != sides[1] || !sides[0].is_array() ||
      sides[0].size() != 2 || sides[0][0] != sides[0][1]) {
    return std::nullopt;
  }
  return size_of(sides[0][0]);
}

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  void read(const Json& model) { read_model(model, 0, ""); }
  const std::vector<Row>& rows() const { return rows_; }
  /// Empty when every model gives what its last layer gives. A layer that differs is said first.
  const std::string& output_problem() const { return output_problem_; }
  std::vector<std::string> groups() { return std::move(groups_); }

  [[noreturn]] void refuse(const std::string& problem) const {
    throw InputError(path_, problem, kGiveKerasModel);
  }

 private:
  /// `group`: the outermost layer that this is part of; empty for the model itself.
  void read_model(const Json& model, int depth, const std::string& group) {
    if (depth > kDeepestModel) refuse("is nested deeper than any model");
    const Json& config = model.at("config");
    // Keras 2.2's first Sequential models are the list itself.
    const Json& layers = config.is_array() ? config : config.at("layers");
    std::string before;
    for (const Json& layer : layers) {
      const Json& own = layer.at("config");
      const std::string name = layer.contains("name") ? layer.at("name").get<std::string>()
                                                      : field<std::string>(own, "name", "");
      check_chain(layer, name, before);
      before = name;
      const std::string outermost = group.empty() ? name : group;
      if (own.is_array() || own.contains("layers")) {
        read_model(layer, depth + 1, outermost);
      } else {
        read_layer(layer.at("class_name").get<std::string>(), own, name, outermost);
      }
    }
    check_output(config, before);
  }

  /// A layer of a Functional model takes what the one before it gives, and nothing else.
  void check_chain(const Json& layer, const std::string& name, const std::string& before) const {
    const auto nodes = layer.find("inbound_nodes");
    if (nodes == layer.end() || nodes->empty() || before.empty()) return;
    const bool chained = nodes->size() == 1 && nodes->at(0).size() == 1 &&
                         nodes->at(0).at(0).at(0).get<std::string>() == before;
    if (!chained)
      refuse("is no chain of layers: " + name + " does not follow " + before + " alone");
  }

  /// What a Functional model gives is what its last layer gives, and nothing else.
  void check_output(const Json& config, const std::string& last) {
    if (!config.is_object() || !config.contains("output_layers")) return;
    const Json& outputs = config.at("output_layers");
    if (outputs.size() != 1 || outputs.at(0).at(0).get<std::string>() != last) {
      output_problem_ = "gives the output of other layers than its last, " + last + ", alone";
    }
  }

  void read_layer(const std::string& kind, const Json& config, const std::string& name,
                  const std::string& group) {
    if (kind == "InputLayer") return;
    if (kind == "Cropping2D" && !rows_.empty() && rows_.back().description &&
        rows_.back().description->kind == LayerKind::kConvTranspose2d && cropping(config)) {
      rows_.back().description->crop = *cropping(config);
      add_activation();
      return;
    }
    add_activation();
    Row row{describe(kind, config), kind + ' ' + name};
    const bool weighted =
        kind == "Conv2D" || kind == "Conv2DTranspose" || kind == "BatchNormalization";
    if (weighted && (groups_.empty() || groups_.back() != group)) groups_.push_back(group);
    rows_.push_back(std::move(row));
    const std::string activation =
        config.value("activation", Json()).is_string() && kind != "Activation"
            ? config.at("activation").get<std::string>()
            : "linear";
    if (activation == "relu") {
      pending_ = Row{LayerDescription{.kind = LayerKind::kRelu}, "the relu of " + name};
      if (kind != "Conv2DTranspose") add_activation();
    } else if (activation != "linear") {
      pending_ = Row{std::nullopt, "the " + activation + " of " + name};
    }
  }

  /// The activation of a transposed convolution waits for the cut that belongs to it: cutting a
  /// ReLU's output is the ReLU of what was cut.
  void add_activation() {
    if (pending_) rows_.push_back(std::move(*pending_));
    pending_.reset();
  }

  static std::optional<LayerDescription> describe(const std::string& kind, const Json& config) {
    if (kind == "Conv2D") return convolution(config, LayerKind::kConv2d);
    if (kind == "Conv2DTranspose") return convolution(config, LayerKind::kConvTranspose2d);
    if (kind == "BatchNormalization") return batch_norm(config);
    if (kind == "MaxPooling2D") return pool(config, LayerKind::kMaxPool);
    if (kind == "AveragePooling2D") return pool(config, LayerKind::kAveragePool);
    if (kind == "UpSampling2D") return upsample(config);
    if (kind == "ReLU") return relu(config);
    if (kind == "Activation" && config.value("activation", Json()) == "relu")
      return LayerDescription{.kind = LayerKind::kRelu};
    return std::nullopt;
  }

  const std::string& path_;
  std::vector<Row> rows_;
  std::vector<std::string> groups_;
  std::optional<Row> pending_;
  std::string output_problem_;
};

/// The network that has the file's kinds of layers; whether it is that one is seen row by row.
ModelSpec likely_spec(const std::vector<Row>& rows) {
  ModelSpec spec;
  for (const Row& row : rows) {
    if (!row.description) continue;
    if (row.description->kind == LayerKind::kMaxPool) spec.arch = Arch::kVgg16;
    if (row.description->kind == LayerKind::kConvTranspose2d) spec.decoder = Decoder::kDeconv;
  }
  return spec;
}

/// Comparing and copying values calls itself for values in values: they are to be no deeper than
/// any model needs.
Json parse(const std::string& text, const Reader& reader) {
  constexpr int kDeepestValue = 64;
  return Json::parse(text, [&](int depth, Json::parse_event_t /*event*/, const Json& /*value*/) {
    if (depth > kDeepestValue) reader.refuse("is nested deeper than any model");
    return true;
  });
}

/// The rows of one of our networks. Its weights are drawn for them, so that each is made once.
const std::vector<LayerDescription>& description_of(const ModelSpec& spec) {
  static std::mutex mutex;
  static std::map<std::pair<Arch, Decoder>, std::vector<LayerDescription>> known;
  const std::lock_guard lock(mutex);
  std::vector<LayerDescription>& rows = known[{spec.arch, spec.decoder}];
  if (rows.empty()) rows = make_model(make_cpu_backend(), spec, 0)->describe();
  return rows;
}

std::string words(const LayerDescription& row) {
  const auto sized = [&](const std::string& what) {
    const std::string size = std::to_string(row.size) + " x " + std::to_string(row.size);
    const std::string stride = row.stride == 1 ? "" : ", stride " + std::to_string(row.stride);
    return what + ' ' + size + stride;
  };
  const std::string filters = " to " + std::to_string(row.filters) + " channels" +
                              (row.padding == Padding::kSame ? ", same" : ", valid");
  switch (row.kind) {
    case LayerKind::kConv2d:
      return sized("a convolution") + filters;
    case LayerKind::kConvTranspose2d:
      return sized("a transposed convolution") + filters;
    case LayerKind::kRelu:
      return "a ReLU";
    case LayerKind::kMaxPool:
      return sized("a max pool");
    case LayerKind::kAveragePool:
      return sized("an average pool");
    case LayerKind::kUpsample:
      return "a nearest x2 upsample";
    case LayerKind::kBatchNorm:
      return "a batch norm";
  }
  return "";
}

OrderedJson node_of(const std::string& before, int node) {
  return OrderedJson::array(
      {OrderedJson::array({OrderedJson::array({before, node, 0, OrderedJson::object()})})});
}

/// Builds a Functional model whose layers form a chain.
class Writer {
 public:
  Writer(std::string model, std::int32_t channels, bool trainable)
      : model_(std::move(model)), input_(model_ + "_input"), trainable_(trainable) {
    OrderedJson config{{"batch_input_shape", {nullptr, kNetworkSize, kNetworkSize, channels}},
                       {"dtype", "float32"},
                       {"sparse", false},
                       {"ragged", false},
                       {"name", input_}};
    layers_.push_back({{"class_name", "InputLayer"},
                       {"config", config},
                       {"name", input_},
                       {"inbound_nodes", OrderedJson::array()}});
    last_ = input_;
  }

  void add(const std::string& kind, const std::string& name, const OrderedJson& fields) {
    OrderedJson config{{"name", name}, {"trainable", trainable_}, {"dtype", "float32"}};
    config.update(fields);
    put(kind, name, config, 0);
  }
  void add_model(const Writer& inner) {
    put("Functional", inner.model_, inner.config(), 1);  // node 0 is of its own input
  }
  std::string next_name(const std::string& stem) {
    const int number = numbers_[stem]++;
    return number == 0 ? stem : stem + '_' + std::to_string(number);
  }

  OrderedJson config() const {
    return {{"name", model_},
            {"trainable", trainable_},
            {"layers", layers_},
            {"input_layers", OrderedJson::array({OrderedJson::array({input_, 0, 0})})},
            {"output_layers", OrderedJson::array({OrderedJson::array({last_, node_, 0})})}};
  }

 private:
  void put(const std::string& kind, const std::string& name, const OrderedJson& config, int node) {
    layers_.push_back({{"class_name", kind},
                       {"config", config},
                       {"name", name},
                       {"inbound_nodes", node_of(last_, node_)}});
    last_ = name;
    node_ = node;
  }

  std::string model_, input_;
  bool trainable_;
  OrderedJson layers_ = OrderedJson::array();
  std::string last_;
  int node_ = 0;
  std::map<std::string, int> numbers_;
};

OrderedJson pair_of(std::int32_t value) { return OrderedJson::array({value, value}); }

/// Adds a row; a convolution with the activation that is its own.
void add_row(Writer& to, const LayerDescription& row, const std::string& name, bool relu) {
  const char* const last = "channels_last";
  switch (row.kind) {
    case LayerKind::kConv2d:
    case LayerKind::kConvTranspose2d:
      to.add(row.kind == LayerKind::kConv2d ? "Conv2D" : "Conv2DTranspose", name,
             {{"filters", row.filters},
              {"kernel_size", pair_of(row.size)},
              {"strides", pair_of(row.stride)},
              {"padding", row.padding == Padding::kSame ? "same" : "valid"},
              {"data_format", last},
              {"dilation_rate", pair_of(1)},
              {"activation", relu ? "relu" : "linear"},
              {"use_bias", true}});
      if (row.crop > 0) {
        const OrderedJson side = pair_of(row.crop);
        to.add("Cropping2D", to.next_name("cropping2d"),
               {{"cropping", OrderedJson::array({side, side})}, {"data_format", last}});
      }
      return;
    case LayerKind::kRelu:
      to.add("ReLU", to.next_name("re_lu"), OrderedJson::object());
      return;
    case LayerKind::kMaxPool:
    case LayerKind::kAveragePool: {
      const bool max = row.kind == LayerKind::kMaxPool;
      to.add(max ? "MaxPooling2D" : "AveragePooling2D",
             to.next_name(max ? "max_pooling2d" : "average_pooling2d"),
             {{"pool_size", pair_of(row.size)},
              {"padding", "valid"},
              {"strides", pair_of(row.stride)},
              {"data_format", last}});
      return;
    }
    case LayerKind::kUpsample:
      to.add("UpSampling2D", to.next_name("up_sampling2d"),
             {{"size", pair_of(2)}, {"data_format", last}, {"interpolation", "nearest"}});
      return;
    case LayerKind::kBatchNorm:
      to.add("BatchNormalization", name,
             {{"axis", {3}},
              {"momentum", kNormMomentum},
              {"epsilon", kNormEpsilon},
              {"center", true},
              {"scale", true}});
      return;
  }
}

}  // namespace

KerasArchitecture parse_keras_config(const std::string& path, const std::string& json) {
  Reader reader(path);
  try {
    reader.read(parse(json, reader));
  } catch (const Json::exception&) {
    reader.refuse("has a model_config that is damaged");
  }
  KerasArchitecture result{likely_spec(reader.rows()), reader.groups()};
  const std::vector<LayerDescription>& wanted = description_of(result.spec);
  const std::string network = "the " + arch_name(result.spec.arch) + " network";
  const std::vector<Row>& rows = reader.rows();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (i == rows.size()) reader.refuse("ends where " + network + " has " + words(wanted[i]));
    LayerDescription row = rows[i].description.value_or(LayerDescription{});
    row.name = wanted[i].name;
    if (rows[i].description && row == wanted[i]) continue;
    const std::string is = rows[i].description ? ", " + words(row) + "," : "";
    reader.refuse("is a Keras model of another architecture: its layer " + rows[i].label + is +
                  " stands where " + network + " has " + words(wanted[i]));
  }
  if (rows.size() > wanted.size()) {
    reader.refuse("is a Keras model of another architecture: its layer " +
                  rows[wanted.size()].label + " stands behind the end of " + network);
  }
  if (!reader.output_problem().empty()) reader.refuse(reader.output_problem());
  return result;
}

std::string keras_config(const std::vector<LayerDescription>& rows) {
  Writer model("afterglow", 6, true);
  std::optional<Writer> encoder;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const LayerDescription& row = rows[i];
    const std::size_t slash = row.name.find('/');
    if (slash != std::string::npos && !encoder) {
      encoder.emplace(row.name.substr(0, slash), 3, /*trainable=*/false);
    }
    const bool convolution =
        row.kind == LayerKind::kConv2d || row.kind == LayerKind::kConvTranspose2d;
    const bool relu = convolution && i + 1 < rows.size() && rows[i + 1].kind == LayerKind::kRelu;
    // The encoder ends with its last pool, the row before the first name outside of it.
    if (encoder && convolution && slash == std::string::npos) {
      model.add_model(*encoder);
      encoder.reset();
    }
    add_row(encoder ? *encoder : model, row,
            slash == std::string::npos ? row.name : row.name.substr(slash + 1), relu);
    if (relu) ++i;
  }
  const OrderedJson config{{"class_name", "Functional"}, {"config", model.config()}};
  return config.dump();
}

}  // namespace afterglow
