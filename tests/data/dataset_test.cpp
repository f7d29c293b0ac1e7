#include "data/dataset.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <functional>

#include "base/error.hpp"
#include "dataset_maker.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

using Catch::Matchers::Contains;
namespace fs = std::filesystem;

constexpr int kSide = 8;

/// A dataset file by hand, one thing of which a test makes wrong.
struct Handmade {
  std::string format = "afterglow dataset";
  std::int64_t version = 1;
  std::int64_t size = kSide;
  std::string fit = "resize";
  std::string left_out;  // an attribute
  std::string split = "train";
  double fps = 30;
  std::vector<std::uint64_t> colorized = {2, kSide, kSide, 3};
  std::vector<std::uint64_t> truth = {2, kSide, kSide, 3};
  std::vector<std::uint64_t> flow = {};  // empty: none
  bool flow_of_bytes = false;
  bool floats = false;
  bool clip = true;
  bool clips = true;

  void write(const fs::path& path) const {
    hdf5::File file = hdf5::File::create(path);
    const auto attribute = [&](const std::string& where, const std::string& name, const auto& v) {
      if (name != left_out) file.write_attribute(where, name, v);
    };
    attribute(".", "format", format);
    attribute(".", "format_version", version);
    attribute(".", "size", size);
    attribute(".", "seed", std::int64_t{1});
    attribute(".", "fit", fit);
    attribute(".", "colorizer", std::string("files"));
    attribute(".", "colorizer_sha256", std::string());
    if (!clips) return;
    file.create_group("clips");
    if (!clip) return;
    file.create_group("clips/a");
    write_frames(file, "colorized", colorized, floats);
    write_frames(file, "truth", truth, floats);
    if (!flow.empty()) write_frames(file, "flow", flow, !flow_of_bytes);
    attribute("clips/a", "fps", fps);
    attribute("clips/a", "source", std::string("a.mkv"));
    attribute("clips/a", "split", split);
  }

  void write_frames(hdf5::File& file, const std::string& name,
                    const std::vector<std::uint64_t>& shape, bool as_floats) const {
    if (name == left_out) return;
    std::uint64_t values = 1;
    for (const std::uint64_t extent : shape) values *= extent;
    if (as_floats) {
      file.write<float>("clips/a/" + name, shape, std::vector<float>(values));
    } else {
      file.write<std::uint8_t>("clips/a/" + name, shape, std::vector<std::uint8_t>(values));
    }
  }
};

}  // namespace

TEST_CASE("a dataset gives back what was put into it") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "data.h5";
  make_dataset(path, {{"lake", 5, Split::kTrain}, {"12_cut045", 1, Split::kTest}}, kSide);
  const Dataset dataset(path);
  CHECK(dataset.header().size == kSide);
  CHECK(dataset.header().seed == 5);
  CHECK(dataset.header().fit == Fit::kCrop);
  CHECK(dataset.header().colorizer == "files");
  REQUIRE(dataset.clips().size() == 2);
  CHECK(dataset.clips(Split::kVal).empty());
  REQUIRE(dataset.clips(Split::kTest).size() == 1);
  CHECK(dataset.clips(Split::kTest)[0].id == "12_cut045");
  const ClipInfo& lake = dataset.clip("lake");
  CHECK(lake.frames == 5);
  CHECK(lake.fps == 25);
  CHECK(lake.source == "lake.mkv");
  CHECK(lake.split == Split::kTrain);
  const bool lake_first = dataset.clips()[0].id == "lake";
  CHECK(lake_first);  // the order of writing

  std::vector<std::uint8_t> rows(2 * dataset.frame_bytes());
  dataset.read_colorized("lake", 3, 2, rows);
  const std::vector<std::uint8_t> last(rows.end() - kSide * kSide * 3, rows.end());
  CHECK(last == test_picture(kSide, 0, 4, false).rgb);
  dataset.read_truth("lake", 0, 2, rows);
  const std::vector<std::uint8_t> first(rows.begin(), rows.begin() + kSide * kSide * 3);
  CHECK(first == test_picture(kSide, 0, 0, true).rgb);
  CHECK_THROWS_WITH(dataset.clip("sea"), Contains("has no clip 'sea'"));
}

