#include "apps/comparison_queue.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <thread>
#include <utility>

#include "apps/commands.hpp"
#include "apps/comparison_rows.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/output_file.hpp"
#include "base/progress.hpp"

namespace afterglow {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPoll{50};
constexpr std::chrono::milliseconds kTerminalInterval{500};
constexpr std::chrono::seconds kPlainInterval{30};

RunState state_of(Stage::Kind kind) {
  switch (kind) {
    case Stage::Kind::kTrain:
      return RunState::kTraining;
    case Stage::Kind::kColorize:
      return RunState::kColoring;
    case Stage::Kind::kEvaluate:
      break;
  }
  return RunState::kMeasuring;
}

/// The last line with anything in it; without the program's name before an error.
std::string last_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  const std::string name = "afterglow: ";
  return one_line(last.starts_with(name) ? last.substr(name.size()) : last);
}

/// How a run with nothing left to do has ended.
struct Ending {
  RunState state = RunState::kDone;
  std::string message;
};

Ending ending_of(const ComparedRun& run) {
  if (std::filesystem::exists(run.diverged())) {
    return {RunState::kDiverged, last_line(run.diverged())};
  }
  for (const Inference& inference : run.inferences) {
    const std::filesystem::path scores = run.scores(inference);
    if (read_scores(scores)) continue;
    return {RunState::kFailed,
            scores.string() + ": holds no scores; remove it, and it is made again"};
  }
  return {};
}

/// Threads of each of `jobs` processes that share the cores; 0 where the user has said it.
int threads_for(int jobs) {
  if (jobs == 1 || std::getenv("OMP_NUM_THREADS") != nullptr) return 0;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / jobs);
}

/// Rows and columns of the terminal.
winsize terminal_size() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
    return size;
  }
  size.ws_row = 24;
  size.ws_col = 80;
  return size;
}

std::string table_line(const ComparedRun& run, const RunStatus& status, std::size_t name_width) {
  const auto done = static_cast<std::int64_t>(status.log.steps.size());
  std::string line = run.name + std::string(name_width - run.name.size(), ' ');
  char text[120];
  std::snprintf(text, sizeof text, "  %-9s  step %lld/%lld", run_state_name(status.state).c_str(),
                static_cast<long long>(done), static_cast<long long>(run.steps()));
  line += text;
  if (done > 0) {
    const double rate = status.log.step_seconds / static_cast<double>(done);
    std::snprintf(text, sizeof text, "  loss %.1f  %.2f s/step", status.log.steps.back().loss,
                  rate);
    line += text;
    if (status.state == RunState::kTraining) {
      line += "  " + format_duration(rate * static_cast<double>(run.steps() - done)) + " left";
    }
  }
  return line;
}

}  // namespace

std::string run_state_name(RunState state) {
  switch (state) {
    case RunState::kWaiting:
      return "waiting";
    case RunState::kTraining:
      return "training";
    case RunState::kColoring:
      return "colouring";
    case RunState::kMeasuring:
      return "measuring";
    case RunState::kDone:
      return "done";
    case RunState::kDiverged:
      return "diverged";
    case RunState::kFailed:
      break;
  }
  return "failed";
}

std::optional<double> remaining_seconds(const std::vector<ComparedRun>& runs,
                                        const std::vector<RunStatus>& statuses, int jobs) {
  struct Rate {
    double seconds = 0;
    double steps = 0;
  };
  Rate all;
  std::map<std::string, Rate> by_arch;
  const auto add = [](Rate& rate, const TrainingLog& log) {
    rate.seconds += log.step_seconds;
    rate.steps += static_cast<double>(log.steps.size());
  };
  for (std::size_t i = 0; i < runs.size(); ++i) {
    add(all, statuses[i].log);
    add(by_arch[runs[i].options.arch], statuses[i].log);
  }
  if (all.steps == 0) return std::nullopt;
  double seconds = 0;
  double waiting = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RunStatus& status = statuses[i];
    if (status.state >= RunState::kColoring) continue;
    Rate own;
    add(own, status.log);
    const Rate& arch = by_arch[runs[i].options.arch];
    const Rate& rate = own.steps > 0 ? own : arch.steps > 0 ? arch : all;
    seconds += (static_cast<double>(runs[i].steps()) - own.steps) * rate.seconds / rate.steps;
    ++waiting;
  }
  return seconds / std::max(1.0, std::min(waiting, static_cast<double>(jobs)));
}

ComparisonQueue::ComparisonQueue(const std::vector<ComparedRun>& runs,
                                 const BackendOptions& backend, const ComparisonData& data,
                                 const Limits& limits)
    : runs_(runs),
      backend_(backend),
      data_(data),
      limits_(limits),
      threads_(threads_for(limits.jobs)),
      statuses_(runs.size()),
      terminal_(isatty(STDERR_FILENO) == 1),
      shown_(Clock::now()) {
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    statuses_[i].log.update(runs_[i].log());
    if (next_stage(runs_[i], backend_, data_)) continue;
    const Ending ending = ending_of(runs_[i]);
    statuses_[i].state = ending.state;
    statuses_[i].message = ending.message;
  }
}

