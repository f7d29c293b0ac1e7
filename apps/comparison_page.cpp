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
#include "apps/comparison_tables.hpp"
#include "apps/comparison_texts.hpp"
#include "base/progress.hpp"

namespace afterglow {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kCurvePoints = 80;

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
  Page(const Json& report, const ComparisonState& state) : report_(report), state_(state) {}

  ComparisonPage write() {
    html_ << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n"
          << "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n"
          << "<title>afterglow: comparison on " << escape_markup(report_["data"]["file"])
          << "</title>\n<style>" << kChartStyle << kPageStyle << "</style>\n</head>\n<body>\n"
          << "<h1>Comparison on " << escape_markup(report_["data"]["file"]) << "</h1>\n";
    summary();
    pictures();
    curves();
    html_ << metrics_table(report_) << clips_table(report_) << ablation_table(report_);
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
    trivial_rows();
    html_ << "</p>\n";
  }

  /// What stands beside the networks, and whether it is nearer to the truth than all of them.
  void trivial_rows() {
    double highest = -INFINITY;
    for (const Json& configuration : configurations()) {
      highest = std::max(highest, mean_of(configuration["metrics"], "psnr").value_or(-INFINITY));
    }
    std::string all, above;
    for (const auto& [key, row] : report_["references"].items()) {
      const auto psnr = number_in(row, "psnr");
      if (key == "truth" || !psnr) continue;
      const std::string text = reference_label(key) + (row["marks"].empty() ? "" : " †") + " " +
                               fixed_number(*psnr, 2) + " dB";
      all += (all.empty() ? "" : "; ") + text;
      if (*psnr > highest) above += (above.empty() ? "" : "; ") + text;
    }
    html_ << "Beside them: " << all << ". ";
    if (!above.empty()) {
      html_ << "<strong>Above the PSNR of every network: " << above << ".</strong> ";
    }
    html_ << "All are means over the held-out clips; † is explained below the table.";
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
    Curve curve{configuration_label(configurations()[configuration]), {}};
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
    std::set<std::string> bases;  // what departures are compared with
    for (const Json& configuration : configurations()) {
      if (configuration.contains("against"))
        bases.insert(configuration["against"]["base"].get<std::string>());
    }
    std::set<std::size_t> drawn;  // runs; what departs in inference alone has no curve of its own
    for (std::size_t i = 0; i < configurations().size(); ++i) {
      const Json& configuration = configurations()[i];
      if (!drawn.insert(state_.run_of[i].front()).second) continue;
      if (configuration["departs"].get<std::string>().empty()) {
        method.push_back(curve_of(i));
        if (!bases.contains(configuration["name"])) continue;
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
      points.push_back({with_colour(reference_label(key), number_in(row, "colorfulness")), true, *x,
                        *y, !row["marks"].empty(), false});
    }
    for (const Json& row : configurations()) {
      const auto x = mean_of(row["metrics"], stability), y = mean_of(row["metrics"], fidelity);
      if (!x || !y) continue;
      points.push_back(
          {with_colour(configuration_label(row), mean_of(row["metrics"], "colorfulness")), false,
           *x, *y, !row["marks"].empty(), row["pareto"].get<bool>()});
    }
    const MetricText x = metric_text(stability), y = metric_text(fidelity);
    const auto title = [](const MetricText& metric) {
      return metric.title + " (" + metric.unit + ")";
    };
    const std::string svg =
        front_svg(points, truth_x, title(x) + ": steadier to the left", title(y));
    if (svg.empty()) return;
    html_ << "<h2>Fidelity against stability</h2>\n";
    chart(
        "front", svg,
        "Means over seeds. Ringed: the Pareto set, where no other unmarked network is at least as "
        "good in all three of " +
            escape_markup(y.title) + " (" + told(y.better) + "), " + escape_markup(x.title) + " (" +
            told(x.better) +
            ") and colourfulness (like the truth’s), and better in one. Hollow: marked rows, "
            "which do not compete. In brackets: colourfulness as a share of the truth’s.");
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
    std::string held_out;
    for (const Json& clip : data["held_out_clips"]) {
      held_out += (held_out.empty() ? "" : ", ") + clip["id"].get<std::string>() + " (" +
                  clip["frames"].dump() + " frames)";
    }
    fact("held-out clips", held_out);
    const std::string colorizer = data["colorizer"], sha256 = data["colorizer_sha256"];
    fact("input", (colorizer.empty() ? "of unknown origin" : "coloured by: " + colorizer) +
                      (sha256.empty() ? "" : ", SHA-256 " + sha256) + "; frames fitted by " +
                      data["fit"].get<std::string>());
    std::set<std::string> weights;
    for (const Json& run : report_["runs"]) {
      if (!run.contains("vgg16_weights_sha256")) continue;
      weights.insert(run["vgg16_weights_sha256"].get<std::string>());
    }
    for (const std::string& digest : weights) fact("VGG16 weights", "SHA-256 " + digest);
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
  std::ostringstream html_;
  std::map<std::string, std::string> figures_;
};

}  // namespace

ComparisonPage comparison_page(const Json& report, const ComparisonState& state) {
  return Page(report, state).write();
}

}  // namespace afterglow
