// Films as the clips that are coloured.
#include "apps/clip_colorizer.hpp"

#include <catch2/catch.hpp>

#include "apps/fixtures.hpp"
#include "base/error.hpp"
#include "data/film_set_maker.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

/// IN and its gray version of as many frames, of which Matroska does not say how many.
struct Films {
  TemporaryFolder folder;
  fs::path in = folder.path() / "in.mkv", gray = folder.path() / "gray.mkv";

  Films() {
    write_film(in, 20, [](int t) { return moving_waves(64, 48, t); });
    write_film(gray, 20, [](int t) { return moving_waves(80, 60, t, 0); });
  }

  FilmClip beside(const Stretch& stretch = {}) const {
    return {{in, gray, {}, nullptr, stretch}, Fitting::kOwnShape};
  }
};

}  // namespace

TEST_CASE_METHOD(Films, "a clip tells about how many frames it has") {
  const FilmClip alone({in, {}, {}, nullptr, {}}, Fitting::kOwnShape);
  REQUIRE(alone.info().count == 0);
  CHECK(alone.expected_frames() == 20);
  CHECK(beside().expected_frames() == 20);
  CHECK(beside({0.2, 0.2}).expected_frames() == 0);  // a stretch, though IN is read whole
}

}  // namespace afterglow::test
