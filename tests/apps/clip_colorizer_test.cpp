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

TEST_CASE_METHOD(Films, "a clip coloured in two goes is that of one") {
  write_film(in, 295, [](int t) { return textured(128, 128, t / 4, t < 288 ? 0 : 3); });
  const auto backend = make_cpu_backend();
  const auto model = reddish_model(backend);
  ClipColorizer colorizer(backend, *model, "model.h5", Previous::kOwn, true);
  std::vector<FilmPlace> places;
  const auto outputs_behind = [&](const FilmPlace& place) {
    FilmClip clip({in, {}, {}, nullptr, {}}, Fitting::kResize);
    clip.skip_coloured(place.frames);
    places.clear();
    std::vector<std::vector<float>> outputs;
    colorizer.run("clip", clip,
                  {[&](const ClipFrame&, std::span<const float> rgb) {
                     outputs.emplace_back(rgb.begin(), rgb.end());
                   },
                   [&](const FilmPlace& behind) { places.push_back(behind); }},
                  place);
    return outputs;
  };
  const auto whole = outputs_behind({});
  const std::vector<FilmPlace> ends = places;
  REQUIRE(ends.size() == 3);
  CHECK(ends[0].frames == 240);
  CHECK(ends[1].frames == 288);  // a scene begins there
  CHECK(ends[2].frames == 295);
  CHECK(ends[2].scenes == 2);
  for (const FilmPlace& end : {ends[0], ends[1]}) {
    CHECK(outputs_behind(end) == std::vector(whole.begin() + end.frames, whole.end()));
    CHECK(places.back().scenes == 2);
  }
  CHECK(outputs_behind(ends[2]).empty());
  // The frame before counts.
  FilmPlace forgotten = ends[0];
  forgotten.previous.clear();
  CHECK(outputs_behind(forgotten).front() != whole[240]);
}

}  // namespace afterglow::test
