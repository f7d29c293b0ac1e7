#include "support/weights/eccv16_files.hpp"

#include <cmath>
#include <cstring>
#include <fstream>

#include "support/golden_values.hpp"
#include "weights/caffe.pb.h"

namespace afterglow::test {
namespace {

struct Conv {
  std::string block, number;
  std::int64_t in, out;
  bool last;  // a norm stands behind it
};

std::vector<Conv> convs() {
  struct Block {
    int convs;
    std::int64_t filters;
  };
  std::vector<Conv> result;
  std::int64_t channels = 1;
  int number = 0;
  for (const Block& block :
       {Block{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}, {3, 512}, {3, 512}}) {
    ++number;
    for (int i = 1; i <= block.convs; ++i) {
      result.push_back(
          {std::to_string(number), std::to_string(i), channels, block.filters, i == block.convs});
      channels = block.filters;
    }
  }
  return result;
}

RawTensor ruled(const std::string& name, std::vector<std::int64_t> shape, double factor,
                double offset = 0) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  RawTensor tensor{std::move(shape), {}};
  for (const double value : golden_values(name, count)) {
    tensor.values.push_back(static_cast<float>(offset + factor * value));
  }
  return tensor;
}

double he(std::int64_t inputs) { return std::sqrt(6.0 / static_cast<double>(inputs)); }

}  // namespace

RawTensors eccv16_caffe_weights() {
  RawTensors tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, double factor,
                       double offset = 0) {
    tensors[name] = ruled(name, std::move(shape), factor, offset);
  };
  for (const Conv& conv : convs()) {
    const bool first = conv.in == 1;
    const std::string name = (first ? "bw_conv" : "conv") + conv.block + "_" + conv.number;
    add(name + "/0", {conv.out, conv.in, 3, 3}, (first ? 0.04 : 1) * he(conv.in * 9));
    add(name + "/1", {conv.out}, 0.1);
    if (!conv.last) continue;
    const std::string norm = name + "norm";
    add(norm + "/0", {conv.out}, 0.1);
    add(norm + "/1", {conv.out}, 0.5, 2.5);
    tensors[norm + "/2"] = {{1}, {2.5F}};
  }
  add("conv8_1/0", {512, 256, 4, 4}, he(512 * 4));
  add("conv8_1/1", {256}, 0.1);
  for (const std::string name : {"conv8_2", "conv8_3"}) {
    add(name + "/0", {256, 256, 3, 3}, he(256 * 9));
    add(name + "/1", {256}, 0.1);
  }
  add("conv8_313/0", {313, 256, 1, 1}, 3 * he(256));
  add("conv8_313/1", {313}, 0.1);
  return tensors;
}

RawTensors eccv16_torch_weights() {
  RawTensors tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, double factor,
                       double offset = 0) {
    tensors[name] = ruled(name, std::move(shape), factor, offset);
  };
  for (const Conv& conv : convs()) {
    const int place = 2 * (std::stoi(conv.number) - 1);
    const std::string block = "model" + conv.block + ".", name = block + std::to_string(place);
    add(name + ".weight", {conv.out, conv.in, 3, 3}, (conv.in == 1 ? 4 : 1) * he(conv.in * 9));
    add(name + ".bias", {conv.out}, 0.1);
    if (!conv.last) continue;
    const std::string norm = block + std::to_string(place + 2);
    add(norm + ".weight", {conv.out}, 0.2, 1);
    add(norm + ".bias", {conv.out}, 0.1);
    add(norm + ".running_mean", {conv.out}, 0.1);
    add(norm + ".running_var", {conv.out}, 0.2, 1);
  }
  add("model8.0.weight", {512, 256, 4, 4}, he(512 * 4));
  add("model8.0.bias", {256}, 0.1);
  for (const std::string name : {"model8.2", "model8.4"}) {
    add(name + ".weight", {256, 256, 3, 3}, he(256 * 9));
    add(name + ".bias", {256}, 0.1);
  }
  add("model8.6.weight", {313, 256, 1, 1}, 2.606 * he(256));
  add("model8.6.bias", {313}, 0.1);
  add("model_out.weight", {2, 313, 1, 1}, 1);
  return tensors;
}

