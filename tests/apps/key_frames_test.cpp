// Frames coloured by hand, through the program.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>

#include "apps/fixtures.hpp"
#include "data/colour.hpp"
#include "data/film_set_maker.hpp"
#include "data/video_decoder.hpp"
#include "support/file_bytes.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

using Catch::Contains;
using Strings = std::vector<std::string>;

constexpr int kFrames = 24;

/// A made-up clip and its gray version.
struct KeyedClip {
  TemporaryFolder folder;
  fs::path colour = folder.path() / "clips" / "color_1.mkv";
  fs::path gray = folder.path() / "clips" / "gray_1.mkv";

  KeyedClip() {
    REQUIRE(run_afterglow({"synth", "--out", (folder.path() / "clips").string(), "--clips", "1",
                           "--frames", std::to_string(kFrames), "--size", "128", "--seed", "3"})
                .exit_code == 0);
  }

  fs::path file(const std::string& name) const { return folder.path() / name; }

  /// Colours the gray clip; what it says on standard error.
  std::string keyed(const std::string& out, const Strings& keys) const {
    Strings arguments{"colorize", gray, "--out", file(out), "--codec", "lossless"};
    for (const std::string& key : keys) arguments.insert(arguments.end(), {"--key", key});
    const ProgramResult result = run_afterglow(arguments);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return result.err;
  }
};

/// The mean distance of two films' colours, CIE ab, over frames.
double colour_error(const std::vector<Picture>& film, const std::vector<Picture>& truth) {
  REQUIRE(film.size() == truth.size());
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t t = 0; t < film.size(); ++t) {
    for (std::size_t i = 0; i < film[t].rgb.size(); i += 3, ++count) {
      const std::uint8_t *p = &film[t].rgb[i], *q = &truth[t].rgb[i];
      const Triple a = rgb_to_lab(p[0], p[1], p[2]), b = rgb_to_lab(q[0], q[1], q[2]);
      sum += std::hypot(a[1] - b[1], a[2] - b[2]);
    }
  }
  return sum / static_cast<double>(count);
}

}  // namespace

TEST_CASE("colorize: key frames colour a gray film, forward and backward", "[app]") {
  const KeyedClip clip;
  const std::vector<Picture> truth = read_film(clip.colour);
  const double gray = colour_error(read_film(clip.gray), truth);
  REQUIRE(gray > 5);
  // A coloured film's pictures are what somebody would have painted.
  const auto exported = [&](const char* frames, const char* folder) {
    const ProgramResult result = run_afterglow(
        {"colorize", clip.colour, "--export-frames", frames, "--out", clip.file(folder)});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return clip.file(folder);
  };
  const fs::path ends = exported("0,23", "ends");
  REQUIRE(read_picture(ends / "00023.png") == truth[23]);
  const std::string first = "0=" + (ends / "00000.png").string();

  clip.keyed("first.mkv", {first});
  const std::vector<Picture> from_first = read_film(clip.file("first.mkv"));
  const double error = colour_error(from_first, truth);
  CHECK(error < 0.5 * gray);

  clip.keyed("both.mkv", {ends.string()});
  CHECK(colour_error(read_film(clip.file("both.mkv")), truth) < 0.9 * error);

  clip.keyed("last.mkv", {"23=" + (ends / "00023.png").string()});
  CHECK(colour_error(read_film(clip.file("last.mkv")), truth) < 0.5 * gray);

  // Its luma is the gray film's, and the key frame's chroma is the picture's, averaged.
  // Both in full range, as the source is RGB.
  VideoDecoder result(clip.file("first.mkv"));
  const libav::FramePtr made = result.read();
  const Picture given = read_film(clip.gray).front();
  REQUIRE(made->format == AV_PIX_FMT_YUV420P);
  REQUIRE(made->color_range == AVCOL_RANGE_JPEG);
  int worst_luma = 0;
  double worst_chroma = 0;
  constexpr double kRounding = 1;  // of 8 bits
  for (int y = 0; y < 128; ++y) {
    for (int x = 0; x < 128; ++x) {
      const int light = given.rgb[std::size_t(3 * (y * 128 + x))];
      worst_luma = std::max(worst_luma, std::abs(made->data[0][y * made->linesize[0] + x] - light));
    }
  }
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      double cb = 0, cr = 0;
      for (const auto& [dx, dy] : {std::pair{0, 0}, {1, 0}, {0, 1}, {1, 1}}) {
        const std::uint8_t* p = &truth[0].rgb[std::size_t(3 * ((2 * y + dy) * 128 + 2 * x + dx))];
        const double light = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];  // BT.601
        cb += 128 + (p[2] - light) / 1.772;
        cr += 128 + (p[0] - light) / 1.402;
      }
      worst_chroma =
          std::max({worst_chroma, std::abs(made->data[1][y * made->linesize[1] + x] - cb / 4),
                    std::abs(made->data[2][y * made->linesize[2] + x] - cr / 4)});
    }
  }
  CHECK(worst_luma == 0);
  CHECK(worst_chroma <= kRounding);
}

