#include "weights/eccv16_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/sha256.hpp"
#include "weights/caffemodel.hpp"
#include "weights/npy.hpp"
#include "weights/torch_file.hpp"

namespace afterglow {
namespace {

constexpr const char* kRemedy =
    "give colorization_release_v2.caffemodel or colorization_release_v2-9b330a0b.pth";
constexpr int kCaffeSide = 224, kTorchSide = 256;
constexpr float kTorchLightness = 100;  // its network reads (L - 50) / 100
constexpr float kTorchColour = 110;     // and gives ab / 110

/// Where a layer's values lie in a file: "conv3_2" of the network is "conv3_2/0" and "conv3_2/1" of
/// Caffe's, "model3.2.weight" and "model3.2.bias" of PyTorch's.
class Reader {
 public:
  Reader(std::string file, RawTensors tensors, bool is_torch)
      : file_(std::move(file)), tensors_(std::move(tensors)), is_torch_(is_torch) {}

  /// The values of one of the network's weights, in its own order.
  std::vector<float> values_of(const std::string& weight, const Shape& shape) const {
    const std::size_t slash = weight.find('/');
    const std::string layer = weight.substr(0, slash), what = weight.substr(slash + 1);
    if (layer.starts_with("norm")) return norm(layer.substr(4), what, shape[0]);
    if (what == "bias") return tensor(conv_name(layer) + (is_torch_ ? ".bias" : "/1"), {shape[0]});
    // (O, I, KH, KW) to (KH, KW, I, O); a transposed convolution's is (I, O, KH, KW), and stays
    // (KH, KW, O, I): both exchange the two halves and the channels.
    const std::int64_t rows = shape[3], columns = shape[2], taps = shape[0] * shape[1];
    const std::vector<float> values = tensor(conv_name(layer) + (is_torch_ ? ".weight" : "/0"),
                                             {rows, columns, shape[0], shape[1]});
    std::vector<float> result(values.size());
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t column = 0; column < columns; ++column) {
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          result[static_cast<std::size_t>((tap * columns + column) * rows + row)] =
              values[static_cast<std::size_t>((row * columns + column) * taps + tap)];
        }
      }
    }
    if (is_torch_ && layer == "conv1_1") {
      for (float& value : result) value /= kTorchLightness;
    }
    return result;
  }

  /// The bins' centres (313, 2); only PyTorch's file has some to be trusted.
  std::vector<float> centres() const {
    const std::vector<float> values = tensor("model_out.weight", {2, Eccv16::kBins, 1, 1});
    std::vector<float> result(values.size());
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i] = kTorchColour * values[i % 2 * Eccv16::kBins + i / 2];
    }
    return result;
  }

 private:
  std::string conv_name(const std::string& layer) const {
    const char block = layer[4];
    const std::string conv = layer.substr(6);
    if (!is_torch_) return (layer == "conv1_1" ? "bw_" : "") + layer;
    // Layers with a ReLU behind each.
    const int place = conv == "313" ? 6 : 2 * (std::stoi(conv) - 1);
    return std::string("model") + block + "." + std::to_string(place);
  }

  /// The norm behind a block. Caffe's has blobs mean, variance and the factor that both are to be
  /// divided by, and neither scale nor shift.
  std::vector<float> norm(const std::string& block, const std::string& what,
                          std::int64_t channels) const {
    static constexpr std::array<const char*, 7> kLastConvs = {"2", "2", "3", "3", "3", "3", "3"};
    const std::string last = kLastConvs.at(static_cast<std::size_t>(std::stoi(block) - 1));
    if (is_torch_) {
      static const std::map<std::string, std::string> names = {{"gamma", "weight"},
                                                               {"beta", "bias"},
                                                               {"moving_mean", "running_mean"},
                                                               {"moving_variance", "running_var"}};
      return tensor(
          "model" + block + "." + std::to_string(2 * std::stoi(last)) + "." + names.at(what),
          {channels});
    }
    if (what == "gamma" || what == "beta") {
      return std::vector<float>(static_cast<std::size_t>(channels), what == "gamma" ? 1.0F : 0.0F);
    }
    const std::string layer = "conv" + block + "_" + last + "norm";
    std::vector<float> values = tensor(layer + (what == "moving_mean" ? "/0" : "/1"), {channels});
    const float factor = tensor(layer + "/2", {1}).front();
    if (!(factor > 0)) refuse("the factor of its " + layer + " is not above 0");
    for (float& value : values) value /= factor;
    return values;
  }

  /// Extents of 1 in front, as old files of Caffe have, make no difference.
  std::vector<float> tensor(const std::string& name, const std::vector<std::int64_t>& shape) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) refuse("has no weights " + name);
    std::vector<std::int64_t> held = found->second.shape;
    while (held.size() > shape.size() && held.front() == 1) held.erase(held.begin());
    if (held != shape) {
      refuse("its weights " + name + " have shape " + shape_text(found->second.shape) + ", not " +
             shape_text(shape));
    }
    const std::vector<float>& values = found->second.values;
    if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); })) {
      refuse("its weights " + name + " hold NaN or infinity");
    }
    return values;
  }

  [[noreturn]] void refuse(const std::string& problem) const {
    throw InputError(file_, problem, kRemedy);
  }

  std::string file_;
  RawTensors tensors_;
  bool is_torch_;
};

Tensor read_bins(const std::filesystem::path& path, const std::shared_ptr<Backend>& backend) {
  constexpr std::uint64_t kLargest = 1 << 20;
  const RawTensor bins = parse_npy(path.string(), read_file(path, kLargest, "a .npy file"));
  if (bins.shape != std::vector<std::int64_t>{Eccv16::kBins, 2}) {
    throw InputError(path.string(), "has shape " + shape_text(bins.shape) + ", not (313, 2)",
                     "give pts_in_hull.npy");
  }
  return Tensor::from_host(backend, {Eccv16::kBins, 2}, bins.values);
}

}  // namespace

LoadedEccv16 load_eccv16(const Eccv16Files& files, const std::shared_ptr<Backend>& backend) {
  if (files.temperature && !(*files.temperature > 0 && std::isfinite(*files.temperature))) {
    throw InputError("--temperature", "must be above 0", "leave it out, or give 0.38");
  }
  const std::string name = files.weights.string();
  const std::string bytes =
      read_file(files.weights, kLargestWeightsFile, "a .caffemodel or .pth file");
  const bool is_torch = looks_like_torch(bytes);
  const Reader reader(name, is_torch ? parse_torch(name, bytes) : parse_caffemodel(name, bytes),
                      is_torch);
  LoadedEccv16 loaded;
  loaded.sha256 = sha256(bytes);
  loaded.side = is_torch ? kTorchSide : kCaffeSide;
  loaded.model = std::make_unique<Eccv16>(backend);
  for (Weight weight : loaded.model->weights()) {
    weight.value.copy_from_host(reader.values_of(weight.name, weight.value.shape()));
  }
  if (!files.bins.empty()) {
    loaded.model->set_centres(read_bins(files.bins, backend));
  } else if (is_torch) {
    loaded.model->set_centres(Tensor::from_host(backend, {Eccv16::kBins, 2}, reader.centres()));
  }
  if (files.temperature) {
    loaded.model->set_factor(static_cast<float>(1 / *files.temperature));
  } else if (is_torch) {
    loaded.model->set_factor(1);
  }
  return loaded;
}

}  // namespace afterglow
