// What holds for the program as a whole.
#include <algorithm>
#include <catch2/catch.hpp>

#include "apps/fixtures.hpp"
#include "support/file_bytes.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {

TEST_CASE("help names every command, and none that does not work yet", "[app]") {
  const ProgramResult result = run_afterglow({"--help"});
  CHECK(result.exit_code == 0);
  for (const char* command :
       {"synth", "prepare", "train", "colorize", "evaluate", "compare", "info", "weights"}) {
    CHECK_THAT(result.out, Catch::Contains(command));
    CHECK(run_afterglow({command, "--help"}).exit_code == 0);
  }
  CHECK_THAT(result.out, !Catch::Contains("steady"));
}

TEST_CASE("bad usage is one line and exit code 2", "[app]") {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"paint"}, {"train", "--no-such-option"}, {"info"}}) {
    const ProgramResult result = run_afterglow(arguments);
    CHECK(result.exit_code == 2);
    CHECK(result.err.starts_with("afterglow: "));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  }
}

TEST_CASE("each command's configuration lies beside its result and makes it again", "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return (folder.path() / name).string(); };
  write_model(file("model.h5"));
  write_film(file("truth \"1\".mkv"), 2, [](int t) { return textured(130, 128, t); });
  struct Row {
    std::vector<std::string> command;
    const char* option;  // that names the result
    const char* result;
    const char* configuration;
    const char* again;
    const char* compared;  // in the result, where that is a folder
  };
  const std::vector<Row> table = {
      {{"synth", "--clips", "1", "--frames", "2", "--size", "128", "--seed", "7", "--no-flow"},
       "--out",
       "clips",
       "clips/config.toml",
       "clips2",
       "/colorized_1.mkv"},
      {{"prepare", "--truth", file("truth \"1\".mkv"), "--colorizer", "simulated", "--fit", "crop",
        "--seed", "7"},
       "--out",
       "data.h5",
       "data.h5.toml",
       "data2.h5",
       ""},
      {{"colorize", file("truth \"1\".mkv"), "--model", file("model.h5"), "--cuts", "off",
        "--codec", "lossless"},
       "--out",
       "film.mkv",
       "film.mkv.toml",
       "film2.mkv",
       ""},
      {{"evaluate", "--truth", file("truth \"1\".mkv"), "--result", file("film.mkv"), "--halved",
        "--baseline", file("film.mkv")},
       "--json",
       "scores.json",
       "scores.json.toml",
       "scores2.json",
       ""},
  };
  for (const Row& row : table) {
    std::vector<std::string> first = row.command;
    first.insert(first.end(), {row.option, file(row.result)});
    const ProgramResult made = run_afterglow(first);
    INFO(row.command[0] << ": " << made.err);
    REQUIRE(made.exit_code == 0);
    const ProgramResult again = run_afterglow(
        {row.command[0], "--config", file(row.configuration), row.option, file(row.again)});
    INFO(again.err);
    REQUIRE(again.exit_code == 0);
    const bool same =
        bytes_of(file(row.result) + row.compared) == bytes_of(file(row.again) + row.compared);
    CHECK(same);
    CHECK_FALSE(bytes_of(file(row.result) + row.compared).empty());
  }
  CHECK_FALSE(fs::exists(file("clips2/flow_1")));
  CHECK_THAT(bytes_of(file("film2.mkv.toml")), Catch::Contains("no-graphs=false"));
}

}  // namespace afterglow::test
