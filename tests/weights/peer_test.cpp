// tf_keras's files read here, and ours read by tf_keras, ONNX Runtime and PyTorch. Needs a Python
// with tf_keras, h5py, onnx, onnxruntime, torch, safetensors and cv2: AFTERGLOW_PYTHON, else
// python3.
#include "support/peer.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>

#include "base/hdf5.hpp"
#include "kernels/backend.hpp"
#include "nn/ops/ops.hpp"
#include "support/golden_rule.hpp"
#include "support/temporary_folder.hpp"
#include "weights/keras_vgg16.hpp"
#include "weights/model_file.hpp"

namespace afterglow {
namespace {

/// Largest error over largest value of a network's output: both sums are float32's.
constexpr double kNetworkTolerance = 1e-3;
/// Of a loss, each of whose steps magnifies the rounding of the ones before.
constexpr double kLossTolerance = 1e-2;

void run_script(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{std::string(AFTERGLOW_TEST_DATA) + "/keras_peer.py"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const test::ProgramResult result = test::run_to_end(test::python(), all);
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
}

double relative_error(const std::vector<float>& y, const std::vector<float>& expected) {
  REQUIRE(y.size() == expected.size());
  double error = 0, largest = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    error = std::max(error, std::abs(double{y[i]} - expected[i]));
    largest = std::max(largest, std::abs(double{expected[i]}));
  }
  return error / largest;
}

}  // namespace

TEST_CASE("the real VGG16's relu3_3 on a real frame is tf_keras's", "[peer]") {
  const char* const weights = std::getenv("AFTERGLOW_VGG16_WEIGHTS");
  const char* const film = std::getenv("AFTERGLOW_FILM");
  if (weights == nullptr || film == nullptr) {
    std::cout << "SKIPPED: AFTERGLOW_VGG16_WEIGHTS and AFTERGLOW_FILM name no files\n";
    return;
  }
  if (!test::python_has("tf_keras, h5py, cv2")) return;
  const TemporaryFolder folder;
  run_script({"relu3_3", weights, film, folder.path().string()});
  const auto backend = make_cpu_backend();
  const auto model = make_model(backend, {Arch::kVgg16, Decoder::kUpsample}, 1);
  load_keras_vgg16(weights, *model, /*partial=*/true);
  std::map<std::string, Variable> encoder;
  for (const Weight& weight : model->weights()) encoder[weight.name] = Variable(weight.value);

  const hdf5::File expected = hdf5::File::open(folder.path() / "relu3_3.h5");
  const NoGradient inference;
  Variable y(Tensor::from_host(backend, {1, 128, 128, 3}, expected.read<float>("x")));
  for (const char* layer : {"1_conv1", "1_conv2", "pool", "2_conv1", "2_conv2", "pool", "3_conv1",
                            "3_conv2", "3_conv3"}) {
    const std::string name = std::string("vgg16/block") + layer;
    y = encoder.contains(name + "/kernel")
            ? ops::conv2d(y, encoder.at(name + "/kernel"), encoder.at(name + "/bias"),
                          {.padding = Padding::kSame, .activation = Activation::kRelu})
            : ops::max_pool2d(y, 2, 2);
  }
  const double error = relative_error(y.value().to_host(), expected.read<float>("y"));
  std::cout << "relu3_3: " << error << '\n';
  CHECK(error < kNetworkTolerance);
}

TEST_CASE("a checkpoint of tf_keras predicts the same and trains on the same", "[peer]") {
  if (!test::python_has("tf_keras, h5py")) return;
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  CAPTURE(arch_name(arch));
  const TemporaryFolder folder;
  run_script({"checkpoint", arch_name(arch), folder.path().string()});
  const auto backend = make_cpu_backend();
  const Variable x(golden_frames(backend, "input", 6));
  const Tensor truth = golden_frames(backend, "truth", 3);
  for (const char* name : {"m.h5", "legacy.h5"}) {
    CAPTURE(name);
    const hdf5::File then = hdf5::File::open(folder.path() / (std::string("then_") + name));
    const std::vector<float> prediction = then.read<float>("prediction");
    const std::vector<double> losses = then.read<double>("losses");
    REQUIRE(losses.size() == 10);
    const auto model = make_model(backend, {arch, Decoder::kUpsample}, 1);
    Adam adam(model->parameters(), {});
    load_any_weights(folder.path() / name, *model, &adam);
    CHECK(adam.steps() == 3);
    {
      const NoGradient inference;
      CHECK(relative_error(model->forward(x).value().to_host(), prediction) < kNetworkTolerance);
    }
    model->train(true);
    for (std::size_t step = 0; step < losses.size(); ++step) {
      CAPTURE(step);
      const ops::Loss loss = ops::temporal_mse(model->forward(x), truth, 0.8F, {1, 0, 0, 0});
      CHECK(std::abs(loss.parts.loss - losses[step]) / losses[step] < kLossTolerance);
      backward(loss.value);
      adam.step();
    }
  }
}

TEST_CASE("tf_keras, ONNX Runtime and PyTorch compute what an exported network does", "[peer]") {
  if (!test::python_has("tf_keras, h5py, onnx, onnxruntime, torch, safetensors")) return;
  const Decoder decoder = GENERATE(Decoder::kUpsample, Decoder::kDeconv);
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  CAPTURE(arch_name(arch), decoder_name(decoder));
  const TemporaryFolder folder;
  const auto backend = make_cpu_backend();
  LoadedModel model{make_model(backend, {arch, decoder}, 1), {}};
  model.header.fit = "crop";
  set_golden_weights(*model.model);
  export_model(model, "keras", folder.path() / "m.h5");
  export_model(model, "onnx", folder.path() / "m.onnx");
  export_model(model, "safetensors", folder.path() / "m.safetensors");
  {
    const NoGradient inference;
    const Variable x(golden_frames(backend, "input", 6));
    const Tensor y = model.model->forward(x).value();
    hdf5::File expected = hdf5::File::create(folder.path() / "expected.h5");
    const std::vector<std::uint64_t> in{4, 128, 128, 6}, out{4, 128, 128, 3};
    expected.write<float>("x", in, x.value().to_host());
    expected.write<float>("y", out, y.to_host());
  }
  run_script({"exports", folder.path().string()});
}

}  // namespace afterglow
