// Does the runs of a comparison, several at a time, and shows how they come along.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/child_process.hpp"
#include "apps/comparison_runs.hpp"

namespace afterglow {

/// Where a run stands.
enum class RunState { kWaiting, kTraining, kColoring, kMeasuring, kDone, kDiverged, kFailed };

/// For tables and files.
std::string run_state_name(RunState state);

struct RunStatus {
  RunState state = RunState::kWaiting;
  std::string message;  // why it diverged or failed
  TrainingLog log;
};

/// Seconds that the steps of `runs` which are still to do will take, by the steps logged so far: a
/// run's own, else those of its network, else of any. Nothing before the first step of all.
std::optional<double> remaining_seconds(const std::vector<ComparedRun>& runs,
                                        const std::vector<RunStatus>& statuses, int jobs);

class ComparisonQueue {
 public:
  struct Limits {
    int jobs = 1;
    std::optional<std::chrono::duration<double>> budget;  // nothing: until all is done
  };

  /// Keeps references to all of them.
  ComparisonQueue(const std::vector<ComparedRun>& runs, const BackendOptions& backend,
                  const ComparisonData& data, const Limits& limits);

  /// Works until every run is done, has diverged or failed, or the budget is spent: then trainings
  /// are saved and the rest waits. Throws Interrupted after Ctrl-C, with trainings saved.
  void work();

  /// One a run.
  const std::vector<RunStatus>& statuses() const { return statuses_; }

 private:
  struct Job {
    std::size_t run = 0;
    Stage stage;
    std::unique_ptr<ChildProcess> process;
  };

  /// Begins the run's next stage, or says how it ended.
  void go_on(std::size_t run);
  void finish(const Job& job, int exit_code);
  void set_state(std::size_t run, RunState state, const std::string& message = {});
  /// Interrupts all jobs and waits for them.
  void stop();
  /// Of those jobs that ended, goes on with their runs unless `stopping`; true when any did.
  bool collect(bool stopping);
  void show(bool now);

  const std::vector<ComparedRun>& runs_;
  const BackendOptions& backend_;
  const ComparisonData& data_;
  Limits limits_;
  int threads_;
  std::vector<RunStatus> statuses_;
  std::vector<Job> jobs_;
  bool terminal_;
  std::size_t lines_shown_ = 0;  // of the live table, on a terminal
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace afterglow
