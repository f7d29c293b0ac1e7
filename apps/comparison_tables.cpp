#include "apps/comparison_tables.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "apps/comparison_charts.hpp"
#include "apps/comparison_json.hpp"
#include "apps/comparison_rows.hpp"
#include "apps/comparison_texts.hpp"
#include "apps/score_report.hpp"

namespace afterglow {
namespace {

using Json = nlohmann::ordered_json;

/// Those that any configuration has, in the tables' order; unknown ones last.
std::vector<std::string> metrics_in(const Json& report) {
  std::vector<std::string> keys;
  for (const Json& configuration : report["configurations"]) {
    for (const auto& [key, ignored] : configuration["metrics"].items()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  const std::vector<MetricText>& texts = metric_texts();
  const auto place = [&texts](const std::string& key) {
    return std::find_if(texts.begin(), texts.end(),
                        [&](const MetricText& text) { return text.key == key; });
  };
  std::stable_sort(keys.begin(), keys.end(),
                   [&](const std::string& a, const std::string& b) { return place(a) < place(b); });
  return keys;
}

std::string told_clips(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " held-out clip" : " held-out clips");
}

std::string marked_label(const std::string& label, const Json& row) {
  return escape_markup(label) + (row["marks"].empty() ? "" : " †");
}

/// A table of metrics as it is written.
class MetricRows {
 public:
  explicit MetricRows(const Json& report)
      : metrics_(metrics_in(report)), clips_(report["data"]["held_out_clips"].size()) {}

  const std::vector<std::string>& metrics() const { return metrics_; }

  std::string head() const {
    std::ostringstream html;
    html << "<div class=\"wide\">\n<table>\n<thead>\n<tr><th>row</th><th>seeds</th>";
    for (const std::string& key : metrics_) {
      const MetricText text = metric_text(key);
      html << "<th>" << escape_markup(text.title);
      if (!text.unit.empty()) html << "<small>" << escape_markup(text.unit) << "</small>";
      html << "<small>" << told(text.better) << "</small></th>";
    }
    html << "</tr>\n</thead>\n";
    return html.str();
  }

  /// A value of comparison_rows.hpp with its range over seeds, or else its interval over clips.
  std::string cell(const Json& metrics, const std::string& key, bool best, bool is_signed) const {
    const auto found = metrics.find(key);
    if (found == metrics.end()) return "<td>–</td>";
    const auto number = [&, digits = metric_text(key).digits](double value) {
      return (is_signed && value > 0 ? "+" : "") + fixed_number(value, digits);
    };
    std::string html = best ? "<td class=\"best\">" : "<td>";
    html += number((*found)["mean"].get<double>());
    if ((*found)["n"].get<int>() > 1) {
      html += "<small>" + number((*found)["low"].get<double>()) + "&nbsp;… " +
              number((*found)["high"].get<double>()) + "</small>";
    } else if (found->contains("interval_95")) {
      const Json& interval = (*found)["interval_95"];
      html += "<small>±&nbsp;" +
              fixed_number(interval["half_width"].get<double>(), metric_text(key).digits);
      if (interval["n"] != clips_) html += ", n = " + interval["n"].dump();
      html += "</small>";
    }
    return html + "</td>";
  }

  /// What there is to say of the row above, below it over all columns; nothing for no texts.
  std::string remarks(const std::vector<std::string>& texts) const {
    std::string cell;
    for (const std::string& text : texts) cell += (cell.empty() ? "" : "; ") + escape_markup(text);
    if (cell.empty()) return {};
    return "<tr class=\"remarks\"><td colspan=\"" + std::to_string(2 + metrics_.size()) + "\">" +
           cell + "</td></tr>\n";
  }

 private:
  std::vector<std::string> metrics_;
  std::size_t clips_;  // held out
};

/// A row that stands beside the networks, as over_seeds gives a single row.
Json reference_metrics(const Json& row) {
  return over_seeds({Json{{"mean", row}, {"interval_95", row["interval_95"]}}});
}

const Json& run_named(const Json& report, const Json& name) {
  const Json& runs = report["runs"];
  return *std::find_if(runs.begin(), runs.end(),
                       [&](const Json& run) { return run["name"] == name; });
}

/// In what a row departs, why it is marked, and which of its runs are not done.
std::vector<std::string> remarks_on(const Json& report, const Json& configuration) {
  std::vector<std::string> texts;
  const std::string departs = configuration["departs"];
  if (!departs.empty()) texts.push_back(departs);
  for (const Json& mark : configuration["marks"]) texts.push_back("† " + mark.get<std::string>());
  for (std::size_t i = 0; i < configuration["runs"].size(); ++i) {
    const Json& run = run_named(report, configuration["runs"][i]);
    if (run["state"] == "done") continue;
    texts.push_back("seed " + configuration["seeds"][i].dump() + " " +
                    run["state"].get<std::string>());
    if (run.contains("message")) texts.back() += ": " + run["message"].get<std::string>();
  }
  return texts;
}

std::string seeds_told(const Json& configuration) {
  const std::size_t scored = configuration["scored"], wanted = configuration["seeds"].size();
  return std::to_string(scored) + (scored < wanted ? " of " + std::to_string(wanted) : "");
}

std::string joined_seeds(const Json& seeds) {
  std::string text;
  for (const Json& seed : seeds) text += (text.empty() ? "" : ", ") + seed.dump();
  return text;
}

/// A clip's metric of a row with "clips".
std::string clip_cell(const Json& row, const Json& id, const std::string& metric) {
  for (const Json& clip : row["clips"]) {
    if (clip["id"] != id) continue;
    const auto value = number_in(clip["scores"], metric);
    if (value) return "<td>" + fixed_number(*value, metric_text(metric).digits) + "</td>";
  }
  return "<td>–</td>";
}

}  // namespace

std::string metrics_table(const Json& report) {
  const MetricRows rows(report);
  const Json& configurations = report["configurations"];
  const Json truth = report["references"].value("truth", Json::object());
  std::ostringstream html;
  html << "<h2>Metrics on the held-out clips</h2>\n"
       << rows.head() << "<tbody class=\"references\">\n";
  for (const auto& [key, row] : report["references"].items()) {
    const Json metrics = reference_metrics(row);
    html << (row["marks"].empty() ? "<tr>" : "<tr class=\"marked\">") << "<td>"
         << marked_label(reference_label(key), row) << "</td><td></td>";
    for (const std::string& metric : rows.metrics()) {
      html << rows.cell(metrics, metric, false, false);
    }
    std::vector<std::string> marks = row["marks"];
    for (std::string& mark : marks) mark.insert(0, "† ");
    html << "</tr>\n" << rows.remarks(marks);
  }
  html << "</tbody>\n<tbody>\n";
  std::vector<std::vector<std::size_t>> best;  // by metric
  for (const std::string& metric : rows.metrics()) {
    best.push_back(best_in(configurations, metric, truth));
  }
  for (std::size_t i = 0; i < configurations.size(); ++i) {
    const Json& row = configurations[i];
    html << (row["marks"].empty() ? "<tr>" : "<tr class=\"marked\">") << "<td>"
         << marked_label(configuration_label(row), row) << "</td><td>" << seeds_told(row)
         << "</td>";
    for (std::size_t m = 0; m < best.size(); ++m) {
      const bool is_best = std::find(best[m].begin(), best[m].end(), i) != best[m].end();
      html << rows.cell(row["metrics"], rows.metrics()[m], is_best, false);
    }
    html << "</tr>\n" << rows.remarks(remarks_on(report, row));
  }
  html << "</tbody>\n</table>\n</div>\n<p class=\"note\">Means over "
       << told_clips(report["data"]["held_out_clips"].size())
       << ". Of several seeds: their mean, with the lowest and the highest. Of one seed, and of "
          "rows without: ± is the 95 % interval over the clips. Bold: the best of the networks "
          "without a mark; E_warp below the truth’s counts as the truth’s, for there it tells of "
          "lost detail. Marked †: colourfulness below "
       << fixed_number(100 * kLeastColourful, 0) << " % of the truth’s, or temporal MSE below "
       << fixed_number(100 * kLeastTemporal, 0)
       << " %; such rows look steady because they are pale or repeat frames. Rows stand in the "
          "order of the plan, not of merit.</p>\n";
  return html.str();
}

std::string ablation_table(const Json& report) {
  // Rows that stand against the same thing.
  std::vector<std::pair<std::string, std::vector<const Json*>>> groups;
  for (const Json& row : report["configurations"]) {
    if (!row.contains("against") || row["against"]["seeds"].empty()) continue;
    const std::string key = row["against"]["base"].dump() + row["against"]["seeds"].dump();
    if (groups.empty() || groups.back().first != key) groups.push_back({key, {}});
    groups.back().second.push_back(&row);
  }
  if (groups.empty()) return {};
  const MetricRows rows(report);
  std::ostringstream html;
  html << "<h2>Ablation</h2>\n" << rows.head();
  const auto values = [&](const Json& metrics, bool is_signed) {
    for (const std::string& metric : rows.metrics()) {
      html << rows.cell(metrics, metric, false, is_signed);
    }
  };
  for (const auto& [ignored, group] : groups) {
    const Json& against = (*group.front())["against"];
    const std::string seeds = joined_seeds(against["seeds"]);
    const Json& configurations = report["configurations"];
    const Json& base =
        *std::find_if(configurations.begin(), configurations.end(),
                      [&](const Json& row) { return row["name"] == against["base"]; });
    html << "<tbody class=\"references\">\n<tr><td>"
         << marked_label(configuration_label(base), base) << "</td><td>" << seeds << "</td>";
    values(against["base_metrics"], false);
    html << "</tr>\n</tbody>\n<tbody>\n";
    for (const Json* row : group) {
      html << "<tr><td>" << marked_label(configuration_label(*row), *row) << "</td><td>" << seeds
           << "</td>";
      values((*row)["against"]["difference"], true);
      html << "</tr>\n" << rows.remarks({(*row)["departs"].get<std::string>()});
    }
    html << "</tbody>\n";
  }
  html << "</table>\n</div>\n<p class=\"note\">Shaded: what the rows below depart from, with the "
          "seeds named. Below it: each row less the shaded one, with the same seeds. ± is the 95 % "
          "interval over "
       << told_clips(report["data"]["held_out_clips"].size())
       << ", below a shaded row of the clips’ own differences; it says nothing of what another "
          "seed would give.</p>\n";
  return html.str();
}

std::string clips_table(const Json& report) {
  const std::vector<std::string> known = metrics_in(report);
  const Json& clips = report["data"]["held_out_clips"];
  if (known.empty()) return {};
  std::ostringstream html;
  html << "<details>\n<summary>Clip by clip</summary>\n";
  for (const char* metric : {"psnr", "ewarp_ab_dis", "ewarp_ab_flo", "colorfulness"}) {
    if (std::find(known.begin(), known.end(), metric) == known.end()) continue;
    const MetricText text = metric_text(metric);
    html << "<div class=\"wide\">\n<table>\n<caption>" << escape_markup(text.title) << " ("
         << escape_markup(text.unit) << ": " << told(text.better)
         << ")</caption>\n<thead>\n<tr><th>row</th>";
    for (const Json& clip : clips) html << "<th>" << escape_markup(clip["id"]) << "</th>";
    html << "</tr>\n</thead>\n";
    const auto row_of_clips = [&](const std::string& label, const Json& row) {
      html << (row["marks"].empty() ? "<tr>" : "<tr class=\"marked\">") << "<td>"
           << marked_label(label, row) << "</td>";
      for (const Json& clip : clips) html << clip_cell(row, clip["id"], metric);
      html << "</tr>\n";
    };
    html << "<tbody class=\"references\">\n";
    for (const auto& [key, row] : report["references"].items()) {
      row_of_clips(reference_label(key), row);
    }
    html << "</tbody>\n<tbody>\n";
    for (const Json& row : report["configurations"]) row_of_clips(configuration_label(row), row);
    html << "</tbody>\n</table>\n</div>\n";
  }
  html << "<p class=\"note\">Means over seeds. †: marked for the mean over all clips.</p>\n"
          "</details>\n";
  return html.str();
}

}  // namespace afterglow
