// A look at a stretch of a film before the whole of it is coloured.
#include "apps/preview.hpp"

#include <catch2/catch.hpp>

#include "apps/fixtures.hpp"
#include "base/error.hpp"
#include "data/film_maker.hpp"
#include "data/film_set_maker.hpp"
#include "data/film_source.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

using Catch::Contains;

std::vector<std::string> lumas(const fs::path& path) {
  std::vector<std::string> frames;
  FilmReader reader(path);
  while (const auto frame = reader.read()) frames.push_back(luma_bytes(*frame->content().frame));
  return frames;
}

}  // namespace

TEST_CASE("a preview begins at hours, minutes or seconds") {
  struct Row {
    const char* text;
    double begin, seconds;
  };
  const Row row = GENERATE(Row{"00:10:00+5", 600, 5}, Row{"1:02:03.5+0.25", 3723.5, 0.25},
                           Row{"90:00+2", 5400, 2}, Row{"75.25+10", 75.25, 10}, Row{"0+1", 0, 1});
  INFO(row.text);
  const Stretch stretch = preview_stretch(row.text, "--preview");
  CHECK(stretch.begin == row.begin);
  CHECK(stretch.seconds == row.seconds);
  CHECK(preview_stretch("", "--preview").is_whole());
  const char* const bad =
      GENERATE("5", "+5", "5+", "5+0", "-1+5", "1:60:00+5", "1:00:60+5", "1:75+5", "a+5", "5+5s",
               "5+5 ", "1e3+5", "9999999+5", "5+nan", "1:2:3:4+5", "::5+5");
  INFO(bad);
  CHECK_THROWS_WITH(preview_stretch(bad, "--preview"),
                    Contains("--preview: '" + std::string(bad) + "' is no stretch of a film"));
}

TEST_CASE("colorize --preview: that stretch as a film of its own would come out", "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  write_film(file("film.mkv"), 40, [](int t) { return moving_waves(64, 48, t); });
  write_film(file("part.mkv"), 10, [](int t) { return moving_waves(64, 48, t + 20); });
  write_film(file("gray.mkv"), 40, [](int t) { return moving_waves(80, 60, t, 0); });
  const auto colorize = [&](const char* in, const char* out, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"colorize", file(in),  "--out",
                                       file(out),  "--codec", "lossless"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_afterglow(arguments);
  };
  // A job that waits for being gone on with is none of the preview's business.
  fs::create_directories(file("look.mkv.parts"));
  write_text(file("look.mkv.parts") / "job.txt", "another job\n");
  const ProgramResult look = colorize("film.mkv", "look.mkv", {"--preview", "00:00.8+0.4"});
  INFO(look.err);
  REQUIRE(look.exit_code == 0);
  CHECK(names_in(file("look.mkv.parts")) == std::vector<std::string>{"job.txt"});
  const ProgramResult alone = colorize("part.mkv", "alone.mkv");
  REQUIRE(alone.exit_code == 0);
  const std::vector<Picture> seen = read_film(file("look.mkv")), own = read_film(file("alone.mkv"));
  REQUIRE(seen.size() == 10);
  REQUIRE(own.size() == 10);
  for (std::size_t t = 0; t < seen.size(); ++t) CHECK(seen[t].rgb == own[t].rgb);
  const std::vector<std::string> luma = lumas(file("look.mkv"));
  REQUIRE(colorize("film.mkv", "whole.mkv").exit_code == 0);
  const std::vector<std::string> whole = lumas(file("whole.mkv"));
  REQUIRE(whole.size() == 40);
  CHECK(std::equal(luma.begin(), luma.end(), whole.begin() + 20));

  const ProgramResult beside =
      colorize("film.mkv", "beside.mp4", {"--gray", file("gray.mkv"), "--preview", "0.79+0.2"});
  INFO(beside.err);
  REQUIRE(beside.exit_code == 0);
  const std::vector<Picture> gray = read_film(file("beside.mp4"));
  REQUIRE(gray.size() == 5);
  CHECK(gray[0].width == 80);
  CHECK(beside.out == file("beside.mp4").string() + ": 5 frames\n");
  write_film(file("few.mkv"), 5, [](int t) { return moving_waves(64, 48, t + 20); });
  write_film(file("few gray.mkv"), 5, [](int t) { return moving_waves(80, 60, t + 20, 0); });
  REQUIRE(colorize("few.mkv", "few.mp4", {"--gray", file("few gray.mkv")}).exit_code == 0);
  CHECK(read_film(file("few.mp4")) == gray);  // the very frames beside each other

  // By their number, not by their time: frame 20 of 24 a second is shown with frame 21 of 25.
  {
    const auto writer = create_frames(file("gray 24.mkv"), 80, 60, 24, VideoCodec::kLossless);
    for (int t = 0; t < 40; ++t) writer->write(moving_waves(80, 60, t, 0), t / 24.0);
    writer->commit();
  }
  const std::vector<std::string> slower{"--gray", file("gray 24.mkv"), "--preview", "0.833+0.2"};
  const ProgramResult apart = colorize("film.mkv", "apart.mp4", slower);
  INFO(apart.err);
  REQUIRE(apart.exit_code == 0);
  CHECK(read_film(file("apart.mp4")) == gray);
  for (const char* const shorter : {"few.mkv", "two more.mkv"}) {  // 5 frames, 22 frames
    if (!fs::exists(file(shorter))) {
      write_film(file(shorter), 22, [](int t) { return moving_waves(64, 48, t); });
    }
    const ProgramResult short_of = colorize(shorter, "short.mp4", slower);
    CHECK(short_of.exit_code == 2);
    CHECK_THAT(short_of.err, Contains("gray 24.mkv: has 40 frames, but " + file(shorter).string() +
                                      " has " + (shorter[0] == 'f' ? "5" : "22")));
  }

  const ProgramResult wide =
      colorize("film.mkv", "wide.mkv", {"--preview", "00:00.8+0.4", "--side-by-side"});
  INFO(wide.err);
  REQUIRE(wide.exit_code == 0);
  const std::vector<Picture> both = read_film(file("wide.mkv"));
  REQUIRE(both.size() == 10);
  REQUIRE(both[0].width == 128);
  const std::vector<std::string> wide_luma = lumas(file("wide.mkv"));
  for (std::size_t t = 0; t < both.size(); ++t) {
    int differing = 0;
    for (std::size_t y = 0; y < 48; ++y) {
      CHECK(wide_luma[t].substr(128 * y, 64) == luma[t].substr(64 * y, 64));
      CHECK(wide_luma[t].substr(128 * y + 64, 64) == luma[t].substr(64 * y, 64));
      const auto row = both[t].rgb.begin() + std::ptrdiff_t(3 * 128 * y);
      if (!std::equal(row, row + 192, row + 192)) ++differing;
    }
    CHECK(differing > 40);  // the colours are others
  }

  const ProgramResult late = colorize("film.mkv", "late.mkv", {"--preview", "5:00+5"});
  CHECK(late.exit_code == 2);
  CHECK_THAT(late.err, Contains("film.mkv: has no frame at second 300.00 or later") &&
                           Contains("its last is at 1.56"));
  CHECK_FALSE(fs::exists(file("late.mkv")));
  const ProgramResult wrong = colorize("film.mkv", "wrong.mkv", {"--preview", "5"});
  CHECK(wrong.exit_code == 2);
  CHECK_THAT(wrong.err, Contains("--preview: '5' is no stretch"));
}

}  // namespace afterglow::test
