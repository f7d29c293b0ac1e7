// What holds for the program as a whole.
#include <algorithm>
#include <catch2/catch.hpp>

#include "support/run_program.hpp"

namespace afterglow::test {

TEST_CASE("help names every command, and none that does not work yet", "[app]") {
  const ProgramResult result = run_afterglow({"--help"});
  CHECK(result.exit_code == 0);
  for (const char* command : {"synth", "prepare", "train", "colorize", "evaluate", "info"}) {
    CHECK_THAT(result.out, Catch::Contains(command));
    CHECK(run_afterglow({command, "--help"}).exit_code == 0);
  }
  for (const char* later : {"compare", "weights  ", "eccv16", "steady"}) {
    CHECK_THAT(result.out, !Catch::Contains(later));
  }
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

}  // namespace afterglow::test