TEST_CASE("colorize: key frames end at cuts, and what they do not reach is named", "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  const auto scenes = [](int t) { return textured(64, 48, t, t < 12 ? 0 : 1); };
  write_film(file("colour.mkv"), kFrames, scenes);
  const auto gray_scenes = [&](int t) {
    Picture picture = scenes(t);
    for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
      const std::uint8_t* p = &picture.rgb[i];
      const std::uint8_t gray = to_byte(luma(p[0], p[1], p[2]));
      std::fill_n(&picture.rgb[i], 3, gray);
    }
    return picture;
  };
  write_film(file("gray.mkv"), kFrames, gray_scenes);
  REQUIRE(run_afterglow(
              {"colorize", file("colour.mkv"), "--export-frames", "scenes", "--out", file("keys")})
              .exit_code == 0);
  REQUIRE(fs::exists(folder.path() / "keys" / "00000.png"));
  REQUIRE(fs::exists(folder.path() / "keys" / "00012.png"));
  const auto colorized = [&](const char* out, const Strings& more) {
    Strings arguments{"colorize", file("gray.mkv"), "--out", file(out), "--codec", "lossless"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = run_afterglow(arguments);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return result.err;
  };
  CHECK_THAT(colorized("first.mkv", {"--key", "3=" + file("keys/00000.png")}),
             Contains("frames 12 to 23 stay gray") && Contains("--key 12="));
  const std::vector<Picture> first = read_film(file("first.mkv"));
  for (int t : {0, 2, 11}) CHECK(has_colour(first[std::size_t(t)]));
  for (int t : {12, 23}) CHECK_FALSE(has_colour(first[std::size_t(t)]));
  CHECK_THAT(colorized("second.mkv", {"--key", "12=" + file("keys/00012.png")}),
             Contains("frames 0 to 11 stay gray"));
  const std::string all = colorized("all.mkv", {"--key", file("keys")});
  CHECK_THAT(all, !Contains("stay gray"));
  CHECK(has_colour(read_film(file("all.mkv"))[23]));
}

