#include "weights/keras_vgg16.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "base/random.hpp"
#include "kernels/backend.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

/// The spellings under which Keras files keep the same weights.
struct Layout {
  std::string root;  // in front of the layer's group
  bool nested;       // the layer's group holds a group of its own name
  bool old_names;    // *_W_1:0 instead of kernel:0
};

constexpr std::size_t kLayers = 13;

/// Values that tell the layer, its kernel from its bias, and every place in it: a prime period from
/// a start that the name decides.
std::vector<float> file_values(const std::string& layer, const std::string& kind,
                               std::uint64_t count) {
  constexpr std::uint64_t kPeriod = 8191;
  const std::string name = layer + "/" + kind;
  const std::uint64_t start = stable_hash(name.data(), name.size(), 0) % kPeriod;
  std::vector<float> values;
  for (std::uint64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>((start + i) % kPeriod) / 8192.0F - 0.5F);
  }
  return values;
}

/// Writes the layers of blocks first_block to last_block.
void write_vgg16(const fs::path& path, const Layout& layout, int first_block, int last_block) {
  hdf5::File file = hdf5::File::create(path);
  const int convs[] = {2, 2, 3, 3, 3};
  const std::uint64_t filters[] = {64, 128, 256, 512, 512};
  for (int block = first_block; block <= last_block; ++block) {
    const std::uint64_t k = filters[block - 1];
    for (int conv = 1; conv <= convs[block - 1]; ++conv) {
      const std::uint64_t channels = conv > 1 ? k : block > 1 ? filters[block - 2] : 3;
      const std::string layer = "block" + std::to_string(block) + "_conv" + std::to_string(conv);
      const std::string folder =
          layout.root + layer + "/" + (layout.nested ? layer + "/" : std::string());
      const std::uint64_t kernel[] = {3, 3, channels, k};
      const std::uint64_t bias[] = {k};
      file.write<float>(folder + (layout.old_names ? layer + "_W_1:0" : "kernel:0"), kernel,
                        file_values(layer, "kernel", 9 * channels * k));
      file.write<float>(folder + (layout.old_names ? layer + "_b_1:0" : "bias:0"), bias,
                        file_values(layer, "bias", k));
    }
  }
}

/// The encoder layers whose kernel and bias are the file's, value by value.
std::vector<std::string> layers_from_file(const ColorizationModel& model) {
  std::map<std::string, int> equal;
  for (const Weight& weight : model.weights()) {
    const std::string encoder = "vgg16/";
    if (!weight.name.starts_with(encoder)) continue;
    const std::size_t end = weight.name.rfind('/');
    const std::string layer = weight.name.substr(encoder.size(), end - encoder.size());
    const std::vector<float> values = weight.value.to_host();
    if (values == file_values(layer, weight.name.substr(end + 1), values.size())) ++equal[layer];
  }
  std::vector<std::string> layers;
  for (const auto& [layer, weights] : equal) {
    if (weights == 2) layers.push_back(layer);
  }
  return layers;
}

}  // namespace

TEST_CASE("VGG16 weights load from every layout that Keras writes") {
  const TemporaryFolder folder;
  const auto layout =
      GENERATE(Layout{"", false, true}, Layout{"", true, false}, Layout{"vgg16/", false, false},
               Layout{"model_weights/", true, false}, Layout{"model_weights/vgg16/", false, false});
  CAPTURE(layout.root, layout.nested, layout.old_names);
  const fs::path path = folder.path() / "vgg16.h5";
  write_vgg16(path, layout, 1, 5);
  const std::vector<std::string> found = keras_vgg16_layers(read_foreign_hdf5(path));
  CHECK(found.size() == kLayers);
  const auto model = make_model(make_cpu_backend(), {Arch::kVgg16, Decoder::kUpsample}, 1);
  REQUIRE(layers_from_file(*model).empty());
  load_keras_vgg16(path, *model, false);
  CHECK(layers_from_file(*model) == found);
  CHECK(model->pretrained() == found);
}

TEST_CASE("a file with only some blocks is taken only when asked for") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "blocks.h5";
  const auto model = make_model(make_cpu_backend(), {Arch::kVgg16, Decoder::kUpsample}, 1);
  std::vector<std::string> layers;
  SECTION("the first three") {
    write_vgg16(path, {"", false, true}, 1, 3);
    CHECK_THROWS_WITH(
        load_keras_vgg16(path, *model, false),
        Catch::Contains("7 of VGG16's 13") && Catch::Contains("--vgg16-partial") &&
            Catch::Contains("(not block4_conv1, block4_conv2, block4_conv3, block5_conv1, "
                            "block5_conv2, block5_conv3)"));
    layers = {"block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2",
              "block3_conv1", "block3_conv2", "block3_conv3"};
  }
  SECTION("all but the first") {
    write_vgg16(path, {"model_weights/vgg16/", false, false}, 2, 5);
    CHECK_THROWS_WITH(
        load_keras_vgg16(path, *model, false),
        Catch::Contains("11 of VGG16's 13") && Catch::Contains("(not block1_conv1, block1_conv2)"));
    layers = {"block2_conv1", "block2_conv2", "block3_conv1", "block3_conv2",
              "block3_conv3", "block4_conv1", "block4_conv2", "block4_conv3",
              "block5_conv1", "block5_conv2", "block5_conv3"};
  }
  CHECK(layers_from_file(*model).empty());
  load_keras_vgg16(path, *model, true);
  CHECK(layers_from_file(*model) == layers);
  CHECK(model->pretrained() == layers);
}

TEST_CASE("what is not VGG16 is refused") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "x.h5";
  const auto model = make_model(make_cpu_backend(), {Arch::kVgg16, Decoder::kUpsample}, 1);
  hdf5::File::create(path);
  CHECK_THROWS_WITH(load_keras_vgg16(path, *model, true), Catch::Contains("no VGG16 weights"));
  {
    hdf5::File file = hdf5::File::create(path);
    const std::uint64_t kernel[] = {3, 3, 4, 64};
    const std::uint64_t bias[] = {64};
    file.write<float>("block1_conv1/kernel:0", kernel, std::vector<float>(9 * 4 * 64));
    file.write<float>("block1_conv1/bias:0", bias, std::vector<float>(64));
  }
  CHECK_THROWS_WITH(load_keras_vgg16(path, *model, true),
                    Catch::Contains("block1_conv1/kernel:0") && Catch::Contains("(3, 3, 3, 64)"));
  const auto alexnet = make_model(make_cpu_backend(), {}, 1);
  CHECK_THROWS_WITH(load_keras_vgg16(path, *alexnet, true), Catch::Contains("--arch vgg16"));
}

}  // namespace afterglow
