// The runs of a comparison: folders that are named by their content, and what is left to do in
// each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/comparison_plan.hpp"
#include "data/dataset.hpp"

namespace afterglow {

/// What all runs learn from and are measured on.
struct ComparisonData {
  std::filesystem::path path;
  std::shared_ptr<const Dataset> dataset;
  std::string sha256;             // of all its content but flow
  Split held_out = Split::kTest;  // kVal where there are no test clips

  const ClipInfo& first_held_out() const;
};

/// Opens the dataset. Throws InputError when it is none, is not 128 x 128, or has no clips to train
/// on or none held out.
ComparisonData open_comparison_data(const std::filesystem::path& path);

/// A training, and the ways in which its network colours the held-out clips.
struct ComparedRun {
  std::string name;      // of the first configuration that wants it, with the seed
  std::string identity;  // SHA-256 of all that decides the outcome
  std::filesystem::path folder;
  TrainOptions options;
  std::string weights_sha256;      // of --vgg16-weights; empty without
  std::vector<std::string> train;  // options of `afterglow train`, --NAME=VALUE
  std::vector<Inference> inferences;
  std::int64_t steps_per_epoch = 0;

  std::int64_t steps() const { return steps_per_epoch * options.epochs; }
  std::filesystem::path log() const { return folder / "log.jsonl"; }
  std::filesystem::path model() const { return folder / "model.h5"; }
  std::filesystem::path output() const { return folder / "output.txt"; }      // of all its commands
  std::filesystem::path diverged() const { return folder / "diverged.txt"; }  // the reason
  std::filesystem::path result(const Inference& inference) const;
  std::filesystem::path scores(const Inference& inference) const;
};

/// The runs of a plan in folders below `runs`; configurations that train alike share one.
/// run_of[c][s] becomes the run of configuration c with its seed number s. Throws InputError when a
/// file that a configuration names cannot be read.
std::vector<ComparedRun> make_runs(const std::vector<Configuration>& plan,
                                   const BackendOptions& backend, const ComparisonData& data,
                                   const std::filesystem::path& runs,
                                   std::vector<std::vector<std::size_t>>& run_of);

/// The next thing to do in a run: a command of the program, and the file that it makes.
struct Stage {
  enum class Kind { kTrain, kColorize, kEvaluate } kind = Kind::kTrain;
  std::vector<std::string> arguments;
  std::filesystem::path makes;
};

/// What comes next by the files that are there; nothing when all is done, or the training diverged.
std::optional<Stage> next_stage(const ComparedRun& run, const BackendOptions& backend,
                                const ComparisonData& data);

/// A training's log so far.
struct TrainingLog {
  struct Step {
    std::int64_t step = 0, epoch = 0;  // from 1
    double loss = 0, fidelity = 0, temporal = 0;
  };
  struct Epoch {
    std::int64_t epoch = 0;
    double loss = 0, fidelity = 0, temporal = 0;  // of validation
    bool best = false;
  };

  std::vector<Step> steps;
  std::vector<Epoch> validations;
  /// Of all steps, without pauses (a stopped process, a machine that sleeps): a step that took more
  /// than four times as long as nine in ten do at most counts as one of these.
  double step_seconds = 0;
  double other_seconds = 0;  // of what comes between epochs

  /// Reads what was added to the file; all of it again when it was cut back.
  void update(const std::filesystem::path& path);

 private:
  std::uint64_t read_ = 0;       // bytes
  std::vector<double> seconds_;  // of each step
};

}  // namespace afterglow
