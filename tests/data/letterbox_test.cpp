#include "data/letterbox.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/random.hpp"
#include "data/colour.hpp"
#include "data/film_maker.hpp"
#include "data/frames.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

constexpr int kWidth = 96, kHeight = 64, kFrames = 12;

std::uint8_t* pixel(Picture& picture, int x, int y) {
  return &picture.rgb[3 * std::size_t(y * picture.width + x)];
}

void paint(Picture& picture, int x, int y, double value) {
  std::fill_n(pixel(picture, x, y), 3, to_byte(value));
}

/// A moving texture of mean brightness `light`.
double texture(int x, int y, int t, double light) {
  return light * (1 + 0.5 * std::sin(0.3 * (x + t)) + 0.4 * std::sin(0.23 * y + 0.1 * t));
}

/// A frame whose picture, as bright as said, lies within bars of level `black`, with noise on all.
Picture framed(const ActiveRectangle& active, int t, double light, double black = 0,
               double noise = 0) {
  Rng rng(std::uint64_t(t) + 1);
  Picture picture(kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const bool inside = x >= active.left && x < active.left + active.width && y >= active.top &&
                          y < active.top + active.height;
      const double value = inside ? std::max(black, texture(x, y, t, light)) : black;
      paint(picture, x, y, value + noise * (double(rng.below(1001)) / 500 - 1));
    }
  }
  return picture;
}

template <typename PictureOf>
ActiveRectangle detected(const PictureOf& picture_of, int frames = kFrames) {
  LetterboxDetector detector(kWidth, kHeight);
  for (int t = 0; t < frames; ++t) detector.push(picture_of(t));
  return detector.active();
}

const ActiveRectangle kWhole{0, 0, kWidth, kHeight};

TEST_CASE("bars are found to the line, symmetric or not") {
  const ActiveRectangle active = GENERATE(ActiveRectangle{0, 8, kWidth, kHeight - 16},
                                          ActiveRectangle{0, 5, kWidth, kHeight - 12},
                                          ActiveRectangle{12, 0, kWidth - 24, kHeight},
                                          ActiveRectangle{9, 6, kWidth - 20, kHeight - 11},
                                          ActiveRectangle{0, 0, kWidth, kHeight - 1}, kWhole);
  CAPTURE(active.left, active.top, active.width, active.height);
  CHECK(detected([&](int t) { return framed(active, t, 110); }) == active);
}

TEST_CASE("bars are found under noise, coded too bright, after a fade and in night scenes") {
  const ActiveRectangle active{0, 8, kWidth, kHeight - 16};
  // Limited-range black in a film that is taken for full range is 16.
  CHECK(detected([&](int t) { return framed(active, t, 110, 16, 6); }) == active);
  CHECK(detected([&](int t) { return framed(active, t, 110, 3, 5); }) == active);
  CHECK(detected([&](int t) { return framed(active, t, t < 8 ? 0 : 14.0 * t); }) == active);
  CHECK(detected([&](int t) { return framed(active, t, t == 5 ? 90 : 6, 0, 3); }) == active);
}

TEST_CASE("an edge that encoding has softened costs no picture") {
  const ActiveRectangle active{0, 8, kWidth, kHeight - 16};
  const ActiveRectangle found = detected([&](int t) {
    Picture picture = framed(active, t, 110);
    for (int x = 0; x < kWidth; ++x) {
      paint(picture, x, 7, 18);
      paint(picture, x, 6, 6);
      paint(picture, x, 8, 60);
    }
    return picture;
  });
  CHECK(found == active);
}