TEST_CASE("a dataset gives back the flow that was put into it") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "data.h5";
  make_dataset(path, {{"lake", 5}, {"sea", 2}}, kSide, true);
  const Dataset dataset(path);
  CHECK(dataset.has_flow());
  std::vector<float> flow(2 * kSide * kSide);
  for (const std::int64_t t : {0, 4}) {
    dataset.read_flow("lake", t, 1, flow);
    const std::vector<float> expected = test_flow(kSide, 0, t);
    for (std::size_t i = 0; i < flow.size(); ++i) {
      CHECK((std::isnan(expected[i]) ? std::isnan(flow[i]) : flow[i] == expected[i]));
    }
  }
}

TEST_CASE("a dataset has flow when all of its clips have") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "data.h5";
  make_dataset(path, {{"lake", 2}}, kSide);
  CHECK_FALSE(Dataset(path).has_flow());
  std::vector<float> values(2 * 2 * kSide * kSide);
  CHECK_THROWS_AS(Dataset(path).read_flow("lake", 0, 2, values), InputError);

  DatasetHeader header;
  header.size = kSide;
  DatasetWriter writer(path, header);
  const Picture picture(kSide, kSide);
  const std::vector<float> flow = test_flow(kSide, 0, 0);
  writer.begin_clip("with", 25, "");
  writer.add_frame(picture, picture, flow);
  CHECK_THROWS_AS(writer.add_frame(picture, picture), ShapeError);
  CHECK_THROWS_AS(writer.add_frame(picture, picture, std::span(flow).first(4)), ShapeError);
  writer.begin_clip("without", 25, "");
  writer.add_frame(picture, picture);
  CHECK_THROWS_AS(writer.add_frame(picture, picture, flow), ShapeError);
  writer.commit();
  const Dataset dataset(path);
  CHECK(dataset.clip("with").has_flow);
  CHECK_FALSE(dataset.clip("without").has_flow);
  CHECK_FALSE(dataset.has_flow());
  CHECK(dataset.clip("with").frames == 1);
}

TEST_CASE("a dataset is written whole or not at all") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "data.h5";
  DatasetHeader header;
  header.size = kSide;
  {
    DatasetWriter writer(path, header);
    writer.begin_clip("a", 25, "a.mkv");
    writer.add_frame(Picture(kSide, kSide), Picture(kSide, kSide));
  }
  CHECK(fs::is_empty(folder.path()));
  DatasetWriter writer(path, header);
  writer.begin_clip("a", 25, "a.mkv");
  CHECK_THROWS_WITH(writer.commit(), Contains("clip 'a' has no frames"));
  CHECK_THROWS_AS(writer.add_frame(Picture(kSide, kSide), Picture(kSide, 7)), ShapeError);
  CHECK_THROWS_WITH(writer.begin_clip("a", 25, "b/a.mkv"),
                    Contains("b/a.mkv: there is a clip 'a'"));
  CHECK_THROWS_AS(writer.begin_clip("a/b", 25, "a.mkv"), InputError);
  CHECK_THROWS_AS(writer.begin_clip("", 25, "a.mkv"), InputError);
}

TEST_CASE("a clip can be taken out again or moved to another split") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "data.h5";
  DatasetHeader header;
  header.size = kSide;
  DatasetWriter writer(path, header);
  for (const char* id : {"a", "b", "c"}) {
    writer.begin_clip(id, 25, "x.mkv");
    writer.add_frame(Picture(kSide, kSide), Picture(kSide, kSide));
  }
  writer.drop_clip("b");
  writer.set_split("c", Split::kVal);
  CHECK_THROWS_AS(writer.set_split("b", Split::kVal), InputError);
  CHECK_THROWS_AS(writer.drop_clip("b"), InputError);
  writer.commit();
  const Dataset dataset(path);
  REQUIRE(dataset.clips().size() == 2);
  CHECK(dataset.clip("a").split == Split::kTrain);
  CHECK(dataset.clip("c").split == Split::kVal);
}

