#include "data/keyed_colours.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "base/error.hpp"
#include "data/film_maker.hpp"
#include "data/frames.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

constexpr int kWidth = 64, kHeight = 48;

/// A gray texture, another one in every scene, that does not move.
Picture gray_scene(int scene) {
  Picture picture(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const double wave = std::sin(0.4 * x + scene) * std::cos(0.3 * y - 2 * scene) +
                          0.5 * std::sin((scene == 0 ? 0.9 : 0.15) * (x + y));
      const auto value = std::uint8_t(128 + 60 * wave);
      std::fill_n(&picture.rgb[std::size_t(3 * (y * kWidth + x))], 3, value);
    }
  }
  return picture;
}

struct KeyedFilm {
  TemporaryFolder folder;
  std::filesystem::path film = folder.path() / "film.mkv";

  KeyedFilm(int frames, const std::function<int(int)>& scene_at) {
    const auto writer = create_frames(film, kWidth, kHeight, 25);
    for (int t = 0; t < frames; ++t) writer->write(gray_scene(scene_at(t)), t / 25.0);
    writer->commit();
  }

  /// A key frame of one colour.
  KeyFrame key(std::int64_t index, std::uint8_t r, std::uint8_t g, std::uint8_t b) const {
    const KeyFrame key{index, folder.path() / (std::to_string(index) + ".png")};
    write_picture(key.picture, plain_picture(kWidth, kHeight, r, g, b));
    return key;
  }

  /// The mean of CIE a of every frame, as far as it is known; NaN where there are no colours.
  std::vector<double> reds(KeyedColours::Options options) const {
    KeyedColours keyed(film, std::move(options), {});
    std::vector<double> result;
    while (const auto frame = keyed.next()) {
      double sum = 0;
      const std::vector<float>& ab = frame->colours.ab;
      for (std::size_t i = 0; i < ab.size(); i += 2) {
        sum += double{frame->colours.confidence[i / 2]} * double{ab[i]};
      }
      result.push_back(2 * sum / double(ab.size()));
    }
    return result;
  }
};

constexpr double kSame = 0.1;  // CIE: nothing moves, so that only rounding is left

}  // namespace

TEST_CASE("key frames colour their scene both ways, to the reach and to the cuts") {
  constexpr int kFrames = kKeyReach + 40, kKey = kKeyReach + 10, kCut = kKey + 10;
  const KeyedFilm film(kFrames, [](int t) { return t < kCut ? 0 : 1; });
  const std::vector<KeyFrame> keys{film.key(kKey, 200, 60, 60)};
  std::vector<double> red = film.reds({.keys = keys});
  REQUIRE(red.size() == kFrames);
  const double given = red[kKey];
  CHECK(given > 40);
  CHECK(std::isnan(red[kKey - kKeyReach - 1]));
  CHECK(red[kKey - kKeyReach] == Approx(given).margin(kSame));
  CHECK(red[kKey - 1] == Approx(given).margin(kSame));
  CHECK(red[kCut - 1] == Approx(given).margin(kSame));
  CHECK(std::isnan(red[kCut]));

  // Without cuts the other scene is coloured, too, by its light alone.
  red = film.reds({.keys = keys, .cuts = false});
  CHECK(red[kFrames - 1] == Approx(given).margin(kSame));
  // Beside a network nothing is filled in.
  red = film.reds({.keys = keys, .cuts = false, .fill = false});
  CHECK(std::abs(red[kFrames - 1]) < given / 2);
}

TEST_CASE("between two key frames colours change with the distance") {
  const KeyedFilm film(21, [](int) { return 0; });
  const std::vector<double> red =
      film.reds({.keys = {film.key(0, 200, 60, 60), film.key(20, 60, 120, 60)}});
  CHECK(red[0] > 40);
  CHECK(red[20] < -20);
  for (std::size_t t = 1; t < 20; ++t) {
    CAPTURE(t);
    const double share = double(t) / 20;
    CHECK(red[t] == Approx((1 - share) * red[0] + share * red[20]).margin(kSame));
  }
}

TEST_CASE("a key frame beyond the film's end is refused") {
  const KeyedFilm film(3, [](int) { return 0; });
  const std::filesystem::path folder = film.folder.path() / "pictures";
  const auto writer = create_frames(folder, kWidth, kHeight, 25);
  for (int t = 0; t < 3; ++t) writer->write(gray_scene(0), t / 25.0);
  writer->commit();
  CHECK_THROWS_WITH(KeyedColours(folder, {.keys = {film.key(3, 200, 60, 60)}}, {}),
                    Catch::Contains("has 3 frames, counted from 0"));
}

}  // namespace afterglow
