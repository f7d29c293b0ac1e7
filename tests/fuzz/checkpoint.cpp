// Model files and checkpoints.
#include "nn/checkpoint.hpp"

#include "fuzz/fuzz.hpp"
#include "fuzz/hdf5_maker.hpp"

namespace {

using namespace afterglow;

/// The network that files are read into; what they fill in does not matter to the next.
struct Network {
  std::unique_ptr<ColorizationModel> model = make_model(make_cpu_backend(), {}, 0);
  Adam optimizer{model->parameters(), {}};
  // Asked for once: their names take long to put together.
  const std::vector<Weight> weights = model->weights();
  const std::vector<Weight> first_moments = optimizer.first_moments();
  const std::vector<Weight> second_moments = optimizer.second_moments();
};

std::vector<std::uint64_t> extents(const Shape& shape) {
  std::vector<std::uint64_t> result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    result.push_back(static_cast<std::uint64_t>(shape[axis]));
  }
  return result;
}

/// The first weights of the list, as many as the next choice says: of the first layers, which are
/// small. Those behind them are missing.
void add_weights(fuzz::Hdf5Maker& maker, fuzz::Choices& choices, hid_t group,
                 const std::vector<Weight>& weights, bool repeats_layer) {
  constexpr std::size_t kMostWeights = 6;
  const std::size_t count = choices.byte() % (kMostWeights + 1);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& name = weights[i].name;
    const std::string layer = name.substr(0, name.find('/'));
    for (const std::string& path : {layer, layer + '/' + layer}) {
      if (path != layer && !repeats_layer) continue;
      const hid_t made =
          H5Lexists(group, path.c_str(), H5P_DEFAULT) > 0
              ? -1
              : H5Gcreate2(group, path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      if (made >= 0) H5Gclose(made);
    }
    maker.dataset(group, (repeats_layer ? layer + '/' : "") + name + ":0",
                  extents(weights[i].value.shape()), H5T_NATIVE_FLOAT);
  }
}

void add_training_state(fuzz::Hdf5Maker& maker) {
  maker.group(maker.root(), "training_state", [&](hid_t group) {
    for (const char* name : {"epoch", "batch", "step", "best_epoch"}) {
      maker.attribute(group, name, std::int64_t{1});
    }
    maker.attribute(group, "best_loss", 0.5);
    maker.attribute(group, "config", std::string("[train]"));
    maker.dataset(group, "rng", {Rng::State{}.size()}, H5T_NATIVE_UINT64);
  });
}

void add_optimizer(fuzz::Hdf5Maker& maker, fuzz::Choices& choices, const Network& network) {
  maker.group(maker.root(), "optimizer_weights", [&](hid_t group) {
    maker.dataset(group, "iteration:0", {}, H5T_NATIVE_INT64);
    maker.group(group, "Adam", [&](hid_t adam) {
      maker.group(adam, "m",
                  [&](hid_t m) { add_weights(maker, choices, m, network.first_moments, false); });
      maker.group(adam, "v",
                  [&](hid_t v) { add_weights(maker, choices, v, network.second_moments, false); });
    });
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Network network;
  fuzz::Choices choices(fuzz::text_of(data, size));
  fuzz::Hdf5Maker maker(choices);
  const hid_t root = maker.root();
  maker.attribute(root, "format", std::string("afterglow model"));
  maker.attribute(root, "format_version", std::int64_t{1});
  maker.attribute(root, "arch", std::string("alexnet"));
  maker.attribute(root, "decoder", std::string("upsample"));
  maker.attribute(root, "fit", std::string("crop"));
  maker.attribute(root, "pretrained", std::string("block1_conv1"));
  add_training_state(maker);
  maker.group(root, "model_weights",
              [&](hid_t group) { add_weights(maker, choices, group, network.weights, true); });
  add_optimizer(maker, choices, network);
  const std::filesystem::path& path = maker.close();
  fuzz::refused_or_read([&] { load_weights(path, *network.model); });
  return fuzz::refused_or_read([&] { load_optimizer(path, network.optimizer); });
}
