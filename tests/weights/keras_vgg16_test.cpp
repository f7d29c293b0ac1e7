#include "weights/keras_vgg16.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/error.hpp"
#include "base/hdf5.hpp"
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

constexpr float kBias = 0.25F;

std::string layer_name(int block, int conv) {
  return "block" + std::to_string(block) + "_conv" + std::to_string(conv);
}

/// Writes blocks 1 to `blocks`: kernel values all 1, biases all kBias.
void write_vgg16(const fs::path& path, const Layout& layout, int blocks) {
  hdf5::File file = hdf5::File::create(path);
  const int convs[] = {2, 2, 3, 3, 3};
  const std::uint64_t filters[] = {64, 128, 256, 512, 512};
  std::uint64_t channels = 3;
  for (int block = 1; block <= blocks; ++block) {
    for (int conv = 1; conv <= convs[block - 1]; ++conv) {
      const std::string layer = layer_name(block, conv);
      const std::uint64_t k = filters[block - 1];
      const std::string folder =
          layout.root + layer + "/" + (layout.nested ? layer + "/" : std::string());
      const std::uint64_t kernel[] = {3, 3, channels, k};
      const std::uint64_t bias[] = {k};
      file.write<float>(folder + (layout.old_names ? layer + "_W_1:0" : "kernel:0"), kernel,
                        std::vector<float>(9 * channels * k, 1.0F));
      file.write<float>(folder + (layout.old_names ? layer + "_b_1:0" : "bias:0"), bias,
                        std::vector<float>(k, kBias));
      channels = k;
    }
  }
}

/// Whether all values of a layer are the file's.
bool is_from_file(const ColorizationModel& model, const std::string& layer) {
  for (const Weight& weight : model.weights()) {
    if (!weight.name.starts_with("vgg16/" + layer + "/")) continue;
    const float expected = weight.name.ends_with("kernel") ? 1.0F : kBias;
    for (const float value : weight.value.to_host()) {
      if (value != expected) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("VGG16 weights load from every layout that Keras writes") {
  const TemporaryFolder folder;
  const auto layout =
      GENERATE(Layout{"", false, true}, Layout{"", true, false},
               Layout{"model_weights/", true, false}, Layout{"model_weights/vgg16/", false, false});
  CAPTURE(layout.root, layout.nested, layout.old_names);
  const fs::path path = folder.path() / "vgg16.h5";
  write_vgg16(path, layout, 5);
  CHECK(keras_vgg16_layers(path).size() == 13);
  const auto model = make_model(make_cpu_backend(), {Arch::kVgg16, Decoder::kUpsample}, 1);
  REQUIRE_FALSE(is_from_file(*model, "block1_conv1"));
  load_keras_vgg16(path, *model, false);
  CHECK(is_from_file(*model, "block1_conv1"));
  CHECK(is_from_file(*model, "block5_conv3"));
  CHECK(model->pretrained().size() == 13);
}

TEST_CASE("a file with only some blocks is taken only when asked for") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "blocks1-3.h5";
  write_vgg16(path, {"", false, true}, 3);
  const auto model = make_model(make_cpu_backend(), {Arch::kVgg16, Decoder::kUpsample}, 1);
  CHECK_THROWS_WITH(load_keras_vgg16(path, *model, false),
                    Catch::Contains("7 of VGG16's 13") && Catch::Contains("--vgg16-partial"));
  CHECK_FALSE(is_from_file(*model, "block1_conv1"));
  load_keras_vgg16(path, *model, true);
  CHECK(is_from_file(*model, "block3_conv3"));
  CHECK_FALSE(is_from_file(*model, "block4_conv1"));
  CHECK(model->pretrained().back() == "block3_conv3");
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
