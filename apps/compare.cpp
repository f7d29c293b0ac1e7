// `afterglow compare`: trains, runs and measures a set of configurations, and reports on them.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <vector>

#include "apps/commands.hpp"
#include "apps/comparison_page.hpp"
#include "apps/comparison_plan.hpp"
#include "apps/comparison_queue.hpp"
#include "apps/comparison_report.hpp"
#include "apps/comparison_runs.hpp"
#include "apps/configuration.hpp"
#include "apps/device_options.hpp"
#include "apps/training_step.hpp"
#include "base/error.hpp"
#include "base/output_file.hpp"
#include "base/progress.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::seconds kLockPatience{5};

struct CompareCommand {
  fs::path data, out;
  ComparisonOptions comparison;
  std::int64_t epochs = 20;
  int batch = 16;
  double learning_rate = 1e-3;
  double clip_norm = 0;
  int jobs = 1;
  double budget = 0;  // minutes; 0: no limit
  bool dry_run = false;
  BackendOptions backend;
};

/// Holds a report's folder against a second call. The children of a killed one hold it, too, until
/// they are gone.
class FolderLock {
 public:
  /// Throws InputError when another call works there, or the folder cannot be opened.
  explicit FolderLock(const fs::path& folder) : descriptor_(open(folder.c_str(), O_RDONLY)) {
    if (descriptor_ < 0) {
      throw InputError(folder.string(), std::strerror(errno), "choose another --out");
    }
    const auto end = std::chrono::steady_clock::now() + kLockPatience;
    while (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        continue;
      }
      const int reason = errno;
      close(descriptor_);
      if (reason != EWOULDBLOCK) {
        throw InputError(folder.string(), std::strerror(reason),
                         "give an --out that can be locked");
      }
      throw InputError(folder.string(), "another afterglow compare works there",
                       "wait for it, or give another --out");
    }
  }
  ~FolderLock() { close(descriptor_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;  // without O_CLOEXEC: children inherit it
};

/// Throws InputError for a folder with other people's files in it.
void check_folder(const fs::path& out) {
  std::error_code error;
  if (!fs::exists(out, error)) return;
  if (!fs::is_directory(out, error)) {
    throw InputError(out.string(), "is not a folder", "give another --out");
  }
  if (!fs::is_empty(out, error) && !fs::is_directory(out / "runs", error)) {
    throw InputError(out.string(), "holds something else than a comparison",
                     "give a new folder as --out");
  }
}

void check_numbers(const CompareCommand& command) {
  if (command.jobs < 1) {
    throw InputError("--jobs", std::to_string(command.jobs) + " is out of range", "use 1 or more");
  }
  if (!(command.budget >= 0)) {
    throw InputError("--budget", "is no time", "use minutes above 0, or leave it out");
  }
}

std::vector<std::string> shared_options(const CompareCommand& command) {
  return {"--epochs=" + std::to_string(command.epochs), "--batch=" + std::to_string(command.batch),
          "--lr=" + number_text(command.learning_rate),
          "--clip-norm=" + number_text(command.clip_norm)};
}

std::size_t count_in(const std::vector<RunStatus>& statuses, RunState state) {
  return static_cast<std::size_t>(
      std::count_if(statuses.begin(), statuses.end(),
                    [state](const RunStatus& status) { return status.state == state; }));
}

/// Seconds of training to go: by the steps done so far, else by a trial of each kind of step, which
/// share the cores however many jobs there are. Nothing where a trial fails: the run itself will
/// say why.
std::optional<double> expected_seconds(const std::vector<ComparedRun>& runs,
                                       const std::vector<RunStatus>& statuses,
                                       const ComparisonData& data, int jobs) {
  if (const auto seconds = remaining_seconds(runs, statuses, jobs)) return seconds;
  std::map<std::tuple<std::string, std::string, std::string, int>, double> step_seconds;
  double sum = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (statuses[i].state != RunState::kWaiting) continue;
    const TrainOptions& options = runs[i].options;
    const auto [step, is_new] =
        step_seconds.try_emplace({options.arch, options.decoder, options.previous, options.batch});
    try {
      if (is_new) step->second = time_training_step(options, data.dataset);
    } catch (const Error&) {
      return std::nullopt;
    }
    sum += step->second * static_cast<double>(runs[i].steps());
  }
  return sum;
}

/// How much there is to do, before it is done.
void tell_plan(const std::vector<ComparedRun>& runs, const std::vector<RunStatus>& statuses,
               const ComparisonData& data, int jobs, bool each) {
  std::int64_t steps = 0, left = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto done = static_cast<std::int64_t>(statuses[i].log.steps.size());
    steps += runs[i].steps();
    if (statuses[i].state == RunState::kWaiting) left += runs[i].steps() - done;
    if (each) {
      std::printf("%s: %s, step %lld of %lld\n", runs[i].name.c_str(),
                  run_state_name(statuses[i].state).c_str(), static_cast<long long>(done),
                  static_cast<long long>(runs[i].steps()));
    }
  }
  std::string text = std::to_string(runs.size()) + " runs, " + std::to_string(steps) + " steps; " +
                     std::to_string(count_in(statuses, RunState::kWaiting)) + " runs with " +
                     std::to_string(left) + " steps to go";
  if (left > 0) {
    const auto seconds = expected_seconds(runs, statuses, data, jobs);
    text += seconds ? ", about " + format_duration(*seconds) + " on this machine, training alone"
                    : "; how long is known after the first steps";
  }
  std::fprintf(each ? stdout : stderr, "%s\n", text.c_str());
}

