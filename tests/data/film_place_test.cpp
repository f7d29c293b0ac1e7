// Where a film's colouring stands, on disk.
#include "data/film_place.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {

TEST_CASE("a place in a film comes back as it was") {
  const TemporaryFolder folder;
  FilmPlace place{.frames = 300, .scenes = 7, .cuts = {{1.5F, 2}, {0.25, 0.125}}, .light{4, 2}};
  place.light.rgb[5] = 9;
  place.width = 2;
  place.height = 1;
  SECTION("behind a steady network") {
    place.chroma = {1, 2, 3, 4};
    place.lightness = {5, 6};
  }
  SECTION("behind one of the paper's") { place.previous = {1, 2, 3, 4, 5, 6}; }
  place.carried = {{7, 8, 9, 10}, {0.5F, 1}};
  save_place(folder.path() / "place.h5", place);
  const FilmPlace back = load_place(folder.path() / "place.h5");
  CHECK(back.frames == 300);
  CHECK(back.scenes == 7);
  CHECK(back.cuts.last == place.cuts.last);
  CHECK(back.cuts.recent == place.cuts.recent);
  CHECK(back.light == place.light);
  CHECK(back.chroma == place.chroma);
  CHECK(back.lightness == place.lightness);
  CHECK(back.carried.ab == place.carried.ab);
  CHECK(back.carried.confidence == place.carried.confidence);
  CHECK(back.previous == place.previous);
}

TEST_CASE("a place whose parts do not fit is damaged") {
  const TemporaryFolder folder;
  FilmPlace place{.light{4, 2}};
  place.width = 2;
  place.height = 1;
  SECTION("colours of another size") {
    place.chroma = {1, 2, 3};
    place.lightness = {5, 6};
  }
  SECTION("pictures of another size") { place.previous = {1, 2, 3, 4, 5}; }
  SECTION("carried colours of another size") {
    place.previous = {1, 2, 3, 4, 5, 6};
    place.carried = {{7, 8}, {1}};
  }
  save_place(folder.path() / "place.h5", place);
  CHECK_THROWS_WITH(load_place(folder.path() / "place.h5"), Catch::Contains("is damaged"));
}

TEST_CASE("parts end at scene cuts, and where they get long") {
  CHECK_FALSE(ends_part(47, true));
  CHECK(ends_part(48, true));
  CHECK_FALSE(ends_part(239, false));
  CHECK(ends_part(240, false));
}

}  // namespace afterglow
