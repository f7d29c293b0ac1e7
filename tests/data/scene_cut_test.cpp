#include "data/scene_cut.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "data/colour.hpp"
#include "data/synth.hpp"

namespace afterglow {
namespace {

/// The first frames of new scenes.
std::vector<int> cuts_of(const std::vector<Picture>& film) {
  SceneCutDetector detector;
  std::vector<int> cuts;
  for (std::size_t t = 0; t < film.size(); ++t) {
    if (detector.push(film[t])) cuts.push_back(static_cast<int>(t));
  }
  return cuts;
}

std::vector<Picture> film_of(const SynthClip& clip, int frames) {
  std::vector<Picture> film;
  for (int t = 0; t < frames; ++t) film.push_back(clip.frame(t));
  return film;
}

Picture scaled(const Picture& picture, double gain, double offset) {
  Picture result = picture;
  for (std::uint8_t& value : result.rgb) value = to_byte(gain * value + offset);
  return result;
}

}  // namespace

TEST_CASE("the cut of a clip is found, and nothing else, in colour and in gray") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    const SynthClip clip(seed, {16, 128, seed % 2 == 0});
    std::vector<Picture> film = film_of(clip, 16);
    CHECK(cuts_of(film) == clip.cuts());
    for (Picture& picture : film) picture = gray_picture(picture);
    CHECK(cuts_of(film) == clip.cuts());
  }
}

TEST_CASE("fast pans, doubled frames, flashes and fades are no cuts") {
  const SynthClip clip(21, {4, 192, false});
  const Picture wide = resize_area(clip.frame(0), 384, 192);
  std::vector<Picture> pan;
  for (int t = 0; t < 16; ++t) {
    Picture window(192, 192);
    for (int y = 0; y < 192; ++y) {
      const auto from = wide.rgb.begin() + (y * 384 + 12 * t) * 3;  // a sixteenth of the width
      std::copy(from, from + 192 * 3, window.rgb.begin() + y * 192 * 3);
    }
    pan.push_back(window);
  }
  CHECK(cuts_of(pan).empty());

  std::vector<Picture> doubled;
  for (const Picture& picture : pan) doubled.insert(doubled.end(), 2, picture);
  CHECK(cuts_of(doubled).empty());

  std::vector<Picture> light;
  for (int t = 0; t < 24; ++t) {
    const bool flash = t == 9;
    light.push_back(scaled(clip.frame(0), flash ? 0.7 : 1 - 0.03 * t, flash ? 70 : 0));
  }
  CHECK(cuts_of(light).empty());
}

TEST_CASE("something bright that enters an even picture is no cut, a new picture is") {
  std::vector<Picture> film;
  for (int t = 0; t < 10; ++t) {
    Picture picture(128, 128);
    for (int y = 0; y < 128; ++y) {
      for (int x = 0; x < 128; ++x) {
        const bool inside = t >= 5 && x < 20 && y < 20;
        const int value = inside ? 250 : 90 + x / 16 + y % 3;
        std::fill_n(picture.rgb.begin() + 3 * (y * 128 + x), 3, static_cast<std::uint8_t>(value));
      }
    }
    film.push_back(picture);
  }
  CHECK(cuts_of(film).empty());
  film.push_back(SynthClip(3, {1, 128, false}).frame(0));
  CHECK(cuts_of(film) == std::vector<int>{10});
}

TEST_CASE("the first frame is no cut and equal frames are at no distance") {
  SceneCutDetector detector;
  const Picture picture = SynthClip(3, {1, 128, false}).frame(0);
  CHECK_FALSE(detector.push(picture));
  CHECK(detector.distance() == 0);
  CHECK_FALSE(detector.push(picture));
  CHECK(detector.distance() == 0);
}

}  // namespace afterglow
