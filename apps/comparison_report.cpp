#include "apps/comparison_report.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <optional>
#include <sstream>

#include "apps/commands.hpp"
#include "apps/comparison_rows.hpp"
#include "kernels/device.hpp"

namespace afterglow {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;
constexpr const char* kFidelity = "psnr";
constexpr const char* kColour = "colorfulness";

/// An argument as a shell reads it.
std::string shell_word(const std::string& text) {
  const std::string plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:+";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

/// The command that this process was started with.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string argument;
  std::getline(file, argument, '\0');
  std::string line = "afterglow";
  while (std::getline(file, argument, '\0')) line += " " + shell_word(argument);
  return line;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Json made_json(const ComparisonState& state) {
  utsname system{};
  uname(&system);
  double seconds = 0;
  for (const RunStatus& status : state.statuses) {
    seconds += status.log.step_seconds + status.log.other_seconds;
  }
  return {{"at", utc_now()},
          {"version", kVersion},
          {"commit", commit()},
          {"command", command_line()},
          {"device", state.device},
          {"devices", describe_devices()},
          {"system", std::string(system.sysname) + " " + system.release + " " + system.machine},
          {"training_seconds", seconds}};
}

Json data_json(const ComparisonData& data) {
  const DatasetHeader& header = data.dataset->header();
  Json json = {{"file", data.path.filename().string()},
               {"sha256", data.sha256},
               {"fit", fit_name(header.fit)},
               {"colorizer", header.colorizer},
               {"colorizer_sha256", header.colorizer_sha256},
               {"held_out", split_name(data.held_out)},
               {"shown_clip", data.first_held_out().id}};
  for (const ClipInfo& clip : data.dataset->clips(data.held_out)) {
    json["held_out_clips"].push_back({{"id", clip.id}, {"frames", clip.frames}});
  }
  for (const Split split : {Split::kTrain, Split::kVal, Split::kTest}) {
    std::int64_t frames = 0;
    for (const ClipInfo& clip : data.dataset->clips(split)) frames += clip.frames;
    json["splits"][split_name(split)] = {{"clips", data.dataset->clips(split).size()},
                                         {"frames", frames}};
  }
  return json;
}

/// Means over the steps of an epoch.
Json epoch_json(const TrainingLog& log, std::int64_t epoch) {
  double loss = 0, fidelity = 0, temporal = 0;
  double count = 0;
  for (const TrainingLog::Step& step : log.steps) {
    if (step.epoch != epoch) continue;
    loss += step.loss;
    fidelity += step.fidelity;
    temporal += step.temporal;
    ++count;
  }
  return {{"epoch", epoch},
          {"loss", loss / count},
          {"fidelity", fidelity / count},
          {"temporal", temporal / count}};
}

Json training_json(const TrainingLog& log) {
  Json json = Json::object();
  if (log.steps.empty()) return json;
  json["first_epoch"] = epoch_json(log, log.steps.front().epoch);
  json["last_epoch"] = epoch_json(log, log.steps.back().epoch);
  for (const TrainingLog::Epoch& epoch : log.validations) {
    if (!epoch.best) continue;
    json["best_validation"] = {{"epoch", epoch.epoch},
                               {"loss", epoch.loss},
                               {"fidelity", epoch.fidelity},
                               {"temporal", epoch.temporal}};
  }
  return json;
}

/// The rows that stand beside every result: truth, gray, baseline, and what is made of it.
Json reference_rows(const Json& scores) {
  const Json truth = scores["mean"].value("truth", Json::object());
  Json rows = Json::object();
  const auto add = [&](const std::string& key) {
    const Json row = measured_row(scores, key);
    rows[key] = row["mean"];
    rows[key]["marks"] = key == "truth" ? std::vector<std::string>{} : marks_of({row}, truth);
    rows[key]["interval_95"] = row["interval_95"];
    rows[key]["clips"] = row["clips"];
  };
  for (const char* first : {"truth", "gray"}) {
    if (scores["mean"].contains(first)) add(first);
  }
  for (const auto& [key, row] : scores["mean"].items()) {
    if (row.is_object() && key != "result" && !rows.contains(key)) add(key);
  }
  return rows;
}

Json run_json(const ComparisonState& state, std::size_t index, Json& references) {
  const ComparedRun& run = state.runs[index];
  const RunStatus& status = state.statuses[index];
  Json json = {{"name", run.name},
               {"identity", run.identity},
               {"folder", (run.folder.parent_path().filename() / run.folder.filename()).string()},
               {"state", run_state_name(status.state)}};
  if (!status.message.empty()) json["message"] = status.message;
  json["train"] = run.train;
  if (!run.weights_sha256.empty()) json["vgg16_weights_sha256"] = run.weights_sha256;
  json["steps"] = status.log.steps.size();
  json["steps_planned"] = run.steps();
  json["seconds"] = status.log.step_seconds + status.log.other_seconds;
  json["training"] = training_json(status.log);
  json["scores"] = Json::object();
  for (const Inference& inference : run.inferences) {
    const std::optional<Json> scores = read_scores(run.scores(inference));
    if (!scores) continue;
    json["scores"][inference.name()] = measured_row(*scores, "result");
    if (references.empty()) references = reference_rows(*scores);
  }
  return json;
}

/// What was measured of a configuration with a seed; nothing yet, or where that run was lost.
std::optional<Json> row_of(const ComparisonState& state, std::size_t configuration,
                           std::uint64_t seed, const Json& runs) {
  const std::vector<std::uint64_t>& seeds = state.plan[configuration].seeds;
  const auto found = std::find(seeds.begin(), seeds.end(), seed);
  if (found == seeds.end()) return std::nullopt;
  const auto at = static_cast<std::size_t>(found - seeds.begin());
  const Json& scores = runs[state.run_of[configuration][at]]["scores"];
  const std::string inference = state.plan[configuration].inference.name();
  if (!scores.contains(inference)) return std::nullopt;
  return std::make_optional<Json>(scores[inference]);
}

/// What a configuration departs from: the first that departs in nothing, of its network and beta.
std::optional<std::size_t> base_of(const ComparisonState& state, std::size_t configuration) {
  const auto options = [&](std::size_t index) -> const TrainOptions& {
    return state.runs[state.run_of[index].front()].options;
  };
  if (state.plan[configuration].departs.empty()) return std::nullopt;
  for (std::size_t i = 0; i < state.plan.size(); ++i) {
    if (state.plan[i].departs.empty() && options(i).arch == options(configuration).arch &&
        options(i).beta == options(configuration).beta) {
      return i;
    }
  }
  return std::nullopt;
}

/// A configuration against its base: seed by seed, of those that both were measured with.
Json against_json(const ComparisonState& state, std::size_t configuration, std::size_t base,
                  const Json& runs) {
  Json seeds = Json::array();
  std::vector<Json> bases, differences;
  for (const std::uint64_t seed : state.plan[configuration].seeds) {
    const auto row = row_of(state, configuration, seed, runs);
    const auto base_row = row_of(state, base, seed, runs);
    if (!row || !base_row) continue;
    seeds.push_back(seed);
    bases.push_back(*base_row);
    differences.push_back(row_difference(*row, *base_row));
  }
  return {{"base", state.plan[base].name},
          {"seeds", seeds},
          {"base_metrics", over_seeds(bases)},
          {"difference", over_seeds(differences)}};
}

Json configuration_json(const ComparisonState& state, std::size_t index, const Json& runs,
                        const Json& truth) {
  const Configuration& configuration = state.plan[index];
  const TrainOptions& options = state.runs[state.run_of[index].front()].options;
  Json json = {{"name", configuration.name},   {"departs", configuration.departs},
               {"arch", options.arch},         {"beta", options.beta},
               {"train", configuration.train}, {"inference", configuration.inference.name()},
               {"seeds", configuration.seeds}, {"runs", Json::array()}};
  std::vector<Json> rows;
  for (std::size_t i = 0; i < configuration.seeds.size(); ++i) {
    json["runs"].push_back(runs[state.run_of[index][i]]["name"]);
    if (const auto row = row_of(state, index, configuration.seeds[i], runs)) rows.push_back(*row);
  }
  json["scored"] = rows.size();
  json["marks"] = marks_of(rows, truth);
  json["metrics"] = over_seeds(rows);
  json["clips"] = clips_over_seeds(rows);
  if (const auto base = base_of(state, index)) {
    json["against"] = against_json(state, index, *base, runs);
  }
  return json;
}

std::string csv_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

}  // namespace

Json comparison_report(const ComparisonState& state) {
  Json references = Json::object();
  Json runs = Json::array();
  for (std::size_t i = 0; i < state.runs.size(); ++i) {
    runs.push_back(run_json(state, i, references));
  }
  const Json truth = references.value("truth", Json::object());
  Json configurations = Json::array();
  for (std::size_t i = 0; i < state.plan.size(); ++i) {
    configurations.push_back(configuration_json(state, i, runs, truth));
  }
  // Along the motion where that was measured; else between frames in place.
  const std::string stability = truth.contains("ewarp_dis") ? "ewarp_dis" : "temporal_mse";
  mark_pareto(configurations, {kFidelity, stability, kColour}, truth);
  return {{"format", "afterglow comparison"},
          {"format_version", kFormatVersion},
          {"made", made_json(state)},
          {"data", data_json(state.data)},
          {"front", {{"fidelity", kFidelity}, {"stability", stability}, {"colour", kColour}}},
          {"references", references},
          {"configurations", configurations},
          {"runs", runs}};
}

std::string comparison_curves(const ComparisonState& state) {
  std::ostringstream text;
  text << "run,epoch,step,loss,fidelity,temporal\n";
  for (std::size_t i = 0; i < state.runs.size(); ++i) {
    for (const TrainingLog::Step& step : state.statuses[i].log.steps) {
      text << state.runs[i].name << ',' << step.epoch << ',' << step.step << ','
           << csv_number(step.loss) << ',' << csv_number(step.fidelity) << ','
           << csv_number(step.temporal) << '\n';
    }
  }
  return text.str();
}

}  // namespace afterglow