TEST_CASE("a picture that is dark at its edge stays whole") {
  // Night: a black sky over a skyline that rises and falls.
  CHECK(detected([](int t) {
          Picture picture(kWidth, kHeight);
          for (int y = 0; y < kHeight; ++y) {
            for (int x = 0; x < kWidth; ++x) {
              const bool house = y > 30 + 8 * std::sin(0.15 * x);
              paint(picture, x, y, house ? texture(x, y, t, 90) : 2);
            }
          }
          return picture;
        }) == kWhole);
  // A sky that is level and dark, but not black, over a straight wall.
  CHECK(detected([](int t) {
          Picture picture(kWidth, kHeight);
          for (int y = 0; y < kHeight; ++y) {
            for (int x = 0; x < kWidth; ++x) {
              paint(picture, x, y, y < 20 ? 22 : x < 20 ? 1 : texture(x, y, t, 90));
            }
          }
          return picture;
        }) == kWhole);
  // A lens that darkens towards the edges.
  CHECK(detected([](int t) {
          Picture picture(kWidth, kHeight);
          for (int y = 0; y < kHeight; ++y) {
            const double light = std::pow(std::sin(3.14159 * (y + 0.5) / kHeight), 2);
            for (int x = 0; x < kWidth; ++x) {
              paint(picture, x, y, light * texture(x, y, t, 100));
            }
          }
          return picture;
        }) == kWhole);
  // A lamp in the dark, and nothing else; and nothing at all.
  CHECK(detected([](int t) {
          Picture picture(kWidth, kHeight);
          for (int y = 20; y < 30; ++y) {
            for (int x = 40; x < 50; ++x) paint(picture, x + t, y, 200);
          }
          return picture;
        }) == kWhole);
  CHECK(detected([](int) { return Picture(kWidth, kHeight); }) == kWhole);
  CHECK(detected([](int t) { return framed(kWhole, t, 6, 0, 4); }) == kWhole);
}

TEST_CASE("one frame that fills the bar is enough to keep it, and subtitles are kept") {
  const ActiveRectangle active{0, 8, kWidth, kHeight - 16};
  CHECK(detected([&](int t) { return framed(t == 7 ? kWhole : active, t, 110); }) == kWhole);
  const ActiveRectangle found = detected([&](int t) {
    Picture picture = framed(active, t, 110);
    if (t > 5) {
      for (int x = 30; x < 60; ++x) paint(picture, x, 60, 230);
    }
    return picture;
  });
  CHECK(found.top == 8);
  CHECK(found.top + found.height >= 61);
}

TEST_CASE("a film's bars are found from frames spread over it") {
  const TemporaryFolder folder;
  const ActiveRectangle active{0, 8, kWidth, kHeight - 16};
  const auto [name, codec] = GENERATE(table<std::string, VideoCodec>(
      {{"a.mkv", VideoCodec::kLossless}, {"a.mp4", VideoCodec::kH264}, {"a", VideoCodec::kH264}}));
  const auto writer = create_frames(folder.path() / name, kWidth, kHeight, 25, codec);
  // Black at first: a single frame to begin at would show nothing.
  for (int t = 0; t < 40; ++t) writer->write(framed(active, t, t < 10 ? 0 : 110), t / 25.0);
  writer->commit();
  CHECK(find_active(folder.path() / name) == active);
}

TEST_CASE("bars lose their colour, and the picture keeps it") {
  const ActiveRectangle active{0, 7, 96, 50};
  // Half as large: rows of two of the film's.
  std::vector<float> rgb(48 * 32 * 3, 50);
  blacken_bars(active, kWidth, kHeight, rgb, 48, 32);
  for (int y = 0; y < 32; ++y) {
    const bool inside = y >= 3 && y < 29;  // rows 6 and 7, and 56 and 57, are half inside
    CAPTURE(y);
    CHECK(rgb[std::size_t(y) * 48 * 3] == (inside ? 50 : 0));
  }
  std::vector<float> side(48 * 32 * 3, 50);
  blacken_bars({10, 0, 60, kHeight}, kWidth, kHeight, side, 48, 32);
  CHECK(side[4 * 3] == 0);
  CHECK(side[5 * 3] == 50);
  CHECK(side[34 * 3 + 2] == 50);
  CHECK(side[35 * 3] == 0);
  std::vector<float> whole(48 * 32 * 3, 50);
  blacken_bars(kWhole, kWidth, kHeight, whole, 48, 32);
  CHECK(whole == std::vector<float>(48 * 32 * 3, 50));
}

TEST_CASE("the bars of a film whose size changes are those of its first size") {
  const TemporaryFolder folder;
  make_growing_film(folder.path() / "film.mpg");
  CHECK(find_active(folder.path() / "film.mpg") == ActiveRectangle{0, 0, 64, 48});
}

}  // namespace
}  // namespace afterglow
