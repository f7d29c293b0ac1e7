// Rows of a comparison: what was measured of single runs, and what several of them amount to.
//
// A measured row is a JSON object {"mean": {METRIC: number}, "interval_95": {METRIC: {"n",
// "half_width"}}, "clips": [{"id", "scores": {METRIC: number}}]}; intervals are over clips. What
// rows amount to is {METRIC: {"mean", "low", "high", "n"}}, over seeds; of a single row, with its
// "interval_95", where there is one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace afterglow {

/// The file of `evaluate --json`; nothing when there is none, or it is none.
std::optional<nlohmann::ordered_json> read_scores(const std::filesystem::path& path);

/// One of evaluate's rows ("result", "truth", ...), of what read_scores gave.
nlohmann::ordered_json measured_row(const nlohmann::ordered_json& scores, const std::string& key);

/// A measured row less another, with intervals of the clips' own differences.
nlohmann::ordered_json row_difference(const nlohmann::ordered_json& row,
                                      const nlohmann::ordered_json& base);

/// What measured rows, one a seed, amount to.
nlohmann::ordered_json over_seeds(const std::vector<nlohmann::ordered_json>& rows);

/// [{"id", "scores"}]: for each clip of the first row, means over the rows.
nlohmann::ordered_json clips_over_seeds(const std::vector<nlohmann::ordered_json>& rows);

/// Why measured rows, one a seed, are not to be trusted, a text a reason; none when they may be.
/// One such seed is enough: a mean would hide it. `truth`: {METRIC: number}.
std::vector<std::string> marks_of(const std::vector<nlohmann::ordered_json>& rows,
                                  const nlohmann::ordered_json& truth);

/// Of configurations, {"marks", "metrics"}, those that are the best in a metric, several where they
/// are equally good. Marked ones do not compete. Empty when nobody says what is good.
std::vector<std::size_t> best_in(const nlohmann::ordered_json& configurations,
                                 const std::string& metric, const nlohmann::ordered_json& truth);

/// Sets "pareto" of every configuration: whether no other is at least as good in all `metrics` and
/// better in one. False for marked ones, which do not compete, and for those that lack a metric.
void mark_pareto(nlohmann::ordered_json& configurations, const std::vector<std::string>& metrics,
                 const nlohmann::ordered_json& truth);

}  // namespace afterglow
