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

TEST_CASE_METHOD(Films, "a clip goes on behind frames that are coloured") {
  FilmClip clip = beside();
  clip.skip_coloured(15);
  const auto frame = clip.read();
  REQUIRE(frame);
  CHECK(frame->given->picture() == moving_waves(64, 48, 15));
  CHECK(frame->luma->picture() == moving_waves(80, 60, 15, 0));
  for (int t = 16; t < 20; ++t) CHECK(clip.read());
  CHECK_FALSE(clip.read());

  write_film(gray, 10, [](int t) { return moving_waves(80, 60, t, 0); });
  FilmClip cut = beside();
  CHECK_THROWS_WITH(cut.skip_coloured(15),
                    gray.string() +
                        ": ends behind 10 frames, but 15 of it are coloured; "
                        "run again to begin anew");
}

}  // namespace afterglow::test
