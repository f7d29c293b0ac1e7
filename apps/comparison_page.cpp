#include "apps/comparison_page.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "apps/comparison_charts.hpp"
#include "apps/comparison_json.hpp"
#include "apps/comparison_pictures.hpp"
#include "apps/comparison_script.hpp"
#include "apps/comparison_style.hpp"
#include "apps/comparison_texts.hpp"
#include "apps/score_report.hpp"
#include "base/progress.hpp"

namespace afterglow {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kCurvePoints = 80;
constexpr const char* kPaperBase = "alexnet-beta0.8";  // what departures are compared with

std::optional<double> mean_of(const Json& metrics, const std::string& key) {
  const auto found = metrics.find(key);
  if (found == metrics.end()) return std::nullopt;
  return (*found)["mean"].get<double>();
}

std::string joined(const Json& texts) {
  std::string text;
  for (const Json& part : texts) text += (text.empty() ? "" : "; ") + part.get<std::string>();
  return text;
}

class Page {
 public:
  Page(const Json& report, const ComparisonState& state) : report_(report), state_(state) {
    std::set<std::string> seen;
    const auto add = [&](const std::string& key) {
      if (seen.insert(key).second) metrics_.push_back(key);
    };
    const auto has = [&](const std::string& key) {
      return std::any_of(configurations().begin(), configurations().end(),
                         [&](const Json& c) { return c["metrics"].contains(key); });
    };
    for (const MetricText& metric : metric_texts()) {
      if (has(metric.key)) add(metric.key);
    }
    for (const Json& configuration : configurations()) {
      for (const auto& [key, ignored] : configuration["metrics"].items()) add(key);
    }
  }

  ComparisonPage write() {
    html_ << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n"
          << "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
          << "<title>afterglow: comparison on " << escape_markup(report_["data"]["file"])
          << "</title>\n<style>" << kChartStyle << kPageStyle << "</style>\n</head>\n<body>\n"
          << "<h1>Comparison on " << escape_markup(report_["data"]["file"]) << "</h1>\n";
    summary();
    pictures();
    curves();
    table();
    front();
    unfinished();
    facts();
    html_ << "<script>" << kPageScript << "</script>\n</body>\n</html>\n";
    return {html_.str(), figures_};
  }

 private:
  const Json& configurations() const { return report_["configurations"]; }

  /// What came out, in words; never silent about what stands above.
  void summary() {
    const Json* best = nullptr;
    std::size_t marked = 0, scored = 0;
    for (const Json& configuration : configurations()) {
      if (!mean_of(configuration["metrics"], "psnr")) continue;
      ++scored;
      if (!configuration["marks"].empty()) {
        ++marked;
      } else if (best == nullptr || *mean_of(configuration["metrics"], "psnr") >
                                        *mean_of((*best)["metrics"], "psnr")) {
        best = &configuration;
      }
    }
    if (scored == 0) {
      html_ << "<p>No run has been measured yet.</p>\n";
      return;
    }
    html_ << "<p>";
    if (best != nullptr) {
      html_ << "Of " << scored - marked << " networks without a mark, <strong>"
            << escape_markup(configuration_label(*best)) << "</strong> has the highest PSNR: "
            << fixed_number(*mean_of((*best)["metrics"], "psnr"), 2) << " dB. ";
    } else {
      html_ << "No network is without a mark. ";
    }
    if (marked > 0) {
      html_ << marked << " of " << scored
            << " networks are marked: with some seed, at least, they are paler than the truth or "
               "nearly repeat frames, and their steadiness is not to be trusted. ";
    }
    html_ << "Beside them:";
    for (const auto& [key, row] : report_["references"].items()) {
      const auto psnr = number_in(row, "psnr");
      if (key == "truth" || !psnr) continue;
      html_ << ' ' << reference_label(key) << ' ' << fixed_number(*psnr, 2) << " dB;";
    }
    html_ << " means over the held-out clips.</p>\n";
  }

  void pictures() {
    const ComparisonPictures pictures = comparison_pictures(report_, state_);
    html_ << pictures.html;
    figures_["frames.png"] = encode_picture("frames.png", pictures.frames);
    figures_["strips.png"] = encode_picture("strips.png", pictures.strips);
  }

