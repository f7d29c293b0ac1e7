#include "apps/comparison_report.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <optional>
#include <sstream>

#include "apps/commands.hpp"
#include "apps/comparison_json.hpp"
#include "apps/score_report.hpp"
#include "base/error.hpp"
#include "kernels/device.hpp"

namespace afterglow {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;
constexpr const char* kFidelity = "psnr";

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

Json read_scores(const std::filesystem::path& path) {
  std::ifstream file(path);
  Json scores = Json::parse(file, nullptr, false);
  if (scores.is_object() && scores.contains("mean") && scores["mean"].contains("result") &&
      scores.contains("clips")) {
    return scores;
  }
  throw InputError(path.string(), "holds no scores", "remove it, and it is made again");
}

/// Of evaluate's rows, the one that was measured.
Json result_scores(const Json& scores) {
  Json json = {{"mean", scores["mean"]["result"]}, {"clips", Json::array()}};
  for (const Json& clip : scores["clips"]) {
    json["clips"].push_back({{"id", clip["id"]}, {"scores", clip["result"]}});
  }
  return json;
}

/// The rows that stand beside every result: truth, gray, baseline, and what is made of it.
Json reference_rows(const Json& scores) {
  Json rows = Json::object();
  const Json& mean = scores["mean"];
  for (const char* first : {"truth", "gray"}) {
    if (mean.contains(first)) rows[first] = mean[first];
  }
  for (const auto& [key, row] : mean.items()) {
    if (row.is_object() && key != "result" && !rows.contains(key)) rows[key] = row;
  }
  return rows;
}

/// Why rows of scores, one a seed, are not to be trusted, a text a reason; none when they may be.
/// One such seed is enough: a mean would hide it.
std::vector<std::string> marks_of(const std::vector<Json>& rows, const Json& truth) {
  std::vector<std::string> reasons;
  const auto check = [&](const char* key, double least, const char* name) {
    const auto true_value = number_in(truth, key);
    if (!true_value) return;
    double lowest = INFINITY;
    std::size_t below = 0;
    for (const Json& row : rows) {
      const auto value = number_in(row, key);
      if (!value || *value >= least * *true_value) continue;
      lowest = std::min(lowest, std::floor(100 * *value / *true_value));
      ++below;
    }
    if (below == 0) return;
    char text[120];
    if (rows.size() == 1) {
      std::snprintf(text, sizeof text, "%s %.0f %% of the truth's", name, lowest);
    } else {
      std::snprintf(text, sizeof text, "%s down to %.0f %% of the truth's (%zu of %zu seeds)", name,
                    lowest, below, rows.size());
    }
    reasons.emplace_back(text);
  };
  check("colorfulness", kLeastColourful, "colourfulness");
  check("temporal_mse", kLeastTemporal, "temporal MSE");
  return reasons;
}

/// Mean and range over seeds of every number of their scores.
Json over_seeds(const std::vector<Json>& rows) {
  Json json = Json::object();
  if (rows.empty()) return json;
  for (const auto& [key, ignored] : rows.front().items()) {
    if (key == "frames") continue;
    double sum = 0, low = INFINITY, high = -INFINITY;
    int count = 0;
    for (const Json& row : rows) {
      const auto value = number_in(row, key);
      if (!value) continue;
      sum += *value;
      low = std::min(low, *value);
      high = std::max(high, *value);
      ++count;
    }
    if (count == 0) continue;
    json[key] = {{"mean", sum / count}, {"low", low}, {"high", high}, {"n", count}};
  }
  return json;
}

/// The means alone, as a row of scores.
Json means_of(const Json& metrics) {
  Json row = Json::object();
  for (const auto& [key, value] : metrics.items()) row[key] = value["mean"];
  return row;
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
    if (!std::filesystem::exists(run.scores(inference))) continue;
    const Json scores = read_scores(run.scores(inference));
    json["scores"][inference.name()] = result_scores(scores);
    if (references.empty()) references = reference_rows(scores);
  }
  return json;
}

Json configuration_json(const ComparisonState& state, std::size_t index, const Json& runs,
                        const Json& references) {
  const Configuration& configuration = state.plan[index];
  const TrainOptions& options = state.runs[state.run_of[index].front()].options;
  Json json = {{"name", configuration.name},
               {"departs", configuration.departs},
               {"arch", options.arch},
               {"beta", options.beta},
               {"train", configuration.train},
               {"inference", configuration.inference.name()},
               {"seeds", configuration.seeds},
               {"runs", Json::array()},
               {"scored", 0},
               {"marks", Json::array()}};
  std::vector<Json> rows;
  for (const std::size_t run : state.run_of[index]) {
    json["runs"].push_back(runs[run]["name"]);
    const Json& scores = runs[run]["scores"];
    const std::string inference = configuration.inference.name();
    if (scores.contains(inference)) {
      rows.push_back(scores[inference]["mean"]);
    }
  }
  json["scored"] = rows.size();
  json["metrics"] = over_seeds(rows);
  if (!rows.empty() && references.contains("truth")) {
    json["marks"] = marks_of(rows, references["truth"]);
  }
  return json;
}

/// Marks the configurations that no other beats in both fidelity and stability. Those with marks of
/// their own are out of the competition.
void mark_pareto(Json& configurations, const std::string& stability) {
  struct Point {
    Json* configuration;
    double fidelity;
    double instability;
  };
  std::vector<Point> points;
  for (Json& configuration : configurations) {
    configuration["pareto"] = false;
    const Json means = means_of(configuration["metrics"]);
    const auto fidelity = number_in(means, kFidelity);
    const auto instability = number_in(means, stability);
    if (!configuration["marks"].empty() || !fidelity || !instability) continue;
    points.push_back({&configuration, *fidelity, *instability});
  }
  for (const Point& point : points) {
    (*point.configuration)["pareto"] =
        std::none_of(points.begin(), points.end(), [&](const Point& other) {
          return other.fidelity >= point.fidelity && other.instability <= point.instability &&
                 (other.fidelity > point.fidelity || other.instability < point.instability);
        });
  }
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
  for (auto& [key, row] : references.items()) {
    row["marks"] =
        key == "truth" ? std::vector<std::string>{} : marks_of({row}, references["truth"]);
  }
  Json configurations = Json::array();
  for (std::size_t i = 0; i < state.plan.size(); ++i) {
    configurations.push_back(configuration_json(state, i, runs, references));
  }
  // Along the motion where that was measured; else between frames in place.
  const bool warped = references.contains("truth") && references["truth"].contains("ewarp_dis");
  const std::string stability = warped ? "ewarp_dis" : "temporal_mse";
  mark_pareto(configurations, stability);
  return {{"format", "afterglow comparison"},
          {"format_version", kFormatVersion},
          {"made", made_json(state)},
          {"data", data_json(state.data)},
          {"front", {{"fidelity", kFidelity}, {"stability", stability}}},
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