void write_report(const fs::path& out, const ComparisonState& state) {
  const nlohmann::ordered_json report = comparison_report(state);
  write_text_file(out / "report.json", report.dump(2) + "\n");
  write_text_file(out / "curves.csv", comparison_curves(state));
  const ComparisonPage page = comparison_page(report, state);
  fs::remove_all(out / "figures");  // a call with other rows has other charts
  for (const auto& [name, bytes] : page.figures) write_text_file(out / "figures" / name, bytes);
  write_text_file(out / "index.html", page.html);
}

/// Throws PartlyDone unless every run is done.
void require_all_done(const std::vector<RunStatus>& statuses, const fs::path& page) {
  const std::size_t waiting = count_in(statuses, RunState::kWaiting);
  const std::size_t lost =
      count_in(statuses, RunState::kDiverged) + count_in(statuses, RunState::kFailed);
  const std::string total = " of " + std::to_string(statuses.size()) + " runs ";
  std::string text;
  if (lost > 0) text = std::to_string(lost) + total + "diverged or failed";
  if (waiting > 0) {
    if (!text.empty()) text += ", ";
    text += std::to_string(waiting) + total + "are not done in --budget; the same command goes on";
  }
  if (!text.empty()) throw PartlyDone(page.string() + ": " + text);
}

void compare(CompareCommand& command) {
  check_numbers(command);
  command.comparison.shared = shared_options(command);
  const std::vector<Configuration> plan = make_plan(command.comparison);
  check_folder(command.out);
  const ComparisonData data = open_comparison_data(command.data);
  std::vector<std::vector<std::size_t>> run_of;
  const std::vector<ComparedRun> runs =
      make_runs(plan, command.backend, data, command.out / "runs", run_of);
  ComparisonQueue::Limits limits{command.jobs, {}};
  if (command.budget > 0) limits.budget = std::chrono::duration<double>(60 * command.budget);
  if (command.dry_run) {
    const ComparisonQueue queue(runs, command.backend, data, limits);
    tell_plan(runs, queue.statuses(), data, command.jobs, true);
    return;
  }
  std::error_code error;
  if (fs::create_directories(command.out / "runs", error); error) {
    throw InputError(command.out.string(), "cannot be made: " + error.message(),
                     "choose another --out");
  }
  const FolderLock lock(command.out);
  ComparisonQueue queue(runs, command.backend, data, limits);
  tell_plan(runs, queue.statuses(), data, command.jobs, false);
  queue.work();
  write_report(command.out, {data, plan, runs, run_of, queue.statuses(), command.backend.device});
  std::puts((command.out / "index.html").c_str());
  require_all_done(queue.statuses(), command.out / "index.html");
}

}  // namespace

void add_compare(CLI::App& program) {
  const auto command = std::make_shared<CompareCommand>();
  command->comparison.seeds = {1, 2, 3};
  ComparisonOptions& comparison = command->comparison;
  CLI::App* const app = program.add_subcommand(
      "compare",
      "Train configurations with several seeds, measure them on held-out clips, report; called "
      "again, it goes on and repeats nothing");
  app->add_option("--data", command->data, "dataset of afterglow prepare")->required();
  app->add_option("--out", command->out, "folder for the report and its runs")->required();
  app->add_option("--archs", comparison.archs,
                  "networks of the grid, A,A,... (default: alexnet 0.8, vgg16 1 and vgg16 0.8, as "
                  "in the paper)")
      ->delimiter(',');
  app->add_option("--betas", comparison.betas, "betas of the grid, B,B,...")->delimiter(',');
  app->add_option("--seeds", comparison.seeds, "seeds of every configuration, S,S,...")
      ->delimiter(',')
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--plan", comparison.plan,
                  "TOML file instead of a grid: a [section] a configuration, with options of "
                  "afterglow train, seeds, colorize-previous and departs");
  app->add_option(
         "--ablate", comparison.ablate,
         "further rows on AlexNet, with the first seed: paper-code (what it does otherwise than "
         "the paper's method, at beta 0.8), motion (temporal terms that follow it, at beta 0.8; "
         "needs prepare --flow), betas (0, 0.2, ... 1), or several, A,A")
      ->delimiter(',');
  app->add_option("--epochs", command->epochs, "passes over the data")->capture_default_str();
  app->add_option("--batch", command->batch, "consecutive frames a step")->capture_default_str();
  app->add_option("--lr", command->learning_rate, "Adam's learning rate")->capture_default_str();
  app->add_option("--clip-norm", command->clip_norm,
                  "largest norm of all gradients together; 0: no limit")
      ->capture_default_str();
  app->add_option("--vgg16-weights", comparison.vgg16_weights,
                  "Keras HDF5 file with weights for the VGG16 encoder; vgg16: the fetched one");
  app->add_flag("--vgg16-partial", comparison.vgg16_partial, "accept weights of some blocks only");
  app->add_option("--jobs", command->jobs, "runs at the same time; they share the cores")
      ->capture_default_str();
  app->add_option("--budget", command->budget,
                  "minutes after which trainings are saved and the report is written; 0: no limit")
      ->capture_default_str();
  app->add_flag("--dry-run", command->dry_run, "say what there is to do, and do nothing");
  add_device_options(*app, command->backend);
  app->callback([command, app] {
    run_and_record(*app, command->dry_run ? fs::path() : command->out, [&] { compare(*command); });
  });
}

}  // namespace afterglow