  void chart(const std::string& name, const std::string& svg, const std::string& caption) {
    html_ << "<figure>\n" << svg << "<figcaption>" << caption << "</figcaption>\n</figure>\n";
    figures_[name + ".svg"] = standalone_svg(svg);
  }

  /// Means over equal stretches of steps, then over seeds.
  Curve curve_of(std::size_t configuration) const {
    Curve curve{configuration_label(configurations()[configuration]), configuration, {}};
    std::size_t steps = 0;
    for (const std::size_t run : state_.run_of[configuration]) {
      steps = std::max(steps, state_.statuses[run].log.steps.size());
    }
    if (steps == 0) return curve;
    const std::size_t count = std::min(steps, kCurvePoints);
    const auto per_epoch =
        static_cast<double>(state_.runs[state_.run_of[configuration].front()].steps_per_epoch);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t begin = i * steps / count, end = (i + 1) * steps / count;
      Curve::Point point{static_cast<double>(begin + end) / 2 / per_epoch, 0, INFINITY, -INFINITY};
      double seeds = 0;
      for (const std::size_t run : state_.run_of[configuration]) {
        const auto& log = state_.statuses[run].log.steps;
        if (log.size() < end) continue;  // diverged, or on its way
        double sum = 0;
        for (std::size_t s = begin; s < end; ++s) sum += log[s].loss;
        const double loss = sum / static_cast<double>(end - begin);
        point.mean += loss;
        point.low = std::min(point.low, loss);
        point.high = std::max(point.high, loss);
        ++seeds;
      }
      point.mean /= seeds;
      curve.points.push_back(point);
    }
    return curve;
  }

  void loss_chart(const std::string& name, const std::string& title,
                  const std::vector<Curve>& curves) {
    const std::string svg = curves_svg(curves, "epoch (passes over the training clips)",
                                       "training loss (0–255, squared)");
    if (svg.empty()) return;
    chart(name, svg,
          title +
              " Lines: mean over seeds; bands: lowest and highest seed. A point is the mean of "
              "equally many steps; below a thousandth of the highest it runs along the axis. "
              "Labels tell the values under the pointer; a click on one hides its curve.");
  }

  void curves() {
    html_ << "<h2>Training loss</h2>\n";
    std::vector<Curve> method, departures;
    std::set<std::size_t> drawn;  // runs; what departs in inference alone has no curve of its own
    for (std::size_t i = 0; i < configurations().size(); ++i) {
      const Json& configuration = configurations()[i];
      if (!drawn.insert(state_.run_of[i].front()).second) continue;
      if (configuration["departs"].get<std::string>().empty()) {
        method.push_back(curve_of(i));
        if (configuration["name"] != kPaperBase) continue;
      }
      departures.push_back(curve_of(i));
    }
    if (departures.size() == 1 && method.size() == drawn.size()) departures.clear();
    loss_chart("loss", "", method);
    loss_chart("departures",
               "Departures from the method; losses of different betas or frames are not the same "
               "quantity.",
               departures);
  }

  /// Of the configurations without marks, the best in a metric; nothing when nobody says what is
  /// good.
  const Json* best_in(const std::string& key) const {
    const Better better = metric_text(key).better;
    if (better == Better::kUnknown) return nullptr;
    double aim = 0;  // of those that are best near something
    if (better == Better::kLikeTruth) {
      const Json& references = report_["references"];
      if (!references.contains("truth") || !number_in(references["truth"], key)) return nullptr;
      aim = references["truth"][key].get<double>();
    }
    const auto badness = [better, aim](double value) {
      if (better == Better::kHigher) return -value;
      return better == Better::kLower ? value : std::abs(value - aim);
    };
    const Json* best = nullptr;
    for (const Json& configuration : configurations()) {
      const auto value = mean_of(configuration["metrics"], key);
      if (!configuration["marks"].empty() || !value) continue;
      if (best == nullptr || badness(*value) < badness(*mean_of((*best)["metrics"], key))) {
        best = &configuration;
      }
    }
    return best;
  }

