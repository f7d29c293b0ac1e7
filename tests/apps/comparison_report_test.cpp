// What a comparison makes of what was measured: numbers and a page, of runs that are written here
// instead of trained.
#include "apps/comparison_report.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <set>

#include "apps/comparison_charts.hpp"
#include "apps/comparison_page.hpp"
#include "apps/comparison_rows.hpp"
#include "apps/comparison_tables.hpp"
#include "apps/fixtures.hpp"
#include "data/result_file.hpp"
#include "support/temporary_folder.hpp"
#include "training_data.hpp"

namespace afterglow::test {
namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

/// Pages are too long to be printed, as Catch's matchers would.
bool stands_in(const std::string& page, const std::string& part) {
  return page.find(part) != std::string::npos;
}

const Json kTruth = {{"colorfulness", 50}, {"temporal_mse", 200}, {"ewarp_dis", 0.010}};

Json configuration(const std::string& name, double psnr, double ewarp, double colorfulness,
                   const Json& marks = Json::array()) {
  Json json = {{"name", name}, {"marks", marks}, {"metrics", Json::object()}};
  json["metrics"]["psnr"]["mean"] = psnr;
  json["metrics"]["ewarp_dis"]["mean"] = ewarp;
  json["metrics"]["colorfulness"]["mean"] = colorfulness;
  return json;
}

Names best_names(const Json& configurations, const std::string& metric) {
  Names names;
  for (const std::size_t i : best_in(configurations, metric, kTruth)) {
    names.push_back(configurations[i]["name"]);
  }
  return names;
}

Names pareto_names(Json configurations) {
  mark_pareto(configurations, {"psnr", "ewarp_dis", "colorfulness"}, kTruth);
  Names names;
  for (const Json& row : configurations) {
    if (row["pareto"].get<bool>()) names.push_back(row["name"]);
  }
  return names;
}

/// What evaluate writes: the PSNR of each clip, and numbers that mark nothing.
Json scores_of(const std::vector<double>& psnr) {
  Json scores = {{"clips", Json::array()}, {"mean", Json::object()}};
  double sum = 0;
  const auto row = [](double value) {
    return Json{{"frames", 4},         {"psnr", value},      {"colorfulness", 50},
                {"temporal_mse", 200}, {"ewarp_dis", 0.011}, {"marks", Json::array()}};
  };
  for (const double value : psnr) {
    const std::string id = "clip" + std::to_string(scores["clips"].size());
    scores["clips"].push_back(
        {{"id", id}, {"truth", row(0)}, {"gray", row(40)}, {"result", row(value)}});
    sum += value;
  }
  scores["mean"] = {{"truth", row(0)},
                    {"gray", row(40)},
                    {"result", row(sum / static_cast<double>(psnr.size()))}};
  scores["mean"]["gray"]["colorfulness"] = 0;
  scores["mean"]["truth"].erase("psnr");
  for (const char* key : {"gray", "result"}) {
    scores["interval_95"][key]["psnr"] = {{"n", psnr.size()}, {"half_width", 1.25}};
  }
  return scores;
}

/// A plan's runs, done to the letter of their files.
struct Written {
  TemporaryFolder folder;
  ComparisonData data;
  std::vector<Configuration> plan;
  std::vector<std::vector<std::size_t>> run_of;
  std::vector<ComparedRun> runs;

  explicit Written(const std::vector<std::uint64_t>& seeds) {
    const fs::path path = folder.path() / "data.h5";
    write_waves(path, {{"train", 3, Split::kTrain},
                       {"clip0", 4, Split::kTest},
                       {"clip1", 4, Split::kTest},
                       {"clip2", 4, Split::kTest}});
    data = open_comparison_data(path);
    ComparisonOptions options;
    options.archs = {"alexnet"};
    options.betas = {0.8};
    options.seeds = seeds;
    options.shared = {"--epochs=1"};
    options.ablate = {"paper-code"};
    plan = make_plan(options);
    runs = make_runs(plan, {}, data, folder.path() / "runs", run_of);
  }

  std::size_t index(const std::string& name) const {
    return static_cast<std::size_t>(
        std::find_if(plan.begin(), plan.end(),
                     [&](const Configuration& other) { return other.name == name; }) -
        plan.begin());
  }
  const ComparedRun& run(const std::string& name, std::size_t seed) const {
    return runs[run_of[index(name)][seed]];
  }

  /// Trained, run and measured: clips of the PSNR.
  void write(const std::string& name, std::size_t seed, const std::vector<double>& psnr) const {
    const ComparedRun& done = run(name, seed);
    fs::create_directories(done.folder);
    TrainingState state;
    state.epoch = 1;
    const auto model = make_model(make_cpu_backend(), {}, 7);
    save_model(done.folder / "last.h5", *model, "resize", nullptr, &state);
    write_text(done.model(), "");
    for (const Inference& inference : done.inferences) {
      ResultWriter writer(done.result(inference), 128);
      for (const char* clip : {"clip0", "clip1", "clip2"}) {
        writer.begin_clip(clip, 25, "film");
        for (int t = 0; t < 4; ++t) writer.add_frame(std::vector<float>(3 * 128 * 128, 100));
      }
      writer.commit();
      write_text(done.scores(inference), scores_of(psnr).dump());
    }
  }

