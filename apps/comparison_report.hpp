// What came out of a comparison, in numbers: report.json and curves.csv (docs/formats.md).
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/comparison_queue.hpp"

namespace afterglow {

/// A comparison with all that is known of it.
struct ComparisonState {
  const ComparisonData& data;
  const std::vector<Configuration>& plan;
  const std::vector<ComparedRun>& runs;
  const std::vector<std::vector<std::size_t>>& run_of;  // make_runs
  const std::vector<RunStatus>& statuses;
  std::string device;  // what --device says
};

/// Everything for report.json, from the files of the runs. What differs from one call of the same
/// command to the next (times, machine) lies in "made" and in the runs' "seconds". Scores that
/// cannot be read count as none; the run's status says so (ComparisonQueue).
nlohmann::ordered_json comparison_report(const ComparisonState& state);

/// run,epoch,step,loss,fidelity,temporal: a line for every step of every run.
std::string comparison_curves(const ComparisonState& state);

}  // namespace afterglow
