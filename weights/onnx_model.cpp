#include "weights/onnx_model.hpp"

#include <map>
#include <string_view>

#include "base/error.hpp"
#include "nn/layers/batch_norm.hpp"
#include "weights/onnx.pb.h"
#include "weights/torch_layout.hpp"

namespace afterglow {
namespace {

constexpr int kIrVersion = 8, kOpset = 17;
constexpr int kFloat = 1;  // TensorProto.DataType

void add_ints(onnx::Node& node, const char* name, std::initializer_list<std::int64_t> values) {
  onnx::Attribute& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::Attribute::INTS);
  for (const std::int64_t value : values) attribute.add_ints(value);
}

void add_text(onnx::Node& node, const char* name, const char* value) {
  onnx::Attribute& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::Attribute::STRING);
  attribute.set_s(value);
}

void add_float(onnx::Node& node, const char* name, float value) {
  onnx::Attribute& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::Attribute::FLOAT);
  attribute.set_f(value);
}

void add_picture(onnx::ValueInfo& info, const char* name, std::int64_t channels) {
  info.set_name(name);
  onnx::ValueInfo::TensorType& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(kFloat);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  for (const std::int64_t extent : {channels, kNetworkSize, kNetworkSize}) {
    type.mutable_shape()->add_dim()->set_dim_value(extent);
  }
}

void add_values(onnx::Graph& graph, const std::string& name, const RawTensor& tensor) {
  onnx::TensorValue& value = *graph.add_initializer();
  value.set_name(name);
  value.set_data_type(kFloat);
  for (const std::int64_t extent : tensor.shape) value.add_dims(extent);
  value.set_raw_data(tensor.values.data(), tensor.values.size() * sizeof(float));
}

/// Adds the rows' nodes, each upon the one before.
class Chain {
 public:
  explicit Chain(onnx::Graph& graph) : graph_(graph) {
    add_values(graph_, kScales, {{4}, {1, 1, 2, 2}});
  }

  void add(const LayerDescription& row, bool last) {
    switch (row.kind) {
      case LayerKind::kConv2d: {
        onnx::Node& conv = node("Conv", row.name, last, {"weight", "bias"});
        // At stride 1, where alone our networks have it, "same" is as much on every side.
        if (row.padding == Padding::kSame && (row.stride != 1 || row.size % 2 == 0)) {
          throw Unsupported("ONNX export of same padding at stride 2 or of an even kernel");
        }
        const std::int64_t pad = row.padding == Padding::kSame ? (row.size - 1) / 2 : 0;
        square(conv, row, pad);
        return;
      }
      case LayerKind::kConvTranspose2d:
        square(node("ConvTranspose", row.name, last, {"weight", "bias"}), row, row.crop);
        return;
      case LayerKind::kRelu:
        node("Relu", "", last, {});
        return;
      case LayerKind::kMaxPool:
        square(node("MaxPool", "", last, {}), row, 0);
        return;
      case LayerKind::kAveragePool:
        square(node("AveragePool", "", last, {}), row, 0);
        return;
      case LayerKind::kUpsample: {
        onnx::Node& resize = node("Resize", "", last, {});
        resize.add_input("");  // no region of interest
        resize.add_input(kScales);
        add_text(resize, "mode", "nearest");
        add_text(resize, "coordinate_transformation_mode", "asymmetric");
        add_text(resize, "nearest_mode", "floor");
        return;
      }
      case LayerKind::kBatchNorm:
        add_float(node("BatchNormalization", row.name, last,
                       {"weight", "bias", "running_mean", "running_var"}),
                  "epsilon", BatchNorm::kEpsilon);
        return;
    }
  }

 private:
  static constexpr const char* kScales = "upsample_scales";

  onnx::Node& node(const char* op, const std::string& layer, bool last,
                   std::initializer_list<std::string_view> weights) {
    onnx::Node& node = *graph_.add_node();
    node.set_op_type(op);
    const std::string name = layer.empty() ? op + ("_" + std::to_string(count_)) : layer;
    node.set_name(name);
    node.add_input(before_);
    for (const std::string_view weight : weights) {
      std::string full = torch_name(layer + "/kernel");
      full.replace(full.rfind('.') + 1, std::string::npos, weight);
      node.add_input(full);
    }
    before_ = last ? "y" : "t" + std::to_string(count_);
    ++count_;
    node.add_output(before_);
    return node;
  }

  static void square(onnx::Node& node, const LayerDescription& row, std::int64_t pad) {
    add_ints(node, "kernel_shape", {row.size, row.size});
    add_ints(node, "strides", {row.stride, row.stride});
    add_ints(node, "pads", {pad, pad, pad, pad});
  }

  onnx::Graph& graph_;
  std::string before_ = "x";
  int count_ = 0;
};

}  // namespace

std::string onnx_bytes(const ColorizationModel& model,
                       const std::map<std::string, std::string>& metadata) {
  onnx::Model file;
  file.set_ir_version(kIrVersion);
  file.set_producer_name("afterglow");
  file.set_doc_string(
      "x: RGB of the current colorized frame, then of the previous frame; y: RGB; pixels 0..255");
  file.add_opset_import()->set_version(kOpset);
  for (const auto& [key, value] : metadata) {
    onnx::Entry& entry = *file.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  onnx::Graph& graph = *file.mutable_graph();
  graph.set_name(arch_name(model.spec().arch));
  add_picture(*graph.add_input(), "x", 6);
  add_picture(*graph.add_output(), "y", 3);
  Chain chain(graph);
  const std::vector<LayerDescription> rows = model.describe();
  for (const LayerDescription& row : rows) chain.add(row, &row == &rows.back());
  for (const Weight& weight : model.weights()) {
    add_values(graph, torch_name(weight.name), to_torch_layout(weight.value));
  }
  return file.SerializeAsString();
}

}  // namespace afterglow