TEST_CASE("what is not a whole dataset is refused with a reason") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "data.h5";
  Handmade().write(path);
  CHECK_NOTHROW(Dataset(path));

  struct Wrong {
    std::function<void(Handmade&)> change;
    const char* message;
  };
  const std::vector<Wrong> wrongs = {
      {[](Handmade& h) { h.format = "afterglow model"; }, "is not an afterglow dataset"},
      {[](Handmade& h) { h.left_out = "format"; }, "is not an afterglow dataset"},
      {[](Handmade& h) { h.version = 2; }, "has dataset format version 2, newer than 1"},
      {[](Handmade& h) { h.version = 0; }, "no valid format version"},
      {[](Handmade& h) { h.left_out = "format_version"; }, "no valid format version"},
      {[](Handmade& h) { h.left_out = "size"; }, "has no attribute 'size'"},
      {[](Handmade& h) { h.left_out = "colorizer"; }, "has no attribute 'colorizer'"},
      {[](Handmade& h) { h.size = -8; }, "impossible size -8"},
      {[](Handmade& h) { h.size = 1 << 20; }, "impossible size"},
      {[](Handmade& h) { h.size = 16; }, "is not uint8 (frames, 16, 16, 3)"},
      {[](Handmade& h) { h.fit = "stretch"; }, "'stretch' is no way to fit frames"},
      {[](Handmade& h) { h.clips = false; }, "has no group /clips"},
      {[](Handmade& h) { h.clip = false; }, "has no clips"},
      {[](Handmade& h) { h.left_out = "truth"; }, "has no dataset /clips/a/truth"},
      {[](Handmade& h) { h.left_out = "colorized"; }, "has no dataset /clips/a/colorized"},
      {[](Handmade& h) { h.truth[0] = 3; }, "clip 'a' has 2 colorized and 3 true frames"},
      {[](Handmade& h) { h.colorized[0] = 0; }, "/clips/a/colorized has no frames"},
      {[](Handmade& h) { h.truth[3] = 4; }, "/clips/a/truth is not uint8"},
      {[](Handmade& h) {
         h.truth = {2, kSide, kSide};
       },
       "/clips/a/truth is not uint8"},
      {[](Handmade& h) { h.floats = true; }, "/clips/a/colorized is not uint8"},
      {[](Handmade& h) { h.split = "exam"; }, "clip 'a': 'exam' is not a split"},
      {[](Handmade& h) { h.left_out = "split"; }, "clip 'a' has no attribute 'split'"},
      {[](Handmade& h) { h.left_out = "fps"; }, "clip 'a' has no attribute 'fps'"},
      {[](Handmade& h) { h.fps = 0; }, "impossible frame rate"},
      {[](Handmade& h) {
         h.flow = {2, kSide, kSide, 3};
       },
       "/clips/a/flow is not float32 (frames, 8, 8, 2)"},
      {[](Handmade& h) {
         h.flow = {2, kSide, kSide, 2};
         h.flow_of_bytes = true;
       },
       "/clips/a/flow is not float32"},
      {[](Handmade& h) {
         h.flow = {1, kSide, kSide, 2};
       },
       "clip 'a' has 2 frames and flow for 1"},
  };
  for (const Wrong& wrong : wrongs) {
    INFO(wrong.message);
    Handmade made;
    wrong.change(made);
    made.write(path);
    CHECK_THROWS_WITH(Dataset(path), Contains(wrong.message) && Contains(path.string()));
    CHECK_THROWS_AS(Dataset(path), InputError);
  }
}

TEST_CASE("missing, empty, text and truncated dataset files are refused") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "data.h5";
  CHECK_THROWS_AS(Dataset(path), InputError);
  std::ofstream(path).close();
  CHECK_THROWS_AS(Dataset(path), InputError);
  std::ofstream(path) << "not HDF5 at all";
  CHECK_THROWS_AS(Dataset(path), InputError);
  make_dataset(path, {{"a", 20}}, kSide);
  fs::resize_file(path, fs::file_size(path) / 2);
  CHECK_THROWS_AS(Dataset(path), InputError);
}

}  // namespace afterglow