  void table() {
    if (metrics_.empty()) return;
    html_ << "<h2>Metrics on the held-out clips</h2>\n<div class=\"wide\">\n<table>\n<thead>\n<tr>"
             "<th>row</th><th>seeds</th>";
    for (const std::string& key : metrics_) {
      const MetricText text = metric_text(key);
      html_ << "<th>" << escape_markup(text.title);
      if (!text.unit.empty()) html_ << "<small>" << escape_markup(text.unit) << "</small>";
      html_ << "<small>" << told(text.better) << "</small></th>";
    }
    html_ << "<th class=\"text\">marked, because</th><th class=\"text\">departs in</th></tr>\n"
             "</thead>\n<tbody class=\"references\">\n";
    for (const auto& [key, row] : report_["references"].items()) reference_row(key, row);
    html_ << "</tbody>\n<tbody>\n";
    for (const Json& configuration : configurations()) configuration_row(configuration);
    html_ << "</tbody>\n</table>\n</div>\n<p class=\"note\">Mean over seeds, with the lowest and "
             "the highest. Bold: the best of the networks without a mark. Marked †: colourfulness "
             "below "
          << fixed_number(100 * kLeastColourful, 0) << " % of the truth’s, or temporal MSE below "
          << fixed_number(100 * kLeastTemporal, 0)
          << " %; such rows look steady because they are pale or repeat frames. Rows stand in the "
             "order of the plan, not of merit.</p>\n";
  }

  void row_begin(const std::string& label, bool marked, const std::string& seeds) {
    html_ << (marked ? "<tr class=\"marked\">" : "<tr>") << "<td>" << escape_markup(label)
          << (marked ? " †" : "") << "</td><td>" << seeds << "</td>";
  }

  void reference_row(const std::string& key, const Json& row) {
    row_begin(reference_label(key), !row["marks"].empty(), "");
    for (const std::string& metric : metrics_) {
      const auto value = number_in(row, metric);
      html_ << "<td>" << (value ? fixed_number(*value, metric_text(metric).digits) : "–")
            << "</td>";
    }
    html_ << "<td class=\"text\">" << escape_markup(joined(row["marks"]))
          << "</td><td class=\"text\"></td></tr>\n";
  }

  void configuration_row(const Json& configuration) {
    const std::size_t scored = configuration["scored"], wanted = configuration["seeds"].size();
    std::string seeds = std::to_string(scored);
    if (scored < wanted) seeds += " of " + std::to_string(wanted);
    row_begin(configuration_label(configuration), !configuration["marks"].empty(), seeds);
    for (const std::string& key : metrics_) {
      const auto found = configuration["metrics"].find(key);
      if (found == configuration["metrics"].end()) {
        html_ << "<td>–</td>";
        continue;
      }
      const int digits = metric_text(key).digits;
      const auto number = [&](const char* part) {
        return fixed_number((*found)[part].get<double>(), digits);
      };
      html_ << (best_in(key) == &configuration ? "<td class=\"best\">" : "<td>") << number("mean");
      if ((*found)["n"].get<int>() > 1) {
        html_ << "<small>" << number("low") << " … " << number("high") << "</small>";
      }
      html_ << "</td>";
    }
    html_ << "<td class=\"text\">" << escape_markup(joined(configuration["marks"]))
          << "</td><td class=\"text\">" << escape_markup(configuration["departs"])
          << "</td></tr>\n";
  }

  void front() {
    const std::string fidelity = report_["front"]["fidelity"];
    const std::string stability = report_["front"]["stability"];
    const Json& references = report_["references"];
    std::optional<double> truth_colour, truth_x;
    if (references.contains("truth")) {
      truth_colour = number_in(references["truth"], "colorfulness");
      truth_x = number_in(references["truth"], stability);
    }
    const auto with_colour = [&](const std::string& label, const std::optional<double>& colour) {
      if (!colour || !truth_colour || *truth_colour <= 0) return label;
      return label + " (" + fixed_number(100 * *colour / *truth_colour, 0) + " % colour)";
    };
    std::vector<FrontPoint> points;
    for (const auto& [key, row] : references.items()) {
      const auto x = number_in(row, stability), y = number_in(row, fidelity);
      if (key == "truth" || !x || !y) continue;
      points.push_back({with_colour(reference_label(key), number_in(row, "colorfulness")),
                        {},
                        *x,
                        *y,
                        !row["marks"].empty(),
                        false});
    }
    for (std::size_t i = 0; i < configurations().size(); ++i) {
      const Json& row = configurations()[i];
      const auto x = mean_of(row["metrics"], stability), y = mean_of(row["metrics"], fidelity);
      if (!x || !y) continue;
      points.push_back(
          {with_colour(configuration_label(row), mean_of(row["metrics"], "colorfulness")), i, *x,
           *y, !row["marks"].empty(), row["pareto"].get<bool>()});
    }
    const MetricText x = metric_text(stability), y = metric_text(fidelity);
    const auto title = [](const MetricText& metric) {
      return metric.title + " (" + metric.unit + ")";
    };
    const std::string svg =
        front_svg(points, truth_x, title(x) + ": steadier to the left", title(y));
    if (svg.empty()) return;
    html_ << "<h2>Fidelity against stability</h2>\n";
    chart("front", svg,
          "Means over seeds. Ringed: no other unmarked network is both nearer to the truth and "
          "steadier. Hollow: marked rows, which do not compete. In brackets: colourfulness as a "
          "share of the truth’s.");
  }

