#include "weights/eccv16_tensors.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "nn/models/eccv16.hpp"

namespace afterglow {
namespace {

constexpr const char* kOtherEccv16 =
    "give colorization_release_v2.caffemodel or colorization_release_v2-9b330a0b.pth";
constexpr float kTorchLightness = 100;  // its network reads (L - 50) / 100
constexpr float kTorchColour = 110;     // and gives ab / 110

}  // namespace

Eccv16Tensors::Eccv16Tensors(std::string file, RawTensors tensors, Eccv16Source source)
    : file_(std::move(file)),
      tensors_(std::move(tensors)),
      is_torch_(source == Eccv16Source::kTorch) {}

std::vector<float> Eccv16Tensors::values_of(const std::string& weight, const Shape& shape) const {
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

std::vector<float> Eccv16Tensors::centres() const {
  const std::vector<float> values = tensor("model_out.weight", {2, Eccv16::kBins, 1, 1});
  std::vector<float> result(values.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = kTorchColour * values[i % 2 * Eccv16::kBins + i / 2];
  }
  return result;
}

void Eccv16Tensors::check() const {
  for (const auto& [weight, shape] : Eccv16::weight_shapes()) values_of(weight, shape);
  if (is_torch_) centres();
}

std::string Eccv16Tensors::conv_name(const std::string& layer) const {
  const char block = layer[4];
  const std::string conv = layer.substr(6);
  if (!is_torch_) return (layer == "conv1_1" ? "bw_" : "") + layer;
  // Layers with a ReLU behind each.
  const int place = conv == "313" ? 6 : 2 * (std::stoi(conv) - 1);
  return std::string("model") + block + "." + std::to_string(place);
}

/// The norm behind a block. Caffe's has blobs mean, variance and the factor that both are to be
/// divided by, and neither scale nor shift.
std::vector<float> Eccv16Tensors::norm(const std::string& block, const std::string& what,
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
std::vector<float> Eccv16Tensors::tensor(const std::string& name,
                                         const std::vector<std::int64_t>& shape) const {
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

void Eccv16Tensors::refuse(const std::string& problem) const {
  throw InputError(file_, problem, kOtherEccv16);
}

}  // namespace afterglow
