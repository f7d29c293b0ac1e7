// `afterglow info`: every kind of file, as JSON and for people.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "data/film_set_maker.hpp"
#include "data/frames.hpp"
#include "nn/checkpoint.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"
#include "support/weights/eccv16_files.hpp"
#include "training_data.hpp"

namespace afterglow::test {
namespace fs = std::filesystem;
namespace {

nlohmann::json info(const fs::path& path) {
  const ProgramResult result = run_afterglow({"info", path.string(), "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const ProgramResult text = run_afterglow({"info", path.string()});
  CHECK(text.exit_code == 0);
  auto json = nlohmann::json::parse(result.out);
  CHECK_THAT(text.out, Catch::Contains(json["kind"].get<std::string>()));
  return json;
}

void write_keras_layer(hdf5::File& file, const std::string& path, const std::string& layer,
                       std::uint64_t in, std::uint64_t out) {
  const std::uint64_t kernel[] = {3, 3, in, out};
  const std::uint64_t bias[] = {out};
  file.create_group(path).write<float>(layer + "_W_1:0", kernel,
                                       std::vector<float>(9 * in * out, 0.01F));
  file.open_group(path).write<float>(layer + "_b_1:0", bias, std::vector<float>(out, 0.5F));
}

}  // namespace

TEST_CASE("info says what a model is", "[app]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "model.h5";
  const ModelSpec spec{Arch::kAlexnet, Decoder::kUpsample};
  save_model(path, *make_model(make_cpu_backend(), spec, 1), "crop");
  const auto json = info(path);
  CHECK(json["kind"] == "model");
  CHECK(json["architecture"] == "alexnet");
  CHECK(json["decoder"] == "upsample");
  CHECK(json["parameters"] == 9127971);
  CHECK(json["trainable"] == 9122467);
  CHECK(json["input_size"] == 128);
  CHECK(json["fit"] == "crop");
  CHECK(json["can_be_resumed"] == false);
}

TEST_CASE("info says what a steady model and a film set are", "[app]") {
  const TemporaryFolder folder;
  const fs::path model = folder.path() / "model.h5", films = folder.path() / "films.h5";
  save_steady(model, *make_steady(make_cpu_backend(), SteadyArch::kSteady, 1));
  const auto json = info(model);
  CHECK(json["kind"] == "model");
  CHECK(json["architecture"] == "steady");
  CHECK(json["parameters"] == 357558);
  const ProgramResult plan = run_afterglow({"info", model.string(), "--plan", "--json"});
  INFO(plan.err);
  REQUIRE(plan.exit_code == 0);
  CHECK(nlohmann::json::parse(plan.out)["frame"].size() >= 14);
  write_film_set(films, {{"a", 3, 64, 48, true}});
  const auto set = info(films);
  CHECK(set["kind"] == "film set");
  CHECK(set["frames"] == 3);
  CHECK(set["clips"][0]["size"] == "64x48");
  CHECK(set["clips"][0]["colorized"] == true);
}

TEST_CASE("info says how a model is computed on this machine", "[app]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "model.h5";
  save_model(path, *make_model(make_cpu_backend(), {Arch::kAlexnet, Decoder::kUpsample}, 1),
             "crop");
  const ProgramResult result = run_afterglow({"info", path.string(), "--plan", "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const auto json = nlohmann::json::parse(result.out);
  constexpr std::size_t kConvolutions = 11;  // layers; the first one's input wants no gradient
  CHECK(json["training_step"].size() == 3 * kConvolutions - 1);
  REQUIRE(json["frame"].size() == kConvolutions);
  CHECK(json["frame"][0]["convolution"] == "9x9/2 6-96, 1 of 128x128");
  CHECK(json["frame"][0]["pass"] == "forward");
  CHECK(json["frame"][0]["algorithm"] == "direct");

  const ProgramResult film = run_afterglow({"info", folder.path().string(), "--plan"});
  CHECK(film.exit_code == 2);
  CHECK_THAT(film.err, Catch::Contains("is not a model"));
}

TEST_CASE("info names pretrained and random layers, of weights files too", "[app]") {
  const TemporaryFolder folder;
  const fs::path weights = folder.path() / "weights.h5", run = folder.path() / "run",
                 data = folder.path() / "data.h5";
  {
    hdf5::File file = hdf5::File::create(weights);
    write_keras_layer(file, "block1_conv1", "block1_conv1", 3, 64);
    write_keras_layer(file, "block1_conv2", "block1_conv2", 64, 64);
    file.flush();
  }
  const nlohmann::json layers{"block1_conv1", "block1_conv2"};
  CHECK(info(weights)["kind"] == "vgg16 weights");
  CHECK(info(weights)["layers"] == layers);
  CHECK(info(weights)["taken_by"] == "train --arch vgg16 --vgg16-weights with --vgg16-partial");

  write_waves(data, {{"a", 1, Split::kTrain}});
  const std::vector<std::string> command{
      "train", "--data",   data.string(), "--out",           run.string(),    "--arch",
      "vgg16", "--epochs", "1",           "--vgg16-weights", weights.string()};
  const ProgramResult refused = run_afterglow(command);
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Catch::Contains("--vgg16-partial"));
  CHECK_FALSE(fs::exists(run));

  auto partial = command;
  partial.emplace_back("--vgg16-partial");
  const ProgramResult result = run_afterglow(partial);
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const auto json = info(run / "last.h5");
  CHECK(json["parameters"] == 21783396);
  CHECK(json["trainable"] == 7065438);
  CHECK(json["pretrained_layers"] == layers);
  CHECK(json["random_layers"].size() == 11);
  CHECK(json["random_layers"][0] == "block2_conv1");
  CHECK(json["steps_done"] == 1);
  CHECK(json["epochs_done"] == 1);
  CHECK(json["can_be_resumed"] == true);
}

TEST_CASE("info lists a dataset's clips", "[app]") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "data.h5";
  write_waves(path, kSmallData);
  const auto json = info(path);
  CHECK(json["kind"] == "dataset");
  CHECK(json["frames"] == 16);
  CHECK(json["flow"] == false);
  CHECK(json["train_clips"] == 2);
  CHECK(json["val_clips"] == 1);
  CHECK(json["test_clips"] == 0);
  REQUIRE(json["clips"].size() == 3);
  CHECK(json["clips"][2]["id"] == "v");
  CHECK(json["clips"][2]["split"] == "val");
  CHECK(json["clips"][2]["frames"] == 4);
  write_waves(path, kSmallData, true);
  CHECK(info(path)["flow"] == true);
}

TEST_CASE("info describes films and picture folders", "[app]") {
  const TemporaryFolder folder;
  for (const char* name : {"film.mkv", "pictures"}) {
    const auto writer = create_frames(folder.path() / name, 128, 128, 25);
    for (int t = 0; t < 3; ++t) writer->write(wave(0, t, 1), t / 25.0);
    writer->commit();
    const auto json = info(folder.path() / name);
    CHECK(json["width"] == 128);
    CHECK(json["height"] == 128);
    CHECK(json["fps"] == 25.0);
  }
  CHECK(info(folder.path() / "film.mkv")["kind"] == "film");
  CHECK(info(folder.path() / "pictures")["kind"] == "picture folder");
  CHECK(info(folder.path() / "pictures")["frames"] == 3);
}

TEST_CASE("info says what other programs' weights are, and what takes them", "[app]") {
  const TemporaryFolder folder;
  const auto written = [&](const char* name, const std::string& bytes) {
    write_bytes(folder.path() / name, bytes);
    return folder.path() / name;
  };
  const auto caffe = info(written("e.caffemodel", caffemodel_bytes(eccv16_caffe_weights())));
  CHECK(caffe["kind"] == "caffe weights");
  CHECK(caffe["taken_by"] == "prepare and colorize --colorizer eccv16 --weights");
  CHECK(caffe["parameters"] > 32'000'000);
  CHECK(caffe["tensors"][0]["name"] == "bw_conv1_1/0");
  CHECK(caffe["tensors"][0]["shape"] == "(64, 1, 3, 3)");

  const RawTensors small{{"w", {{2, 3}, {1, 2, 3, 4, 5, 6}}}};
  const auto torch = info(written("small.bin", legacy_torch_bytes(small)));
  CHECK(torch["kind"] == "torch weights");
  CHECK(torch["taken_by"] == "nothing in afterglow");
  CHECK(torch["parameters"] == 6);
  CHECK(torch["tensors"].size() == 1);

  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  std::string array("\x93NUMPY\x01\x00", 8);
  array += static_cast<char>(header.size());
  array += '\0';
  const auto bins = info(written("a.npy", array + header + std::string(8, '\0')));
  CHECK(bins["kind"] == "numpy array");
  CHECK(bins["shape"] == "(2)");
  CHECK(bins["taken_by"] == "nothing in afterglow");

  for (const char* name : {"cut.caffemodel", "cut.pth", "cut.npy", "cut.safetensors"}) {
    const ProgramResult result = run_afterglow({"info", written(name, "cut").string()});
    CAPTURE(result.err);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Catch::Contains(name));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  }
}

TEST_CASE("info knows VGG16's weights in a Keras model of another architecture", "[app]") {
  const TemporaryFolder folder;
  const auto written = [&](const char* name, const std::string& group) {
    hdf5::File file = hdf5::File::create(folder.path() / name);
    file.write_attribute(".", "model_config", std::string(R"({"config": [{"class_name": "Flatten",
        "config": {"name": "flatten"}}]})"));
    write_keras_layer(file, "model_weights/" + group, "block1_conv1", 3, 64);
    file.flush();
    return folder.path() / name;
  };
  const auto json = info(written("vgg16.h5", "block1_conv1"));
  CHECK(json["kind"] == "vgg16 weights");
  CHECK(json["layers"] == nlohmann::json{"block1_conv1"});
  CHECK(json["parameters"] == 9 * 3 * 64 + 64);
  const ProgramResult other = run_afterglow({"info", written("other.h5", "dense").string()});
  CHECK(other.exit_code == 2);
  CHECK_THAT(other.err, Catch::Contains("its layer Flatten flatten stands where"));
}

}  // namespace afterglow::test