  std::vector<RunStatus> statuses() const { return ComparisonQueue(runs, {}, data, {}).statuses(); }
};

}  // namespace

TEST_CASE("the best of a comparison are those nearest to what is wanted, without marks") {
  const Json rows = {configuration("sharp", 25, 0.012, 48), configuration("smooth", 24, 0.004, 47),
                     configuration("still", 23, 0.010, 70),
                     configuration("gray", 30, 0.010, 50, {"gray"})};
  CHECK(best_names(rows, "psnr") == Names{"sharp"});
  CHECK(best_names(rows, "colorfulness") == Names{"sharp"});  // 48 is nearer to 50 than 70
  // Below the truth's warping error nothing is won.
  CHECK(best_names(rows, "ewarp_dis") == Names{"smooth", "still"});
  CHECK(best_names(rows, "unheard_of").empty());
  CHECK(best_in(rows, "ewarp_dis", Json::object()).empty());
  CHECK(best_in(rows, "psnr", Json::object()) == std::vector<std::size_t>{0});
}

TEST_CASE("the Pareto set is of fidelity, stability and colour") {
  const Json sharp = configuration("sharp", 25, 0.012, 48);
  const Json smooth = configuration("smooth", 24, 0.004, 45);
  CHECK(pareto_names({sharp, smooth}) == Names{"sharp", "smooth"});
  // As steady as the truth, and better in all else: a smaller warping error does not help.
  const Json steady = configuration("steady", 24.5, 0.010, 46);
  CHECK(pareto_names({sharp, smooth, steady}) == Names{"sharp", "steady"});
  // Beaten in fidelity and stability alone, but the most colourful.
  const Json vivid = configuration("vivid", 20, 0.020, 50);
  CHECK(pareto_names({sharp, steady, vivid}) == Names{"sharp", "steady", "vivid"});
  // Twins do not beat each other; what is marked, or lacks a metric, beats nobody.
  CHECK(pareto_names({sharp, sharp}) == Names{"sharp", "sharp"});
  Json lacking = configuration("lacking", 40, 0.010, 50);
  lacking["metrics"].erase("colorfulness");
  CHECK(pareto_names({configuration("gray", 40, 0.010, 50, {"gray"}), lacking, vivid}) ==
        Names{"vivid"});
}

TEST_CASE("a row less another: of means, and of clips with an interval") {
  const Json row = measured_row(scores_of({24, 25, 29}), "result");
  const Json base = measured_row(scores_of({23, 23, 26}), "result");
  const Json one = over_seeds({row});
  CHECK(one["psnr"]["mean"].get<double>() == Approx(26));
  CHECK(one["psnr"]["interval_95"] == Json{{"n", 3}, {"half_width", 1.25}});
  CHECK_FALSE(one["colorfulness"].contains("interval_95"));
  const Json two = over_seeds({row, base});
  CHECK(two["psnr"] == Json{{"mean", 25.0}, {"low", 24.0}, {"high", 26.0}, {"n", 2}});

  const Json difference = over_seeds({row_difference(row, base)});
  CHECK(difference["psnr"]["mean"].get<double>() == Approx(2));
  CHECK(difference["colorfulness"]["mean"] == 0);
  CHECK(difference["psnr"]["interval_95"]["n"] == 3);
  // Clips differ by 1, 2 and 3: deviation 1, t = 4.3027.
  CHECK(difference["psnr"]["interval_95"]["half_width"].get<double>() ==
        Approx(4.3026527 / std::sqrt(3)));
  CHECK(clips_over_seeds({row, base})[2]["scores"]["psnr"].get<double>() == Approx(27.5));
}

TEST_CASE("series beyond the colours differ by their dashes") {
  constexpr std::size_t kMany = 3 * kSeriesStyles;
  std::vector<Curve> curves;
  for (std::size_t i = 0; i < kMany; ++i) {
    curves.push_back({std::to_string(i), {{0, 1, 1, 1}, {1, 2, 2, 2}}});
  }
  const std::string svg = curves_svg(curves, "x", "y");
  const std::string begin = "<polyline class=\"";
  std::set<std::string> styles;
  for (std::size_t at = svg.find(begin); at != std::string::npos; at = svg.find(begin, at + 1)) {
    const std::size_t first = at + begin.size();
    styles.insert(svg.substr(first, svg.find('"', first) - first));
  }
  CHECK(styles.size() == kMany);
}