std::string caffemodel_bytes(const RawTensors& tensors, CaffeForm form) {
  caffe::Net net;
  net.set_name("net");
  const auto fill = [&](caffe::Blob& blob, const RawTensor& tensor) {
    blob.mutable_data()->Add(tensor.values.begin(), tensor.values.end());
    if (form == CaffeForm::kV2) {
      blob.mutable_shape()->mutable_dim()->Add(tensor.shape.begin(), tensor.shape.end());
      return;
    }
    std::vector<std::int32_t> extents(4, 1);
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      extents[4 - tensor.shape.size() + i] = static_cast<std::int32_t>(tensor.shape[i]);
    }
    blob.set_num(extents[0]);
    blob.set_channels(extents[1]);
    blob.set_height(extents[2]);
    blob.set_width(extents[3]);
  };
  std::string last;
  for (const auto& [name, tensor] : tensors) {  // in order: a layer's blobs stand together
    const std::string layer = name.substr(0, name.rfind('/'));
    if (form == CaffeForm::kV2) {
      if (layer != last) net.add_layer()->set_name(layer);
      fill(*net.mutable_layer(net.layer_size() - 1)->add_blobs(), tensor);
    } else {
      if (layer != last) net.add_layers()->set_name(layer);
      fill(*net.mutable_layers(net.layers_size() - 1)->add_blobs(), tensor);
    }
    last = layer;
  }
  return net.SerializeAsString();
}

namespace {

/// The instructions of a pickle, written one after the other.
class Pickler {
 public:
  template <typename T>
  Pickler& raw(char opcode, T value) {
    text_ += opcode;
    text_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Pickler& op(const std::string& opcodes) {
    text_ += opcodes;
    return *this;
  }
  Pickler& text(const std::string& value) {
    raw('X', static_cast<std::uint32_t>(value.size()));
    return op(value);
  }
  Pickler& integer(std::int64_t value) { return raw('J', static_cast<std::int32_t>(value)); }
  Pickler& tuple(const std::vector<std::int64_t>& values) {
    op("(");
    for (const std::int64_t value : values) integer(value);
    return op("t");
  }
  std::string take() { return "\x80\x02" + std::exchange(text_, {}) + "."; }

 private:
  std::string text_;
};

}  // namespace

std::string legacy_torch_bytes(const RawTensors& tensors) {
  Pickler pickle;
  std::string bytes = pickle.op("\x8a\x0a").op("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19").take();
  bytes += pickle.integer(1001).take();
  bytes += pickle.op("}").take();
  pickle.op("}(");
  for (const auto& [name, tensor] : tensors) {
    std::vector<std::int64_t> stride(tensor.shape.size(), 1);
    for (std::size_t axis = stride.size(); axis-- > 1;) {
      stride[axis - 1] = stride[axis] * tensor.shape[axis];
    }
    pickle.text(name).op("ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle.text("storage").op("ctorch\nFloatStorage\n").text(name).text("cpu");
    pickle.integer(static_cast<std::int64_t>(tensor.values.size())).op("NtQ");
    pickle.integer(0).tuple(tensor.shape).tuple(stride).op("\x89}tR");
  }
  bytes += pickle.op("u").take();
  pickle.op("](");
  for (const auto& [name, tensor] : tensors) pickle.text(name);
  bytes += pickle.op("e").take();
  for (const auto& [name, tensor] : tensors) {
    const auto count = static_cast<std::int64_t>(tensor.values.size());
    bytes.append(reinterpret_cast<const char*>(&count), sizeof count);
    bytes.append(reinterpret_cast<const char*>(tensor.values.data()),
                 tensor.values.size() * sizeof(float));
  }
  return bytes;
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace afterglow::test
