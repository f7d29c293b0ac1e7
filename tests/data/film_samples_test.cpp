// Frames spread over a film.
#include "data/film_samples.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "data/film_maker.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

std::vector<Picture> sampled(const std::filesystem::path& film, int count) {
  std::vector<Picture> pictures;
  sample_frames(film, count, [&](const FilmFrame& frame) { pictures.push_back(frame.picture()); });
  return pictures;
}

TEST_CASE("frames are sampled evenly over films and folders") {
  const TemporaryFolder folder;
  const auto path = folder.path() / GENERATE("film.mkv", "pictures");
  const auto writer = create_frames(path, 8, 8, 25);
  for (int t = 0; t < 40; ++t) writer->write(random_picture(8, 8, std::uint64_t(t)), t / 25.0);
  writer->commit();
  const std::vector<Picture> pictures = sampled(path, 10);
  REQUIRE(pictures.size() == 10);
  for (int k = 0; k < 10; ++k) {
    CHECK(pictures[std::size_t(k)] == random_picture(8, 8, std::uint64_t(4 * k + 2)));
  }
  CHECK(sampled(path, 1).size() == 1);
}

TEST_CASE("a film that begins late is sampled as if it did not") {
  const TemporaryFolder folder;
  std::vector<std::int64_t> times(40);
  for (std::size_t t = 0; t < times.size(); ++t) times[t] = 40 * std::int64_t(t);
  make_film(folder.path() / "film.mkv", parameters_of(AV_PIX_FMT_YUV420P), times);
  for (std::int64_t& time : times) time += 100000;
  make_film(folder.path() / "late.mkv", parameters_of(AV_PIX_FMT_YUV420P), times);
  const std::vector<Picture> late = sampled(folder.path() / "late.mkv", 10);
  CHECK(late.size() == 10);
  CHECK(late == sampled(folder.path() / "film.mkv", 10));
}

TEST_CASE("of a film with few frames to begin at, the front is looked at, too") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "film.mp4";
  const auto writer = create_frames(path, 8, 8, 25);  // a key frame or two
  for (int t = 0; t < 40; ++t) writer->write(random_picture(8, 8, std::uint64_t(t)), t / 25.0);
  writer->commit();
  const std::vector<Picture> pictures = sampled(path, 32);
  REQUIRE(pictures.size() > 7);
  REQUIRE(pictures.size() < 7 + 8);
  CHECK(pictures[0] == random_picture(8, 8, 0));
  for (int k = 0; k < 7; ++k) {
    CHECK(pictures[pictures.size() - 7 + std::size_t(k)] ==
          random_picture(8, 8, std::uint64_t(6 * k)));
  }
  CHECK_THROWS_AS(sampled(folder.path() / "none.mkv", 3), InputError);
}

TEST_CASE("of a film whose size changes, frames of the size that it begins with are sampled") {
  const TemporaryFolder folder;
  const auto film = folder.path() / "film.mpg", pictures = folder.path() / "pictures";
  make_growing_film(film);
  FilmReader reader(film);
  for (int t = 0; t < 15; ++t) REQUIRE(reader.read());  // the last is lost where MPEG-2 grows
  CHECK_THROWS_WITH(reader.read(), Catch::Contains("changes its size from 64x48 to 96x80"));
  const auto writer = create_frames(pictures, 8, 8, 25);
  for (int t = 0; t < 9; ++t) writer->write(random_picture(8, 8, std::uint64_t(t)), t / 25.0);
  writer->commit();
  for (const char* const name : {"00001.png", "00004.png", "00007.png"}) {
    write_picture(pictures / name, random_picture(10, 8, 1));  // all that three samples see
  }
  for (const int count : {1, 3, 8, 32}) {
    INFO(count << " samples");
    const std::vector<Picture> some = sampled(film, count);
    REQUIRE_FALSE(some.empty());
    for (const Picture& picture : some) CHECK((picture.width == 64 && picture.height == 48));
    const std::vector<Picture> shown = sampled(pictures, count);
    REQUIRE_FALSE(shown.empty());
    for (const Picture& picture : shown) CHECK((picture.width == 8 && picture.height == 8));
  }
}

}  // namespace
}  // namespace afterglow
