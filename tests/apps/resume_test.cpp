// Interrupted training goes on to the bits of the training that was left alone.
#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "base/random.hpp"
#include "nn/checkpoint.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"
#include "training_data.hpp"

namespace afterglow::test {
namespace fs = std::filesystem;
namespace {

using Strings = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

std::size_t lines_of(const fs::path& path) {
  std::ifstream file(path);
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);) ++count;
  return count;
}

void finish(const Strings& arguments) {
  const ProgramResult result = run_afterglow(arguments);
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
}

/// Lets it train until the log has `lines` lines, then interrupts it.
ProgramResult interrupt_after(const Strings& arguments, const fs::path& run, std::size_t lines,
                              int signal) {
  RunningProgram program(AFTERGLOW_PROGRAM, arguments);
  while (program.running() && lines_of(run / "log.jsonl") < lines) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  program.send(signal);
  return program.wait();
}

}  // namespace

TEST_CASE("Ctrl-C saves, exits 130, and --resume ends with the same bits", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", whole = folder.path() / "whole";
  write_waves(data, kSmallData);
  const Strings own{"--previous", "own", "--unroll", "2"};
  finish(training(data, whole, own));

  const int signals[] = {SIGINT, SIGTERM};
  for (const int signal : signals) {
    const fs::path run = folder.path() / std::to_string(signal);
    const ProgramResult result = interrupt_after(training(data, run, own), run, 1, signal);
    INFO(result.err);
    CHECK(result.exit_code == 130);
    CHECK_THAT(result.err, Catch::Contains("--resume"));
    REQUIRE(fs::exists(run / "last.h5"));
    const auto state = read_model_header(run / "last.h5").training;
    REQUIRE(state);
    CHECK(state->step >= 1);
    CHECK(state->step < 8);

    Strings resumed = own;
    resumed.emplace_back("--resume");
    finish(training(data, run, resumed));
    check_same_runs(run, whole);
  }
}

TEST_CASE("the log is cut back to the checkpoint", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", run = folder.path() / "run",
                 whole = folder.path() / "whole";
  write_waves(data, kSmallData);
  finish(training(data, whole));
  finish(training(data, run, {"--epochs", "1"}));
  // What a killed run may leave: steps after the checkpoint, the last one cut off.
  std::ofstream(run / "log.jsonl", std::ios::app) << R"({"step":5,"epoch":2,"loss":1,"seconds":1})"
                                                  << "\n"
                                                  << R"({"step":6,"ep)";
  finish(training(data, run, {"--resume"}));  // and more epochs than before
  check_same_runs(run, whole);
}

TEST_CASE("a folder that is there is not overwritten", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", run = folder.path() / "run";
  write_waves(data, {{"a", 2, Split::kTrain}});
  finish(training(data, run));
  const Bits before = model_bits(run / "model.h5");
  const ProgramResult result = run_afterglow(training(data, run));
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.err, Catch::Contains(run.string()) && Catch::Contains("--resume"));
  finish(training(data, run, {"--resume"}));  // nothing left to do
  CHECK((model_bits(run / "model.h5") == before));
}

TEST_CASE("resuming under another configuration names the option", "[app]") {
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5", run = folder.path() / "run",
                 other = folder.path() / "other.h5", moved = folder.path() / "moved.h5";
  write_waves(data, {{"a", 3, Split::kTrain}});
  write_waves(other, {{"a", 4, Split::kTrain}});
  finish(training(data, run));
  const std::vector<Strings> table{
      {"--beta", "--beta", "0.5"},
      {"--batch", "--batch", "2"},
      {"--lr", "--lr", "0.01"},
      {"--clip-norm", "--clip-norm", "1"},
      {"--seed", "--seed", "2"},
      {"--order", "--order", "sequential"},
      {"--decoder", "--decoder", "deconv"},
      {"--arch", "--arch", "vgg16"},
      {"--previous", "--previous", "own"},
      {"--bn", "--bn", "keras"},
      {"--init", "--init", (run / "model.h5").string()},
      {"--epochs", "--epochs", "1"},
      {"--data", "--data", other.string()},
  };
  for (const Strings& row : table) {
    Strings options = {row.begin() + 1, row.end()};
    options.emplace_back("--resume");
    const ProgramResult result = run_afterglow(training(data, run, options));
    INFO(row.front() << ": " << result.err);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Catch::StartsWith("afterglow: " + row.front() + ":"));
  }
  fs::copy_file(data, moved);
  finish(training(moved, run, {"--resume", "--save-every", "3"}));  // the same data elsewhere
}

TEST_CASE("killed at 50 random moments, training ends with the same bits", "[app][slow]") {
  constexpr int kKills = 50;
  constexpr std::size_t kLines = 10;  // of a whole run's log: eight steps, two epochs
  constexpr std::uint64_t kSeed = 20;
  const TemporaryFolder folder;
  const fs::path data = folder.path() / "data.h5";
  write_waves(data, kSmallData);
  const std::vector<Strings> ways{{"--previous", "baseline"},
                                  {"--previous", "own", "--unroll", "2"},
                                  {"--previous", "baseline", "--bn", "keras"}};
  std::vector<double> seconds;
  for (std::size_t way = 0; way < ways.size(); ++way) {
    const auto start = Clock::now();
    finish(training(data, folder.path() / ("whole" + std::to_string(way)), ways[way]));
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }

  Rng rng(kSeed);
  int kills = 0;
  for (std::size_t attempt = 0; kills < kKills; ++attempt) {
    const std::size_t way = attempt % ways.size();
    const fs::path run = folder.path() / ("run" + std::to_string(attempt));
    Strings options = ways[way];
    options.insert(options.end(), {"--resume", "--save-every", attempt % 2 == 0 ? "0" : "1"});
    std::string history =
        "seed " + std::to_string(kSeed) + ", killed after lines of the log + seconds:";
    for (;;) {
      // A while after one of the next steps; when they end before, it ends by itself.
      const auto wanted = lines_of(run / "log.jsonl") + static_cast<std::size_t>(rng.uniform(0, 4));
      const double delay = rng.uniform(0, seconds[way] / kLines);
      RunningProgram program(AFTERGLOW_PROGRAM, training(data, run, options));
      const auto wait_while = [&](const auto& condition) {
        while (kills < kKills && program.running() && condition()) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      };
      wait_while([&] { return lines_of(run / "log.jsonl") < wanted; });
      const auto end = Clock::now() + std::chrono::duration<double>(delay);
      wait_while([&] { return Clock::now() < end; });
      if (kills < kKills && program.running()) program.send(SIGKILL);
      const ProgramResult result = program.wait();
      if (result.signal == SIGKILL) {
        ++kills;
        history += " " + std::to_string(wanted) + "+" + std::to_string(delay);
        continue;
      }
      INFO(history << "\n" << result.err);
      REQUIRE(result.exit_code == 0);
      check_same_runs(run, folder.path() / ("whole" + std::to_string(way)));
      CHECK(std::distance(fs::directory_iterator(run), {}) == 5);  // no leftovers
      break;
    }
    WARN(history);
    fs::remove_all(run);
  }
}

}  // namespace afterglow::test
