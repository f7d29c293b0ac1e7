// `afterglow synth`, run as a user would.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "data/colour.hpp"
#include "data/flow_file.hpp"
#include "data/frames.hpp"
#include "support/file_bytes.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using test::ProgramResult;
using test::run_afterglow;

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  return names;
}

std::vector<Picture> film(const fs::path& path) {
  const auto reader = open_frames(path);
  std::vector<Picture> pictures;
  while (auto frame = reader->read()) pictures.push_back(std::move(frame->picture));
  return pictures;
}

std::vector<std::string> small(const fs::path& out, const std::string& clips = "1") {
  return {"synth", "--out", out, "--clips", clips, "--frames", "3", "--size", "128"};
}

}  // namespace

TEST_CASE("synth makes truth, gray, colorized and flow", "[app]") {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "clips";
  const ProgramResult result = run_afterglow(small(out, "2"));
  CAPTURE(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(names_in(out) == std::set<std::string>{"color_1.mkv", "color_2.mkv", "gray_1.mkv",
                                               "gray_2.mkv", "colorized_1.mkv", "colorized_2.mkv",
                                               "flow_1", "flow_2", "config.toml"});
  CHECK(names_in(out / "flow_2") == std::set<std::string>{"00000.flo", "00001.flo"});
  CHECK(read_flow(out / "flow_2" / "00001.flo").width == 128);
  const std::vector<Picture> truth = film(out / "color_2.mkv");
  const std::vector<Picture> gray = film(out / "gray_2.mkv");
  const std::vector<Picture> colorized = film(out / "colorized_2.mkv");
  REQUIRE(truth.size() == 3);
  REQUIRE(gray.size() == 3);
  REQUIRE(colorized.size() == 3);
  for (std::size_t t = 0; t < 3; ++t) {
    CHECK(gray[t] == gray_picture(truth[t]));
    CHECK(colorized[t] != truth[t]);
  }
}

TEST_CASE("synth makes the same bytes from the same command, others from another seed", "[app]") {
  const TemporaryFolder folder;
  REQUIRE(run_afterglow(small(folder.path() / "a")).exit_code == 0);
  REQUIRE(run_afterglow(small(folder.path() / "b")).exit_code == 0);
  std::vector<std::string> other = small(folder.path() / "c");
  other.insert(other.end(), {"--seed", "2", "--no-flow"});
  REQUIRE(run_afterglow(other).exit_code == 0);
  for (const char* name : {"color_1.mkv", "colorized_1.mkv", "flow_1/00000.flo"}) {
    CHECK(bytes_of(folder.path() / "a" / name) == bytes_of(folder.path() / "b" / name));
  }
  CHECK(bytes_of(folder.path() / "a/color_1.mkv") != bytes_of(folder.path() / "c/color_1.mkv"));
  CHECK_FALSE(fs::exists(folder.path() / "c" / "flow_1"));
}

TEST_CASE("synth simulates a colorizer on films: each of its seed and kind", "[app]") {
  const TemporaryFolder folder;
  REQUIRE(run_afterglow(small(folder.path() / "films")).exit_code == 0);
  const fs::path truth = folder.path() / "films/color_1.mkv";
  const fs::path broken = folder.path() / "broken.mkv";
  std::ofstream(broken) << "no film";
  const auto simulate = [&](const std::string& name, std::vector<std::string> options) {
    const fs::path out = folder.path() / name;
    options.insert(options.begin(), {"synth", "--truth", truth, "--out", out});
    const ProgramResult result = run_afterglow(options);
    CAPTURE(result.err);
    REQUIRE(result.exit_code == 0);
    CHECK(names_in(out) == std::set<std::string>{"colorized", "config.toml", "gray"});
    return bytes_of(out / "colorized/color_1.mkv");
  };
  const auto muted = simulate("muted", {});
  CHECK(simulate("again", {"--kind", "muted", "--seed", "1"}) == muted);
  CHECK(simulate("vivid", {"--kind", "vivid"}) != muted);
  CHECK(simulate("other", {"--seed", "2"}) != muted);
  const std::vector<Picture> frames = film(truth);
  const std::vector<Picture> gray = film(folder.path() / "muted/gray/color_1.mkv");
  REQUIRE(gray.size() == frames.size());
  for (std::size_t t = 0; t < gray.size(); ++t) CHECK(gray[t] == gray_picture(frames[t]));

  // What it recorded can be read back.
  const auto from_file = run_afterglow({"--config", folder.path() / "vivid/config.toml", "synth"});
  CAPTURE(from_file.err);
  CHECK(from_file.exit_code == 0);

  const ProgramResult partly =
      run_afterglow({"synth", "--truth", truth, broken, "--out", folder.path() / "partly"});
  CHECK(partly.exit_code == 1);
  CHECK_THAT(partly.err, Contains(broken.string()) && Contains("made of 1 films"));
  CHECK(names_in(folder.path() / "partly/colorized") == std::set<std::string>{"color_1.mkv"});
  // It never writes over the film it is made of.
  const ProgramResult same = run_afterglow(
      {"synth", "--truth", folder.path() / "muted/gray", "--out", folder.path() / "muted"});
  CHECK(same.exit_code == 2);
  CHECK_THAT(same.err, Contains("color_1.mkv"));
}

TEST_CASE("synth leaves nothing half made when stopped, and clears what a kill left", "[app]") {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "clips";
  const std::vector<std::string> endless = {"synth", "--out",    out,     "--clips",
                                            "1",     "--frames", "100000"};
  const auto wait_until_begun = [&](test::RunningProgram& program) {
    while (program.running() && !(fs::exists(out) && !fs::is_empty(out))) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  };
  {
    test::RunningProgram program(AFTERGLOW_PROGRAM, endless);
    wait_until_begun(program);
    program.send(SIGINT);
    const ProgramResult result = program.wait();
    CHECK(result.exit_code == 130);
    CHECK(fs::is_empty(out));
  }
  {
    test::RunningProgram program(AFTERGLOW_PROGRAM, endless);
    wait_until_begun(program);
    program.send(SIGKILL);
    CHECK(program.wait().signal == SIGKILL);
  }
  REQUIRE(run_afterglow(small(out)).exit_code == 0);
  CHECK(names_in(out) == std::set<std::string>{"color_1.mkv", "gray_1.mkv", "colorized_1.mkv",
                                               "flow_1", "config.toml"});
}

TEST_CASE("synth refuses absurd options and places", "[app]") {
  const TemporaryFolder folder;
  const fs::path out = folder.path() / "clips";
  const fs::path file = folder.path() / "file";
  std::ofstream(file) << "x";
  struct Wrong {
    std::vector<std::string> options;
    std::string message;
  };
  const std::vector<Wrong> wrongs = {
      {{"--out", out, "--frames", "0"}, "--frames"},
      {{"--out", out, "--frames", "-3"}, "--frames"},
      {{"--out", out, "--frames", "x"}, "--frames"},
      {{"--out", out, "--clips", "0"}, "--clips"},
      {{"--out", out, "--size", "127"}, "--size"},
      {{"--out", out, "--size", "99999"}, "--size"},
      {{"--out", out, "--seed", "-1"}, "--seed"},
      {{}, "--out"},
      {{"--out", file}, "is a file"},
      {{"--out", file / "x"}, "cannot be made"},
      {{"--out", "/proc/clips"}, "cannot be made"},
      {{"--out", out, "--colour"}, "--colour"},
      {{"--out", out, "--kind", "loud"}, "--kind"},
      {{"--out", out, "--truth", folder.path() / "none.mkv"}, "none.mkv"},
      {{"--out", out, "--truth", file, "--clips", "2"}, "leave them out"},
  };
  for (const Wrong& wrong : wrongs) {
    std::vector<std::string> arguments = {"synth"};
    arguments.insert(arguments.end(), wrong.options.begin(), wrong.options.end());
    const ProgramResult result = run_afterglow(arguments);
    CAPTURE(wrong.options, result.err);
    CHECK(result.exit_code == 2);
    CHECK(result.err.starts_with("afterglow: "));
    CHECK_THAT(result.err, Contains(wrong.message));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(out));
  }
}

}  // namespace afterglow
