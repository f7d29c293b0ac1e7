// Where a film's colouring stands, on disk.
#include "data/steady_place.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {

TEST_CASE("a place in a film comes back as it was") {
  const TemporaryFolder folder;
  SteadyPlace place{.frames = 300, .scenes = 7, .cuts = {{1.5F, 2}, {0.25, 0.125}}, .light{4, 2}};
  place.light.rgb[5] = 9;
  place.width = 2;
  place.height = 1;
  place.chroma = {1, 2, 3, 4};
  place.lightness = {5, 6};
  place.carried = {{7, 8, 9, 10}, {0.5F, 1}};
  save_place(folder.path() / "place.h5", place);
  const SteadyPlace back = load_place(folder.path() / "place.h5");
  CHECK(back.frames == 300);
  CHECK(back.scenes == 7);
  CHECK(back.cuts.last == place.cuts.last);
  CHECK(back.cuts.recent == place.cuts.recent);
  CHECK(back.light == place.light);
  CHECK(back.chroma == place.chroma);
  CHECK(back.lightness == place.lightness);
  CHECK(back.carried.ab == place.carried.ab);
  CHECK(back.carried.confidence == place.carried.confidence);
  SECTION("colours of another size") { place.chroma.pop_back(); }
  SECTION("carried colours of another size") { place.carried = {{7, 8}, {1}}; }
  save_place(folder.path() / "place.h5", place);
  CHECK_THROWS_WITH(load_place(folder.path() / "place.h5"), Catch::Contains("is damaged"));
}

}  // namespace afterglow
