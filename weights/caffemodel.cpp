#include "weights/caffemodel.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <limits>
#include <optional>

#include "base/error.hpp"
#include "weights/caffe.pb.h"

namespace afterglow {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr const char* kWholeCaffemodel = "give a .caffemodel file, downloaded whole";
constexpr std::size_t kLongestName = 1024;

/// Looks at the messages of a file before protobuf makes objects of them, which are many times
/// larger than an empty message.
class Survey {
 public:
  /// False when there are too many messages, a shape is too long, or the bytes are damaged.
  static bool passes(std::string_view bytes) {
    CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                        static_cast<int>(bytes.size()));
    return Survey().look_through(in, Message::kNet);
  }

 private:
  enum class Message { kNet, kV1Layer, kLayer, kBlob, kShape };

  /// What a field of a message holds, when that is a message.
  static std::optional<Message> inner(Message message, int field) {
    if (message == Message::kNet && field == 2) return Message::kV1Layer;
    if (message == Message::kNet && field == 100) return Message::kLayer;
    if (message == Message::kV1Layer && field == 6) return Message::kBlob;
    if (message == Message::kLayer && field == 7) return Message::kBlob;
    if (message == Message::kBlob && field == 7) return Message::kShape;
    return std::nullopt;
  }

  bool look_through(CodedInputStream& in, Message message) {
    while (const std::uint32_t tag = in.ReadTag()) {
      const std::optional<Message> next = inner(message, WireFormatLite::GetTagFieldNumber(tag));
      if (!next ||
          WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
        if (!WireFormatLite::SkipField(&in, tag)) return false;
        continue;
      }
      int size = 0;
      if (--left_ < 0 || !in.ReadVarintSizeAsInt(&size) || size > in.BytesUntilLimit())
        return false;
      const CodedInputStream::Limit limit = in.PushLimit(size);
      const bool passed = *next == Message::kShape ? size <= kLongestShape && in.Skip(size)
                                                   : look_through(in, *next);
      if (!passed) return false;
      in.PopLimit(limit);
    }
    return in.ConsumedEntireMessage();
  }

  static constexpr int kLongestShape = 128;  // bytes
  int left_ = 1 << 16;                       // messages
};

std::vector<std::int64_t> shape_of(const caffe::Blob& blob) {
  if (blob.has_shape()) return {blob.shape().dim().begin(), blob.shape().dim().end()};
  if (!blob.has_num()) return {};
  return {blob.num(), blob.channels(), blob.height(), blob.width()};
}

RawTensor tensor_of(const std::string& file, const std::string& name, const caffe::Blob& blob) {
  RawTensor tensor{shape_of(blob), {blob.data().begin(), blob.data().end()}};
  if (tensor.values.empty()) {
    tensor.values.assign(blob.double_data().begin(), blob.double_data().end());
  }
  const auto count = static_cast<std::int64_t>(tensor.values.size());
  if (element_count(tensor.shape, std::numeric_limits<std::int64_t>::max()) != count) {
    throw InputError(file,
                     "holds " + std::to_string(count) + " values for " + name + " of shape " +
                         shape_text(tensor.shape),
                     kWholeCaffemodel);
  }
  return tensor;
}

template <typename Layers>
void add_layers(const std::string& file, const Layers& layers, RawTensors& tensors) {
  for (const auto& layer : layers) {
    // Each of its blobs repeats it, so that one long name would be any amount of memory.
    if (layer.name().size() > kLongestName) throw InputError(file, "is damaged", kWholeCaffemodel);
    for (int i = 0; i < layer.blobs_size(); ++i) {
      const std::string name = layer.name() + "/" + std::to_string(i);
      if (!tensors.try_emplace(name, tensor_of(file, name, layer.blobs(i))).second) {
        throw InputError(file, "has two layers of the name " + layer.name(), kWholeCaffemodel);
      }
    }
  }
}

}  // namespace

RawTensors parse_caffemodel(const std::string& name, std::string_view bytes) {
  caffe::Net net;
  if (bytes.size() > kLargestWeightsFile || !Survey::passes(bytes) ||
      !net.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw InputError(name, "is not a whole .caffemodel file", kWholeCaffemodel);
  }
  RawTensors tensors;
  add_layers(name, net.layers(), tensors);
  add_layers(name, net.layer(), tensors);
  return tensors;
}

}  // namespace afterglow
