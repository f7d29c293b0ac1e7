#include "nn/checkpoint.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "kernels/backend.hpp"
#include "nn/ops/ops.hpp"
#include "support/golden_rule.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

std::string bytes(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void one_step(ColorizationModel& model, Adam& adam, const Tensor& x, const Tensor& truth) {
  model.train(true);
  const ops::Loss loss = ops::temporal_mse(model.forward(Variable(x)), truth, 0.8F, {1, 0, 0, 0});
  backward(loss.value);
  adam.step();
}

}  // namespace

TEST_CASE("a training saved and loaded goes on to the same bits", "[network]") {
  const TemporaryFolder folder;
  const auto backend = make_cpu_backend();
  const Tensor x = golden_frames(backend, "input", 6);
  const Tensor truth = golden_frames(backend, "truth", 3);
  const ModelSpec spec{Arch::kAlexnet, Decoder::kUpsample};

  const auto model = make_model(backend, spec, 7);
  Adam adam(model->parameters(), {});
  one_step(*model, adam, x, truth);
  TrainingState state;
  state.epoch = 3;
  state.batch = 2;
  state.step = 41;
  state.best_loss = 12.25;
  state.best_epoch = 2;
  state.rng = Rng(9).state();
  state.config = "beta = 0.8\n";
  save_model(folder.path() / "last.h5", *model, "crop", &adam, &state);
  one_step(*model, adam, x, truth);

  LoadedModel loaded = load_model(folder.path() / "last.h5", backend);
  REQUIRE(loaded.header.training);
  CHECK(loaded.header.spec == spec);
  CHECK(loaded.header.fit == "crop");
  CHECK(loaded.header.training->epoch == 3);
  CHECK(loaded.header.training->batch == 2);
  CHECK(loaded.header.training->step == 41);
  CHECK(loaded.header.training->best_loss == 12.25);
  CHECK(loaded.header.training->best_epoch == 2);
  CHECK(loaded.header.training->rng == state.rng);
  CHECK(loaded.header.training->config == state.config);
  Adam resumed(loaded.model->parameters(), {});
  load_optimizer(folder.path() / "last.h5", resumed);
  one_step(*loaded.model, resumed, x, truth);

  save_model(folder.path() / "a.h5", *model, "crop", &adam);
  save_model(folder.path() / "b.h5", *loaded.model, "crop", &resumed);
  CHECK(bytes(folder.path() / "a.h5") == bytes(folder.path() / "b.h5"));
}

TEST_CASE("weights lie where Keras looks for them") {
  const TemporaryFolder folder;
  const auto backend = make_cpu_backend();
  const auto model = make_model(backend, {Arch::kVgg16, Decoder::kUpsample}, 1);
  save_model(folder.path() / "m.h5", *model, "resize");
  const hdf5::File file = hdf5::File::open(folder.path() / "m.h5");
  const std::vector<std::string> layers = file.read_strings("model_weights", "layer_names");
  REQUIRE(layers.size() == 16);
  CHECK(layers.at(0) == "conv2d");
  CHECK(layers.at(1) == "batch_normalization");
  CHECK(layers.at(2) == "vgg16");
  CHECK(layers.at(3) == "conv2d_1");
  CHECK(file.read_strings("model_weights/batch_normalization", "weight_names") ==
        std::vector<std::string>{"batch_normalization/gamma:0", "batch_normalization/beta:0",
                                 "batch_normalization/moving_mean:0",
                                 "batch_normalization/moving_variance:0"});
  CHECK(file.read_strings("model_weights/vgg16", "weight_names").size() == 26);
  CHECK(file.dataset_info("model_weights/conv2d_7/conv2d_7/kernel:0").shape ==
        std::vector<std::uint64_t>{5, 5, 96, 3});
  CHECK(file.dataset_info("model_weights/vgg16/block1_conv1/kernel:0").shape ==
        std::vector<std::uint64_t>{3, 3, 3, 64});
}

TEST_CASE("a model file that cannot be used is refused in one line") {
  const TemporaryFolder folder;
  const auto backend = make_cpu_backend();
  const auto model = make_model(backend, {}, 1);
  const fs::path path = folder.path() / "m.h5";
  save_model(path, *model, "crop");
  const auto refusal = [&](const std::string& name) {
    try {
      load_model(folder.path() / name, backend);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  using Catch::Contains;
  REQUIRE(refusal("m.h5") == "accepted");

  CHECK_THAT(refusal("none.h5"), Contains("none.h5") && Contains("no such file"));
  hdf5::File::create(folder.path() / "other.h5");
  CHECK_THAT(refusal("other.h5"), Contains("other.h5") && Contains("not a model"));

  // Files that begin well.
  const auto begin = [&](const std::string& name, std::int64_t version, const std::string& arch,
                         const std::string& fit) {
    hdf5::File file = hdf5::File::create(folder.path() / name);
    file.write_attribute(".", "format", std::string("afterglow model"));
    file.write_attribute(".", "format_version", version);
    file.write_attribute(".", "arch", arch);
    file.write_attribute(".", "decoder", std::string("upsample"));
    file.write_attribute(".", "fit", fit);
    file.create_group("model_weights");
    return file;
  };
  begin("future.h5", 99, "alexnet", "crop");
  CHECK_THAT(refusal("future.h5"), Contains("version 99") && Contains("newer afterglow"));
  begin("arch.h5", 1, "resnet", "crop");
  CHECK_THAT(refusal("arch.h5"), Contains("arch.h5") && Contains("'resnet'"));
  begin("fit.h5", 1, "alexnet", "stretch");
  CHECK_THAT(refusal("fit.h5"), Contains("fit.h5") && Contains("'stretch'"));
  begin("bare.h5", 1, "alexnet", "crop");
  CHECK_THAT(refusal("bare.h5"), Contains("conv2d/kernel:0 is missing"));
  const std::uint64_t shape[] = {2, 3};
  begin("shape.h5", 1, "alexnet", "crop")
      .write<float>("model_weights/conv2d/conv2d/kernel:0", shape, std::vector<float>(6));
  CHECK_THAT(refusal("shape.h5"),
             Contains("conv2d/kernel:0 has shape (2, 3)") && Contains("(9, 9, 6, 96)"));

  Tensor bias = model->weights().at(1).value;
  std::vector<float> values = bias.to_host();
  values.at(3) = std::numeric_limits<float>::quiet_NaN();
  bias.copy_from_host(values);
  save_model(folder.path() / "nan.h5", *model, "crop");
  CHECK_THAT(refusal("nan.h5"), Contains("conv2d/bias:0") && Contains("NaN"));

  const std::string whole = bytes(path);
  std::ofstream(folder.path() / "cut.h5", std::ios::binary) << whole.substr(0, whole.size() - 4096);
  CHECK_THAT(refusal("cut.h5"), Contains("cut.h5") && Contains("truncated"));

  const auto vgg = make_model(backend, {Arch::kVgg16, Decoder::kUpsample}, 1);
  CHECK_THROWS_WITH(load_weights(path, *vgg), Contains("alexnet") && Contains("--arch"));
  Adam adam(vgg->parameters(), {});
  CHECK_THROWS_WITH(load_optimizer(path, adam), Contains("no optimizer state"));
  // The optimizer of one network does not fit the other.
  save_model(folder.path() / "vgg.h5", *vgg, "crop", &adam);
  Adam other(model->parameters(), {});
  CHECK_THROWS_WITH(load_optimizer(folder.path() / "vgg.h5", other), Contains("conv2d/kernel:0"));
}

}  // namespace afterglow