void ComparisonQueue::work() {
  const auto start = Clock::now();
  const auto waits = [this](std::size_t run) { return statuses_[run].state == RunState::kWaiting; };
  std::size_t next = 0;
  for (;;) {
    if (interrupted()) {
      stop();
      throw Interrupted("interrupted; what was done is kept, and the same command goes on");
    }
    if (limits_.budget && Clock::now() - start > *limits_.budget) {
      stop();
      return;
    }
    while (jobs_.size() < static_cast<std::size_t>(limits_.jobs) && next < runs_.size()) {
      if (waits(next)) go_on(next);
      ++next;
    }
    if (jobs_.empty()) break;
    if (!collect(false)) std::this_thread::sleep_for(kPoll);
    show(false);
  }
  show(true);
}

void ComparisonQueue::go_on(std::size_t run) {
  const ComparedRun& compared = runs_[run];
  std::optional<Stage> stage = next_stage(compared, backend_, data_);
  if (!stage) {
    const Ending ending = ending_of(compared);
    set_state(run, ending.state, ending.message);
    return;
  }
  std::error_code error;
  std::filesystem::create_directories(compared.folder, error);
  auto process = std::make_unique<ChildProcess>(stage->arguments, compared.output(), threads_);
  set_state(run, state_of(stage->kind));
  jobs_.push_back({run, std::move(*stage), std::move(process)});
}

void ComparisonQueue::finish(const Job& job, int exit_code) {
  const ComparedRun& run = runs_[job.run];
  if (exit_code == 0) {
    const std::optional<Stage> next = next_stage(run, backend_, data_);
    if (!next || next->makes != job.stage.makes) {
      go_on(job.run);
      return;
    }
    set_state(job.run, RunState::kFailed, "did not make " + job.stage.makes.string());
    return;
  }
  if (exit_code > 128) {  // nothing says why
    set_state(job.run, RunState::kFailed, "ended by signal " + std::to_string(exit_code - 128));
    return;
  }
  const std::string message = last_line(run.output());
  // The same training would diverge again; everything else is worth another try.
  if (job.stage.kind == Stage::Kind::kTrain && exit_code == kExitFailed &&
      message.starts_with("training: ")) {
    write_text_file(run.diverged(), message + "\n");
    set_state(job.run, RunState::kDiverged, message);
    return;
  }
  set_state(job.run, RunState::kFailed, message);
}

void ComparisonQueue::set_state(std::size_t run, RunState state, const std::string& message) {
  statuses_[run].state = state;
  statuses_[run].message = message;
  if (terminal_) return;
  std::string line = runs_[run].name + ": " + run_state_name(state);
  if (!message.empty()) line += ": " + message;
  std::fprintf(stderr, "%s\n", line.c_str());
}

void ComparisonQueue::stop() {
  for (const Job& job : jobs_) job.process->interrupt();
  while (!jobs_.empty()) {
    if (!collect(true)) std::this_thread::sleep_for(kPoll);
  }
}

bool ComparisonQueue::collect(bool stopping) {
  const auto ended = std::find_if(jobs_.begin(), jobs_.end(), [](const Job& job) {
    return job.process->exit_code().has_value();
  });
  if (ended == jobs_.end()) return false;
  const Job job = std::move(*ended);
  jobs_.erase(ended);
  // From its beginning: a training that was resumed has cut it back.
  TrainingLog& log = statuses_[job.run].log;
  log = {};
  log.update(runs_[job.run].log());
  if (stopping) {
    set_state(job.run,
              next_stage(runs_[job.run], backend_, data_) ? RunState::kWaiting : RunState::kDone);
  } else {
    finish(job, *job.process->exit_code());
  }
  return true;
}

void ComparisonQueue::show(bool now) {
  const auto interval =
      terminal_ ? Clock::duration(kTerminalInterval) : Clock::duration(kPlainInterval);
  if (!now && Clock::now() - shown_ < interval) return;
  if (now && !terminal_) return;  // every end had its line
  shown_ = Clock::now();
  for (const Job& job : jobs_) statuses_[job.run].log.update(runs_[job.run].log());
  const winsize size = terminal_size();
  const bool all = terminal_ && runs_.size() + 2 < size.ws_row;
  std::size_t name_width = 0;
  for (const ComparedRun& run : runs_) name_width = std::max(name_width, run.name.size());
  std::vector<std::string> lines;
  std::size_t finished = 0;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const RunState state = statuses_[i].state;
    if (state >= RunState::kDone) ++finished;
    const bool active = state > RunState::kWaiting && state < RunState::kDone;
    if (all || active) lines.push_back(table_line(runs_[i], statuses_[i], name_width));
  }
  std::string total =
      std::to_string(finished) + " of " + std::to_string(runs_.size()) + " runs finished";
  if (const auto seconds = remaining_seconds(runs_, statuses_, limits_.jobs); seconds && !now) {
    total += "; about " + format_duration(*seconds) + " of training left";
  }
  lines.push_back(total);
  if (lines_shown_ > 0) std::fprintf(stderr, "\033[%zuA\033[J", lines_shown_);
  for (const std::string& line : lines) {  // a wrapped line would count as two
    const std::string shown = terminal_ ? line.substr(0, size.ws_col - 1U) : line;
    std::fprintf(stderr, "%s\n", shown.c_str());
  }
  lines_shown_ = terminal_ ? lines.size() : 0;
}

}  // namespace afterglow
