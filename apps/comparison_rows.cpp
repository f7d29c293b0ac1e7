#include "apps/comparison_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>

#include "apps/comparison_json.hpp"
#include "apps/comparison_texts.hpp"
#include "apps/score_report.hpp"
#include "data/interval.hpp"

namespace afterglow {
namespace {

using Json = nlohmann::ordered_json;

bool are_scores(const Json& json) {
  const auto has_object = [](const Json& parent, const char* key) {
    return parent.is_object() && parent.contains(key) && parent[key].is_object();
  };
  return has_object(json, "mean") && has_object(json["mean"], "result") && json.contains("clips") &&
         json["clips"].is_array() &&
         std::all_of(json["clips"].begin(), json["clips"].end(), [&](const Json& clip) {
           return has_object(clip, "result") && clip.contains("id") && clip["id"].is_string();
         });
}

/// The scores of a clip of a measured row; empty where it has none of that name.
Json clip_scores(const Json& row, const Json& id) {
  for (const Json& clip : row["clips"]) {
    if (clip["id"] == id) return clip["scores"];
  }
  return Json::object();
}

/// Each number of a row less the other's.
Json less(const Json& row, const Json& base) {
  Json difference = Json::object();
  for (const auto& [key, ignored] : row.items()) {
    const auto value = number_in(row, key), other = number_in(base, key);
    if (value && other && key != "frames") difference[key] = *value - *other;
  }
  return difference;
}

/// The less, the better; nothing when nobody says what is good.
std::optional<double> badness(Better better, double value, const std::optional<double>& truth) {
  switch (better) {
    case Better::kHigher:
      return -value;
    case Better::kLower:
      return value;
    case Better::kNearZero:
      return std::abs(value);
    case Better::kLikeTruth:
      if (truth) return std::abs(value - *truth);
      break;
    case Better::kDownToTruth:
      if (truth) return std::max(0.0, value - *truth);
      break;
    case Better::kUnknown:
      break;
  }
  return std::nullopt;
}

/// Of a configuration's mean; nothing, too, where it does not compete.
std::optional<double> badness(const Json& configuration, const std::string& metric,
                              const Json& truth) {
  const auto found = configuration["metrics"].find(metric);
  if (found == configuration["metrics"].end() || !configuration["marks"].empty()) {
    return std::nullopt;
  }
  return badness(metric_text(metric).better, (*found)["mean"].get<double>(),
                 number_in(truth, metric));
}

}  // namespace

std::optional<Json> read_scores(const std::filesystem::path& path) {
  std::ifstream file(path);
  Json scores = Json::parse(file, nullptr, false);
  if (!are_scores(scores)) return std::nullopt;
  return std::make_optional(scores);
}

Json measured_row(const Json& scores, const std::string& key) {
  Json row = {
      {"mean", scores["mean"][key]}, {"interval_95", Json::object()}, {"clips", Json::array()}};
  if (scores.contains("interval_95") && scores["interval_95"].contains(key)) {
    row["interval_95"] = scores["interval_95"][key];
  }
  for (const Json& clip : scores["clips"]) {
    if (clip.contains(key)) row["clips"].push_back({{"id", clip["id"]}, {"scores", clip[key]}});
  }
  return row;
}

Json row_difference(const Json& row, const Json& base) {
  Json difference = {{"mean", less(row["mean"], base["mean"])},
                     {"interval_95", Json::object()},
                     {"clips", Json::array()}};
  for (const Json& clip : row["clips"]) {
    const Json other = clip_scores(base, clip["id"]);
    difference["clips"].push_back({{"id", clip["id"]}, {"scores", less(clip["scores"], other)}});
  }
  for (const auto& [key, ignored] : difference["mean"].items()) {
    std::vector<double> values;
    for (const Json& clip : difference["clips"]) {
      if (const auto value = number_in(clip["scores"], key)) values.push_back(*value);
    }
    const auto interval = mean_interval(values);
    if (!interval || !interval->half_width) continue;
    difference["interval_95"][key] = {{"n", interval->n}, {"half_width", *interval->half_width}};
  }
  return difference;
}

Json over_seeds(const std::vector<Json>& rows) {
  Json json = Json::object();
  if (rows.empty()) return json;
  for (const auto& [key, ignored] : rows.front()["mean"].items()) {
    if (key == "frames") continue;
    double sum = 0, low = INFINITY, high = -INFINITY;
    int count = 0;
    for (const Json& row : rows) {
      const auto value = number_in(row["mean"], key);
      if (!value) continue;
      sum += *value;
      low = std::min(low, *value);
      high = std::max(high, *value);
      ++count;
    }
    if (count == 0) continue;
    json[key] = {{"mean", sum / count}, {"low", low}, {"high", high}, {"n", count}};
    const Json interval = rows.front()["interval_95"].value(key, Json::object());
    if (rows.size() == 1 && number_in(interval, "half_width")) json[key]["interval_95"] = interval;
  }
  return json;
}

Json clips_over_seeds(const std::vector<Json>& rows) {
  Json clips = Json::array();
  if (rows.empty()) return clips;
  for (const Json& clip : rows.front()["clips"]) {
    Json means = Json::object();
    for (const auto& [key, ignored] : clip["scores"].items()) {
      if (key == "frames") continue;
      double sum = 0, count = 0;
      for (const Json& row : rows) {
        const auto value = number_in(clip_scores(row, clip["id"]), key);
        if (!value) continue;
        sum += *value;
        ++count;
      }
      if (count > 0) means[key] = sum / count;
    }
    clips.push_back({{"id", clip["id"]}, {"scores", means}});
  }
  return clips;
}

std::vector<std::string> marks_of(const std::vector<Json>& rows, const Json& truth) {
  std::vector<std::string> reasons;
  const auto check = [&](const char* key, double least, const char* name) {
    const auto true_value = number_in(truth, key);
    if (!true_value) return;
    double lowest = INFINITY;
    std::size_t below = 0;
    for (const Json& row : rows) {
      const auto value = number_in(row["mean"], key);
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

std::vector<std::size_t> best_in(const Json& configurations, const std::string& metric,
                                 const Json& truth) {
  std::vector<std::size_t> best;
  double least = INFINITY;
  for (std::size_t i = 0; i < configurations.size(); ++i) {
    const auto bad = badness(configurations[i], metric, truth);
    if (!bad || *bad > least) continue;
    if (*bad < least) best.clear();
    least = *bad;
    best.push_back(i);
  }
  return best;
}

void mark_pareto(Json& configurations, const std::vector<std::string>& metrics, const Json& truth) {
  struct Competitor {
    Json* configuration;
    std::vector<double> badness;  // one a metric
  };
  std::vector<Competitor> competitors;
  for (Json& configuration : configurations) {
    configuration["pareto"] = false;
    Competitor competitor{&configuration, {}};
    for (const std::string& metric : metrics) {
      if (const auto bad = badness(configuration, metric, truth)) {
        competitor.badness.push_back(*bad);
      }
    }
    if (competitor.badness.size() == metrics.size()) competitors.push_back(competitor);
  }
  const auto beats = [](const Competitor& a, const Competitor& b) {
    return a.badness != b.badness &&
           std::equal(a.badness.begin(), a.badness.end(), b.badness.begin(), std::less_equal<>());
  };
  for (const Competitor& competitor : competitors) {
    (*competitor.configuration)["pareto"] =
        std::none_of(competitors.begin(), competitors.end(),
                     [&](const Competitor& other) { return beats(other, competitor); });
  }
}

}  // namespace afterglow