TEST_CASE("departures stand against the base's run of the same seed") {
  const Written written({2, 1});
  written.write("alexnet-beta0.8", 0, {23, 23, 26});
  written.write("alexnet-beta0.8", 1, {30, 30, 30});
  written.write("alexnet-beta0.8-deconv", 0, {24, 25, 29});
  const std::vector<RunStatus> statuses = written.statuses();
  const ComparisonState state{written.data,   written.plan, written.runs,
                              written.run_of, statuses,     "cpu"};
  const Json report = comparison_report(state);
  const Json& configurations = report["configurations"];
  CHECK_FALSE(configurations[written.index("alexnet-beta0.8")].contains("against"));
  const Json& deconv = configurations[written.index("alexnet-beta0.8-deconv")];
  CHECK(deconv["against"]["base"] == "alexnet-beta0.8");
  CHECK(deconv["against"]["seeds"] == Json{2});
  CHECK(deconv["against"]["base_metrics"]["psnr"]["mean"].get<double>() == Approx(24));
  CHECK(deconv["against"]["difference"]["psnr"]["mean"].get<double>() == Approx(2));
  // What differs at inference alone shares the base's training, and has scores of its own.
  const Json& wrap = configurations[written.index("alexnet-beta0.8-wrap")];
  CHECK(wrap["against"]["difference"]["psnr"]["mean"] == 0);
  const Json& untried = configurations[written.index("alexnet-beta0.8-corner-loss")];
  CHECK(untried["against"]["seeds"].empty());

  const std::string table = ablation_table(report);
  CHECK(stands_in(
      table, "<td>AlexNet, β = 0.8, deconv</td><td>2</td><td>+2.00<small>±&nbsp;2.48</small>"));
  CHECK(stands_in(table, "<td>AlexNet, β = 0.8</td><td>2</td><td>24.00<small>±&nbsp;1.25</small>"));
  CHECK_FALSE(stands_in(table, "corner loss"));

  const ComparisonPage page = comparison_page(report, state);
  CHECK(stands_in(page.html, "Above the PSNR of every network: gray † 40.00 dB."));
  CHECK(stands_in(page.html, "clip0 (4 frames), clip1 (4 frames), clip2 (4 frames)"));
  CHECK(stands_in(page.html, "<caption>PSNR (dB: higher is better)</caption>"));
  CHECK(stands_in(page.html, "alt=\"AlexNet, β = 0.8, clip clip2\""));
}

TEST_CASE("runs that are lost have their reasons in the table, and hide no others") {
  const Written written({1, 2});
  const ComparedRun& first = written.run("alexnet-beta0.8", 0);
  fs::create_directories(first.folder);
  write_text(first.diverged(), "training: the loss of step <3> is not a number\n");
  const auto page_of = [&](const std::vector<RunStatus>& statuses) {
    const ComparisonState state{written.data,   written.plan, written.runs,
                                written.run_of, statuses,     "cpu"};
    return comparison_page(comparison_report(state), state).html;
  };
  const std::string reason =
      "seed 1 diverged: training: the loss of step &lt;3&gt; is not a number";
  CHECK(stands_in(page_of(written.statuses()), reason));

  written.write("alexnet-beta0.8", 1, {23, 23, 26});
  const std::string page = page_of(written.statuses());
  CHECK(stands_in(page, reason));
  CHECK(stands_in(page, "AlexNet, β = 0.8, seed 2, frame 0"));
  CHECK(stands_in(page, "<td>AlexNet, β = 0.8</td><td>1 of 2</td><td class=\"best\">24.00"));
}

TEST_CASE("scores that cannot be read are a failed run's, and the report goes on") {
  const Written written({1, 2});
  written.write("alexnet-beta0.8", 0, {23, 23, 26});
  written.write("alexnet-beta0.8", 1, {24, 25, 29});
  const fs::path damaged = written.run("alexnet-beta0.8", 0).scores({});
  for (const char* text : {"", "{\"mean\": {\"result\": 1}, \"clips\": []}",
                           "{\"mean\": {\"result\": {}}, \"clips\": [{}]}"}) {
    write_text(damaged, text);
    const std::vector<RunStatus> statuses = written.statuses();
    CHECK(statuses[written.run_of[0][0]].state == RunState::kFailed);
    CHECK(statuses[written.run_of[0][1]].state == RunState::kDone);
    const Json report = comparison_report(
        {written.data, written.plan, written.runs, written.run_of, statuses, "cpu"});
    CHECK(report["runs"][0]["state"] == "failed");
    CHECK_THAT(report["runs"][0]["message"].get<std::string>(),
               Catch::Contains("scores.json: holds no scores; remove it"));
    CHECK(report["configurations"][0]["scored"] == 1);
    CHECK(report["configurations"][0]["metrics"]["psnr"]["mean"].get<double>() == Approx(26));
  }
}

}  // namespace afterglow::test