  void unfinished() {
    bool any = false;
    for (const Json& run : report_["runs"]) {
      if (run["state"] == "done") continue;
      if (!any) html_ << "<h2>Runs that are not done</h2>\n<ul>\n";
      any = true;
      html_ << "<li>" << escape_markup(run["name"]) << ": " << run["state"].get<std::string>();
      if (run.contains("message")) html_ << ": " << escape_markup(run["message"]);
      html_ << " (step " << run["steps"] << " of " << run["steps_planned"] << ")</li>\n";
    }
    if (any) html_ << "</ul>\n";
  }

  void fact(const std::string& name, const std::string& text) {
    html_ << "<dt>" << escape_markup(name) << "</dt><dd>" << escape_markup(text) << "</dd>\n";
  }

  void facts() {
    const Json& data = report_["data"];
    const Json& made = report_["made"];
    html_ << "<h2>Facts</h2>\n<dl>\n";
    fact("data", data["file"].get<std::string>() + ", SHA-256 of its content, flow apart, " +
                     data["sha256"].get<std::string>());
    std::string splits;
    for (const auto& [name, split] : data["splits"].items()) {
      splits += (splits.empty() ? "" : "; ") + name + " " + split["clips"].dump() + " clips, " +
                split["frames"].dump() + " frames";
    }
    fact("clips", splits + "; measured on " + data["held_out"].get<std::string>());
    const std::string colorizer = data["colorizer"], sha256 = data["colorizer_sha256"];
    fact("input", (colorizer.empty() ? "of unknown origin" : "coloured by: " + colorizer) +
                      (sha256.empty() ? "" : ", SHA-256 " + sha256) + "; frames fitted by " +
                      data["fit"].get<std::string>());
    for (const Json& configuration : configurations()) {
      std::string text;
      for (const Json& option : configuration["train"]) {
        text += option.get<std::string>() + " ";
      }
      const bool random =
          configuration["arch"] == "vgg16" && text.find("--vgg16-weights") == std::string::npos;
      text += "seeds";
      for (const Json& seed : configuration["seeds"]) text += " " + seed.dump();
      if (random) text += "; its frozen encoder is random";
      fact(configuration_label(configuration), text);
    }
    fact("training time",
         format_duration(made["training_seconds"].get<double>()) + ", summed over runs");
    fact("machine", made["system"].get<std::string>() + "; " + joined(made["devices"]) +
                        "; --device " + made["device"].get<std::string>());
    fact("made", made["at"].get<std::string>() + " by afterglow " +
                     made["version"].get<std::string>() + ", commit " +
                     made["commit"].get<std::string>());
    fact("command", made["command"]);
    html_ << "</dl>\n<p class=\"note\">The numbers: report.json, curves.csv; the figures: "
             "figures/. Every run’s identity "
             "(configuration and data, SHA-256), models and logs: runs/.</p>\n";
  }

  const Json& report_;
  const ComparisonState& state_;
  std::vector<std::string> metrics_;  // keys, in the table's order
  std::ostringstream html_;
  std::map<std::string, std::string> figures_;
};

}  // namespace

ComparisonPage comparison_page(const Json& report, const ComparisonState& state) {
  return Page(report, state).write();
}

}  // namespace afterglow
