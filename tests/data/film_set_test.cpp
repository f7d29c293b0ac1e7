#include "data/film_set.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "film_set_maker.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

using Catch::Contains;

std::filesystem::path small_set(const TemporaryFolder& folder) {
  const std::filesystem::path path = folder.path() / "films.h5";
  test::write_film_set(path, {{"plain", 3, 32, 48}, {"paired", 2, 64, 32, true, Split::kVal}});
  return path;
}

}  // namespace

TEST_CASE("a film set comes back as it was written") {
  const TemporaryFolder folder;
  const FilmSet films(small_set(folder));
  REQUIRE(films.clips().size() == 2);
  const FilmSetClip plain = films.clips()[0], paired = films.clips()[1];
  CHECK(plain.id == "plain");
  CHECK(plain.frames == 3);
  CHECK(plain.width == 32);
  CHECK(plain.height == 48);
  CHECK(plain.fps == 25);
  CHECK(plain.source == "plain.mkv");
  CHECK(plain.split == Split::kTrain);
  CHECK_FALSE(plain.has_colorized);
  CHECK(paired.split == Split::kVal);
  CHECK(paired.has_colorized);
  std::vector<std::uint8_t> frame(64 * 32 * 3);
  films.read_truth(paired, 1, 1, frame);
  CHECK(frame == test::moving_waves(64, 32, 1).rgb);
  films.read_colorized(paired, 1, 1, frame);
  CHECK(frame == test::moving_waves(64, 32, 1, 0.5).rgb);
  std::vector<float> flow(2 * 32 * 16 * 2);
  films.read_flow_back(paired, 0, 2, flow);
  CHECK(flow.front() == 0);
  CHECK(flow[32 * 16 * 2] == -1);
  films.read_flow_forward(paired, 0, 2, flow);
  CHECK(flow.front() == 0);
  CHECK(flow[32 * 16 * 2] == 1);
  frame.resize(32 * 48 * 3);
  CHECK_THROWS_AS(films.read_colorized(plain, 0, 1, frame), InputError);
}

TEST_CASE("frames that do not fit their clip are refused, and a clip can be taken out") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "films.h5";
  FilmSetWriter writer(path);
  writer.begin_clip({"a", 0, 32, 32, 25, "a.mkv", Split::kTrain, false});
  const Flow half(16, 16);
  CHECK_THROWS_AS(writer.add_frame(Picture(32, 34), nullptr, half, half), ShapeError);
  CHECK_THROWS_AS(writer.add_frame(Picture(32, 32), nullptr, half, Flow(32, 32)), ShapeError);
  const Picture colorized(32, 32);
  CHECK_THROWS_AS(writer.add_frame(Picture(32, 32), &colorized, half, half), ShapeError);
  writer.add_frame(Picture(32, 32), nullptr, half, half);
  writer.begin_clip({"b", 0, 32, 32, 25, "b.mkv", Split::kTrain, false});
  writer.drop_clip("b");
  CHECK_THROWS_AS(writer.begin_clip({"a", 0, 32, 32, 25, "a.mkv", Split::kTrain, false}),
                  InputError);
  CHECK_THROWS_AS(writer.set_split("b", Split::kVal), InputError);
  CHECK_FALSE(std::filesystem::exists(path));
  writer.commit();
  CHECK(FilmSet(path).clips().size() == 1);
}

TEST_CASE("what is no film set, or a broken one, is refused in one line") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "bad.h5";
  CHECK_FALSE(is_film_set(path));
  const auto write = [&](const std::string& format, std::int64_t version, bool flow) {
    hdf5::File file = hdf5::File::create(path);
    file.write_attribute(".", "format", format);
    file.write_attribute(".", "format_version", version);
    file.create_group("clips/a");
    const std::vector<std::uint8_t> pixels(2 * 32 * 32 * 3);
    const std::uint64_t shape[] = {2, 32, 32, 3};
    file.write<std::uint8_t>("clips/a/truth", shape, pixels);
    file.write_attribute("clips/a", "fps", 25.0);
    file.write_attribute("clips/a", "source", std::string("a.mkv"));
    file.write_attribute("clips/a", "split", std::string("train"));
    if (!flow) return;
    const std::vector<float> uv(1 * 16 * 16 * 2);
    const std::uint64_t flow_shape[] = {1, 16, 16, 2};  // one frame too few
    file.write<float>("clips/a/flow_back", flow_shape, uv);
    file.write<float>("clips/a/flow_forward", flow_shape, uv);
  };
  write("afterglow dataset", 1, false);
  CHECK_FALSE(is_film_set(path));
  CHECK_THROWS_WITH(FilmSet(path), Contains("is no film set") && Contains("--fit shape"));
  write("afterglow film set", 7, false);
  CHECK(is_film_set(path));
  CHECK_THROWS_WITH(FilmSet(path), Contains("format version 7"));
  write("afterglow film set", 1, false);
  CHECK_THROWS_WITH(FilmSet(path), Contains("has no dataset /clips/a/flow_back"));
  write("afterglow film set", 1, true);
  CHECK_THROWS_WITH(FilmSet(path), Contains("flow_back does not fit"));
}

}  // namespace afterglow
