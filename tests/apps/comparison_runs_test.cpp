// What a comparison makes of a training's log.
#include "apps/comparison_runs.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "apps/comparison_queue.hpp"
#include "apps/fixtures.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

struct Log {
  TemporaryFolder folder;
  fs::path path = folder.path() / "log.jsonl";
  int step = 0;

  void add(double seconds) {
    std::ofstream(path, std::ios::app)
        << R"({"step":)" << ++step << R"(,"epoch":1,"loss":5.0,"seconds":)" << seconds << "}\n";
  }
};

ComparedRun run_of_steps(std::int64_t steps) {
  ComparedRun run;
  run.steps_per_epoch = steps;
  run.options.epochs = 1;
  return run;
}

}  // namespace

TEST_CASE_METHOD(Log, "a pause in a training is none of its steps' time") {
  for (int i = 0; i < 10; ++i) add(0.5);
  TrainingLog log;
  log.update(path);
  CHECK(log.step_seconds == Approx(5));
  add(3600);  // it was stopped, and went on
  for (int i = 0; i < 9; ++i) add(0.5);
  log.update(path);
  REQUIRE(log.steps.size() == 20);
  CHECK(log.step_seconds == Approx(10));
  RunStatus status;
  status.state = RunState::kTraining;
  status.log = log;
  const auto left = remaining_seconds({run_of_steps(100)}, {status}, 1);
  REQUIRE(left);
  CHECK(*left == Approx(80 * 0.5));
  fs::remove(path);  // by another training of fewer steps
  step = 0;
  add(2);
  log.update(path);
  CHECK(log.steps.size() == 1);
  CHECK(log.step_seconds == Approx(2));
}

TEST_CASE_METHOD(Log,
                 "steps of fewer frames, and some that take twice as long, count as they are") {
  for (int i = 0; i < 10; ++i) {
    add(0.1);  // the end of a clip
    add(i % 5 == 0 ? 2 : 1);
  }
  TrainingLog log;
  log.update(path);
  CHECK(log.step_seconds == Approx(10 * 0.1 + 8 * 1 + 2 * 2));
}

}  // namespace afterglow::test