TEST_CASE("colorize: a coloured film takes over a key frame's colours", "[app]") {
  const KeyedClip clip;
  const std::vector<Picture> truth = read_film(clip.colour);
  // The film has the wrong colours: red and blue changed places.
  const auto turned = [&](int t) {
    Picture picture = truth[std::size_t(t)];
    for (std::size_t i = 0; i < picture.rgb.size(); i += 3)
      std::swap(picture.rgb[i], picture.rgb[i + 2]);
    return picture;
  };
  write_film(clip.file("turned.mkv"), kFrames, turned);
  write_picture(clip.file("key.png"), truth[8]);
  const auto colorized = [&](const char* out, const Strings& more) {
    Strings arguments{"colorize", clip.file("turned.mkv"), "--gray",  clip.gray,
                      "--out",    clip.file(out),          "--codec", "lossless"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = run_afterglow(arguments);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return colour_error(read_film(clip.file(out)), truth);
  };
  const double without = colorized("without.mkv", {});
  const std::string key = "8=" + clip.file("key.png").string();
  const double with = colorized("with.mkv", {"--key", key});
  CHECK(with < 0.6 * without);
  // Its own colours can be left out of it.
  CHECK(colorized("alone.mkv", {"--key", key, "--source-kind", "gray"}) < 0.6 * without);
}

TEST_CASE("colorize: frames of a coloured film that are too far before a key frame are told",
          "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  constexpr int kCut = 10, kKey = 260, kReach = 240;  // the last as docs/key-frames.md has it
  const auto picture = [](int t) {
    return t < kCut ? textured(64, 48, 0) : moving_waves(64, 48, 100 + t / 8);
  };
  write_film(file("film.mkv"), kKey + 1, picture);
  write_picture(file("key.png"), picture(kKey));
  const ProgramResult result =
      run_afterglow({"colorize", file("film.mkv"), "--out", file("out.mkv"), "--key",
                     std::to_string(kKey) + "=" + file("key.png")});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK_THAT(result.err, Contains("film.mkv: frames 10 to " + std::to_string(kKey - kReach - 1) +
                                  " have nothing of their scene's key frame") &&
                             Contains("; add --key 10=PICTURE"));
  CHECK_THAT(result.err, !Contains("frames 0"));
}

TEST_CASE("colorize: before a key frame a coloured film's colours do not jump", "[app]") {
  const KeyedClip clip;
  const std::vector<Picture> truth = read_film(clip.colour);
  write_picture(clip.file("key.png"), truth[12]);
  const ProgramResult result = run_afterglow(
      {"colorize", clip.folder.path() / "clips" / "colorized_1.mkv", "--key",
       "12=" + clip.file("key.png").string(), "--codec", "lossless", "--out", clip.file("o.mkv")});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const std::vector<Picture> made = read_film(clip.file("o.mkv"));
  const auto step = [&](std::size_t t) { return colour_error({made[t]}, {made[t - 1]}); };
  CHECK(step(1) < 1.5 * (step(2) + step(3) + step(4)) / 3);  // 3 times where it jumps
}

TEST_CASE("colorize: the most vivid colours stay behind their key frame as they are on it",
          "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  Picture bars(112, 64);
  for (int y = 0; y < bars.height; ++y) {
    for (int x = 0; x < bars.width; ++x) {
      std::uint8_t* const rgb = bars.rgb.data() + 3 * (y * bars.width + x);
      const int bar = 1 + x / 16;  // blue, green, cyan, red, magenta, yellow, white
      for (int c = 0; c < 3; ++c) rgb[c] = (bar >> (2 - c) & 1) != 0 ? 255 : 0;
    }
  }
  write_film(file("gray.mkv"), 3, [&](int) { return gray_picture(bars); });
  write_picture(file("key.png"), bars);
  const ProgramResult result =
      run_afterglow({"colorize", file("gray.mkv"), "--key", "0=" + file("key.png"), "--codec",
                     "lossless", "--out", file("out.mkv")});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const std::vector<Picture> made = read_film(file("out.mkv"));
  constexpr int kSteps = 3;  // of 255: luma and chroma are rounded
  for (int bar = 0; bar < 7; ++bar) {
    const std::size_t middle = 3 * std::size_t(32 * bars.width + 16 * bar + 8);
    for (std::size_t c = 0; c < 3; ++c) {
      CAPTURE(bar, c);
      CHECK(std::abs(made[1].rgb[middle + c] - made[0].rgb[middle + c]) <= kSteps);
      CHECK(std::abs(made[2].rgb[middle + c] - bars.rgb[middle + c]) <= kSteps);
    }
  }
}

TEST_CASE("colorize: of a key frame only the colours count", "[app]") {
  const KeyedClip clip;
  const Picture truth = read_film(clip.colour).front();
  const auto painted = [&](const char* name, double darker) {
    Picture picture(truth.width, truth.height);
    for (std::size_t i = 0; i < truth.rgb.size(); i += 3) {
      const Triple lab = rgb_to_lab(truth.rgb[i], truth.rgb[i + 1], truth.rgb[i + 2]);
      const Triple rgb = lab_to_rgb({darker * lab[0], lab[1], lab[2]});
      std::transform(rgb.begin(), rgb.end(), picture.rgb.begin() + std::ptrdiff_t(i), to_byte);
    }
    write_picture(clip.file(name), picture);
    return "0=" + clip.file(name).string();
  };
  clip.keyed("same.mkv", {painted("same.png", 1)});
  clip.keyed("darker.mkv", {painted("darker.png", 0.9)});
  const std::vector<Picture> same = read_film(clip.file("same.mkv"));
  // Dark pixels cannot hold all of the colour: CIE units.
  CHECK(colour_error(read_film(clip.file("darker.mkv")), same) < 1);
}

TEST_CASE("colorize: key frames that cannot be used are refused in one line", "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  write_film(file("film.mp4"), 4, [](int t) { return textured(64, 48, t); });
  write_picture(file("key.png"), textured(64, 48, 0));
  write_picture(file("wide.png"), textured(96, 48, 0));
  const auto refused = [&](const Strings& more, const std::string& what) {
    Strings arguments{"colorize", file("film.mp4")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = run_afterglow(arguments);
    CAPTURE(what, result.err);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Contains(what));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(file("out.mkv")));
    CHECK_FALSE(fs::exists(file("out.mkv.parts")));
  };
  const Strings out{"--out", file("out.mkv")};
  const auto with_key = [&](const std::string& key) {
    return Strings{"--out", file("out.mkv"), "--key", key};
  };
  refused(with_key("0=" + file("none.png")), "none.png");
  refused(with_key("0=" + file("wide.png")), "96x48");
  refused(with_key("4=" + file("key.png")), "has 4 frames, counted from 0");
  refused(with_key("four=" + file("key.png")), "N=PICTURE");
  refused(with_key(file("film.mp4")), "neither N=PICTURE nor a folder");
  refused(with_key(file("no keys")), "does not exist");
  refused({"--export-frames", "4", "--out", file("keys")}, "no frame 4");
  refused({"--export-frames", "0,x", "--out", file("keys")}, "names no frames");
  refused({"--export-frames", "0", "--out", file("keys.mkv")}, "no folder");
  CHECK_FALSE(fs::exists(file("keys")));
  REQUIRE(
      run_afterglow({"colorize", file("film.mp4"), "--export-frames", "1", "--out", file("keys")})
          .exit_code == 0);
  refused({"--export-frames", "0,1", "--out", file("keys")}, "may be coloured already");
  CHECK_FALSE(fs::exists(file("keys/00000.png")));
  refused({"--key", file("keys"), "--out", file("keys")}, "is an input and the output");
  CHECK(read_picture(file("keys/00001.png")).width == 64);
  refused({"--source-kind", "gray", "--out", file("out.mkv")}, "nothing to make steady");
  refused({"--key", file("keys"), "--saturation", "2", "--out", file("out.mkv")}, "colours hold");
  refused({"--key", "0=" + file("key.png"), "--source-kind", "gray", "--strength", "0.5", "--out",
           file("out.mkv")},
          "only its key frames");
  refused({"--key", file("keys"), "--preview", "0+1", "--out", file("out.mkv")}, "whole film");
}

}  // namespace afterglow::test
