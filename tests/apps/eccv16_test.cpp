// Gray films through the pretrained colorizer, with weights of an arithmetic rule.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>

#include "apps/fixtures.hpp"
#include "apps/image_colorizer.hpp"
#include "data/colour.hpp"
#include "data/result_file.hpp"
#include "support/kept_variable.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"
#include "support/weights/eccv16_files.hpp"

namespace afterglow::test {
namespace {

constexpr int kFrames = 2;

struct Fixture {
  TemporaryFolder folder;
  fs::path film = file("film.mkv"), weights = file("rule.caffemodel");

  Fixture() {
    write_film(film, kFrames, [](int t) { return textured(144, 132, t); });
    write_bytes(weights, caffemodel_bytes(eccv16_caffe_weights()));
  }

  fs::path file(const std::string& name) const { return folder.path() / name; }

  /// Every frame of the film by the colorizer, cut to the network's size.
  std::vector<Picture> expected() const {
    const ImageColorizer colorizer({weights, {}, {}}, make_cpu_backend());
    std::vector<Picture> pictures;
    for (const Picture& picture : read_film(film)) {
      pictures.push_back(resize_area(colorizer.colorize(picture), 128, 128));
    }
    return pictures;
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "the pretrained colorizer keeps the lightness and brings colours",
                 "[app]") {
  const ImageColorizer colorizer({weights, {}, {}}, make_cpu_backend());
  const Picture picture = textured(96, 64, 0), gray = gray_picture(picture);
  const Picture coloured = colorizer.colorize(picture);
  // It sees the gray version alone.
  CHECK(colorizer.colorize(gray) == coloured);
  constexpr double kRounding = 0.5;  // of L, when three channels are rounded to bytes
  int coloured_pixels = 0;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const Triple lab = rgb_to_lab(coloured.rgb[i], coloured.rgb[i + 1], coloured.rgb[i + 2]);
    const double l = rgb_to_lab(gray.rgb[i], gray.rgb[i + 1], gray.rgb[i + 2])[0];
    // Colours outside of sRGB are clamped, which moves their lightness.
    const auto [low, high] =
        std::minmax({coloured.rgb[i], coloured.rgb[i + 1], coloured.rgb[i + 2]});
    if (low > 0 && high < 255) REQUIRE(lab[0] == Approx(l).epsilon(0).margin(kRounding));
    coloured_pixels += std::hypot(lab[1], lab[2]) > 5 ? 1 : 0;
  }
  CHECK(coloured_pixels > 96 * 64 / 4);
  // A lower temperature goes to the likeliest bins: other colours.
  CHECK(ImageColorizer({weights, {}, 0.05}, make_cpu_backend()).colorize(picture) != coloured);
}

TEST_CASE_METHOD(Fixture, "prepare: the pretrained colorizer's frames become the input", "[app]") {
  const ProgramResult result =
      run_afterglow({"prepare", "--truth", film, "--colorizer", "eccv16", "--weights", weights,
                     "--device", "cpu", "--out", file("data.h5")});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const Dataset dataset(file("data.h5"));
  CHECK(dataset.header().colorizer == "eccv16");
  CHECK(dataset.header().colorizer_sha256.size() == 64);
  const std::vector<Picture> pictures = expected();
  std::vector<std::uint8_t> frame(128 * 128 * 3);
  for (int t = 0; t < kFrames; ++t) {
    dataset.read_colorized("film", t, 1, frame);
    CHECK(frame == pictures[std::size_t(t)].rgb);
  }
}

TEST_CASE_METHOD(Fixture, "the pretrained colorizer finds what was fetched by itself", "[app]") {
  const fs::path cache = file("cache/afterglow/weights");
  fs::create_directories(cache);
  fs::copy_file(weights, cache / "colorization_release_v2.caffemodel");
  const KeptVariable kept("XDG_CACHE_HOME");
  ::setenv("XDG_CACHE_HOME", file("cache").c_str(), 1);
  const ProgramResult result =
      run_afterglow({"prepare", "--truth", film, "--colorizer", "eccv16", "--device", "cpu",
                     "--max-frames", "1", "--out", file("data.h5")});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(Dataset(file("data.h5")).header().colorizer_sha256 ==
        ImageColorizer({weights, {}, {}}, make_cpu_backend()).sha256());
}

TEST_CASE_METHOD(Fixture, "colorize: a gray film goes the whole way in one call", "[app]") {
  const fs::path gray = file("gray.mkv"), model = file("model.h5"), out = file("out.h5");
  write_film(gray, kFrames, [](int t) { return gray_picture(textured(144, 132, t)); });
  write_model(model);
  const ProgramResult result =
      run_afterglow({"colorize", gray, "--colorizer", "eccv16", "--weights", weights, "--model",
                     model, "--device", "cpu", "--out", out});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  // The same as two calls: the coloured frames as the input.
  const std::vector<Picture> pictures = expected();
  write_film(file("coloured.mkv"), kFrames, [&](int t) { return pictures[std::size_t(t)]; });
  REQUIRE(run_afterglow({"colorize", file("coloured.mkv"), "--model", model, "--device", "cpu",
                         "--out", file("two.h5")})
              .exit_code == 0);
  std::vector<float> one(128 * 128 * 3), two(one.size());
  for (int t = 0; t < kFrames; ++t) {
    ResultFile(out).read_frame("gray", t, one);
    ResultFile(file("two.h5")).read_frame("coloured", t, two);
    CHECK(one == two);
  }
  // As a film it keeps the gray film's luma, and is coloured.
  REQUIRE(run_afterglow({"colorize", gray, "--colorizer", "eccv16", "--weights", weights, "--model",
                         model, "--device", "cpu", "--codec", "lossless", "--out", file("out.mkv")})
              .exit_code == 0);
  CHECK(read_film(file("out.mkv")).size() == kFrames);
  // Without a model of one's own, by the one in the box, as a film of vivid colours.
  REQUIRE(run_afterglow({"colorize", gray, "--colorizer", "eccv16", "--weights", weights,
                         "--device", "cpu", "--codec", "lossless", "--out", file("boxed.mkv")})
              .exit_code == 0);
  const std::vector<Picture> boxed = read_film(file("boxed.mkv"));
  REQUIRE(boxed.size() == kFrames);
  const auto difference_to = [&](const std::string& kind) {
    const fs::path told = file(kind + ".mkv");
    REQUIRE(run_afterglow({"colorize", file("coloured.mkv"), "--gray", gray, "--source-kind", kind,
                           "--device", "cpu", "--codec", "lossless", "--out", told})
                .exit_code == 0);
    double sum = 0;
    for (std::size_t t = 0; const Picture& picture : read_film(told)) {
      for (std::size_t i = 0; i < picture.rgb.size(); ++i) {
        sum += std::abs(int{picture.rgb[i]} - int{boxed[t].rgb[i]});
      }
      ++t;
    }
    return sum;
  };
  CHECK(difference_to("vivid") < 0.5 * difference_to("muted"));
}

TEST_CASE_METHOD(Fixture, "the pretrained colorizer's bad files get one line", "[app]") {
  const KeptVariable kept("XDG_CACHE_HOME");
  ::setenv("XDG_CACHE_HOME", file("cache").c_str(), 1);  // where nothing was fetched
  write_text(file("text.caffemodel"), "<html>not found</html>");
  write_text(file("cut.caffemodel"), std::string("\x0a\xff\xff", 3));
  write_text(file("bins.npy"), "no array");
  RawTensors tensors = eccv16_caffe_weights();
  tensors.erase("conv5_2/1");
  write_bytes(file("short.caffemodel"), caffemodel_bytes(tensors));
  using Arguments = std::vector<std::string>;
  const std::vector<std::pair<Arguments, std::string>> cases = {
      {{"--colorizer", "eccv16"}, "--colorizer eccv16: needs the network's weights"},
      {{"--colorizer", "simulated", "--weights", weights}, "belong to --colorizer eccv16"},
      {{"--colorizer", "eccv16", "--weights", file("none")}, "does not exist"},
      {{"--colorizer", "eccv16", "--weights", folder.path()}, "is no file"},
      {{"--colorizer", "eccv16", "--weights", file("text.caffemodel")}, "is not a whole"},
      {{"--colorizer", "eccv16", "--weights", file("cut.caffemodel")}, "is not a whole"},
      {{"--colorizer", "eccv16", "--weights", film}, "is not a whole"},
      {{"--colorizer", "eccv16", "--weights", file("short.caffemodel")},
       "has no weights conv5_2/1"},
      {{"--colorizer", "eccv16", "--weights", weights, "--bins", file("bins.npy")},
       "is no .npy file"},
      {{"--colorizer", "eccv16", "--weights", weights, "--temperature", "0"}, "must be above 0"},
      {{"--colorizer", "simulated"}, "prepare: runs no network on any device, in no precision"}};
  for (const auto& [arguments, said] : cases) {
    Arguments all{"prepare", "--truth", film, "--device", "cpu", "--out", file("data.h5")};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const ProgramResult result = run_afterglow(all);
    CAPTURE(said, result.err);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Catch::Contains(said));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(file("data.h5")));
  }
}

}  // namespace afterglow::test
