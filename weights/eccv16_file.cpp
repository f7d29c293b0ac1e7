#include "weights/eccv16_file.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/sha256.hpp"
#include "weights/caffemodel.hpp"
#include "weights/eccv16_tensors.hpp"
#include "weights/npy.hpp"
#include "weights/torch_file.hpp"

namespace afterglow {
namespace {

constexpr int kCaffeSide = 224, kTorchSide = 256;

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
  const Eccv16Tensors found(name,
                            is_torch ? parse_torch(name, bytes) : parse_caffemodel(name, bytes),
                            is_torch ? Eccv16Source::kTorch : Eccv16Source::kCaffe);
  LoadedEccv16 loaded;
  loaded.sha256 = sha256(bytes);
  loaded.side = is_torch ? kTorchSide : kCaffeSide;
  loaded.model = std::make_unique<Eccv16>(backend);
  for (Weight weight : loaded.model->weights()) {
    weight.value.copy_from_host(found.values_of(weight.name, weight.value.shape()));
  }
  if (!files.bins.empty()) {
    loaded.model->set_centres(read_bins(files.bins, backend));
  } else if (is_torch) {
    loaded.model->set_centres(Tensor::from_host(backend, {Eccv16::kBins, 2}, found.centres()));
  }
  if (files.temperature) {
    loaded.model->set_factor(static_cast<float>(1 / *files.temperature));
  } else if (is_torch) {
    loaded.model->set_factor(1);
  }
  return loaded;
}

}  // namespace afterglow
