#include "data/pairing.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

using Catch::Matchers::Contains;
namespace fs = std::filesystem;

std::string summary(const Pairing& pairing) {
  std::string text;
  for (const FilmPair& pair : pairing.pairs) {
    text += pair.id + ":" + pair.truth.string() + "+" + pair.colorized.string() + " ";
  }
  return text + std::to_string(pairing.problems.size());
}

}  // namespace

TEST_CASE("a trailing id is the number at the end, else the last word") {
  CHECK(trailing_id("color_12") == "12");
  CHECK(trailing_id("clip007") == "007");
  CHECK(trailing_id("colorized_lake") == "lake");
  CHECK(trailing_id("a-b_c-d") == "d");
  CHECK(trailing_id("12") == "12");
  CHECK(trailing_id("holiday").empty());
  CHECK(trailing_id("odd_").empty());
}

TEST_CASE("films pair by equal stem, else by trailing id") {
  CHECK(summary(pair_films({"t/a.mp4", "t/color_12.mp4"}, {"c/colorized_12.mkv", "c/a.mkv"})) ==
        "a:t/a.mp4+c/a.mkv 12:t/color_12.mp4+c/colorized_12.mkv 0");
  // An equal stem wins over an equal number.
  CHECK(summary(pair_films({"t/x_1.mp4"}, {"c/y_1.mkv", "c/x_1.mkv"})) ==
        "x_1:t/x_1.mp4+c/x_1.mkv 1");
  CHECK(summary(pair_films({"t/color_1/"}, {"c/colorized_1"})) == "1:t/color_1/+c/colorized_1 0");
}

TEST_CASE("unmatched and ambiguous films are named") {
  const Pairing unmatched =
      pair_films({"color_1.mp4", "color_2.mp4"}, {"colorized_2.mp4", "c_3.mp4"});
  CHECK(summary(unmatched) == "2:color_2.mp4+colorized_2.mp4 2");
  CHECK_THAT(unmatched.problems[0], Contains("color_1.mp4: has no colorized film"));
  CHECK_THAT(unmatched.problems[1], Contains("c_3.mp4: has no true film"));

  const Pairing alone =
      pair_films({"color_1.mp4", "color_2.mp4"}, {"colorized_2.mp4", "c_3.mp4"}, Unpaired::kAlone);
  CHECK(summary(alone) == "color_1:color_1.mp4+ 2:color_2.mp4+colorized_2.mp4 1");

  const Pairing ambiguous = pair_films({"color_1.mp4"}, {"a_1.mp4", "b_1.mp4"});
  CHECK(summary(ambiguous) == "1");
  CHECK_THAT(ambiguous.problems[0], Contains("could belong to a_1.mp4 or b_1.mp4"));

  const Pairing twice = name_films({"x/lake.mp4", "y/lake.mp4", "sea.mp4"});
  CHECK(summary(twice) == "sea:sea.mp4+ 2");
  CHECK_THAT(twice.problems[0], Contains("x/lake.mp4") && Contains("clip 'lake'"));
}

TEST_CASE("a film is never paired with itself, under whatever name") {
  const TemporaryFolder folder;
  const fs::path film = folder.path() / "color_1.mp4";
  const fs::path link = folder.path() / "other_1.mp4";
  std::ofstream(film) << "film";
  fs::create_symlink(film, link);
  CHECK(pair_films({film}, {film}).pairs.empty());
  CHECK(pair_films({film}, {folder.path() / "." / "color_1.mp4"}).pairs.empty());
  CHECK(pair_films({film}, {link}).pairs.empty());
  CHECK(pair_films({film}, {film, folder.path() / "colorized_1.mp4"}).pairs.size() == 1);
}

TEST_CASE("a colorized film that two truths could claim belongs to neither") {
  const Pairing pairing = pair_films({"day1_001.mkv", "day2_001.mkv", "day1_002.mkv"},
                                     {"colorized_day2_001.mkv", "colorized_day1_002.mkv"});
  REQUIRE(pairing.pairs.size() == 1);
  CHECK(pairing.pairs[0].truth == "day1_002.mkv");
  REQUIRE(pairing.problems.size() == 1);
  CHECK_THAT(pairing.problems[0], Catch::Contains("colorized_day2_001.mkv") &&
                                      Catch::Contains("day1_001.mkv or day2_001.mkv"));
  CHECK(pairing.lost == std::vector<std::string>{"day1_001", "001", "day2_001", "001"});
}

TEST_CASE("several truths and several colorized films of one number are all named") {
  const Pairing pairing =
      pair_films({"day1_001.mkv", "day2_001.mkv"}, {"c_day1_001.mkv", "c_day2_001.mkv"});
  CHECK(pairing.pairs.empty());
  REQUIRE(pairing.problems.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK_THAT(pairing.problems[i],
               Catch::StartsWith(i == 0 ? "day1_001.mkv" : "day2_001.mkv") &&
                   Catch::Contains("could belong to c_day1_001.mkv or c_day2_001.mkv"));
  }
}

TEST_CASE("a folder of pictures keeps its whole name") {
  const TemporaryFolder folder;
  fs::create_directory(folder.path() / "shots.v1");
  CHECK(clip_id(folder.path() / "shots.v1") == "shots.v1");
  CHECK(clip_id(folder.path() / "shots.v1" / "") == "shots.v1");
  CHECK(clip_id("shots.v1") == "shots");  // a file, or nothing
}

TEST_CASE("a folder of films stands for its films, in natural order") {
  const TemporaryFolder folder;
  for (const char* name : {"b_10.mkv", "b_2.MP4", ".b_3.part.mkv", "notes.txt"}) {
    std::ofstream(folder.path() / name) << "x";
  }
  const fs::path pictures = folder.path() / "frames";
  fs::create_directory(pictures);
  std::ofstream(pictures / "00000.png") << "x";
  CHECK(expand_folders({folder.path(), pictures, "missing.mp4"}) ==
        std::vector<fs::path>{folder.path() / "b_2.MP4", folder.path() / "b_10.mkv", pictures,
                              "missing.mp4"});
}

}  // namespace afterglow
