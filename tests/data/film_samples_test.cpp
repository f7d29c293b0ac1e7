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

}  // namespace
}  // namespace afterglow
