#include "apps/score_report.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

Scores coloured_and_moving(double colorfulness, double temporal_mse) {
  Scores scores;
  scores.colorfulness = colorfulness;
  scores.temporal_mse = temporal_mse;
  return scores;
}

}  // namespace

TEST_CASE("rows are marked below 80 % of the truth's colourfulness or half of its temporal MSE") {
  const Scores truth = coloured_and_moving(50, 200);
  using Texts = std::vector<std::string>;
  CHECK(marks(truth, truth).empty());
  CHECK(marks(coloured_and_moving(40.1, 100.1), truth).empty());
  CHECK(marks(coloured_and_moving(500, 20000), truth).empty());
  CHECK(marks(coloured_and_moving(39.9, 200), truth) == Texts{"79 % of the truth's colourfulness"});
  CHECK(marks(coloured_and_moving(50, 99.9), truth) == Texts{"49 % of the truth's temporal MSE"});
  CHECK(marks(coloured_and_moving(0, 0), truth) ==
        Texts{"0 % of the truth's colourfulness", "0 % of the truth's temporal MSE"});
  // A gray truth and a still one cannot be fallen short of; one frame has no temporal MSE.
  CHECK(marks(coloured_and_moving(0, 0), coloured_and_moving(0, 0)).empty());
  Scores single = coloured_and_moving(50, 0);
  single.temporal_mse.reset();
  CHECK(marks(single, truth).empty());
  CHECK(marks(truth, single).empty());
}

TEST_CASE("a report holds the metrics of the flow that was used") {
  const auto keys = [](FlowsUsed flows) {
    const ScoreReport report({{"truth", "truth"}}, flows);
    std::vector<std::string> names;
    for (const Metric& metric : report.metrics()) {
      names.emplace_back(metric.key);
    }
    return names;
  };
  const auto none = keys({false, false}), dis = keys({true, false}), both = keys({true, true});
  CHECK(none.back() == "cdc_difference");
  CHECK(dis.size() == none.size() + 2);
  CHECK(dis.back() == "ewarp_ab_dis");
  CHECK(both.size() == std::size(kMetrics));
}

TEST_CASE("intervals are over the clips that have the score, and means marked by themselves") {
  ScoreReport report({{"truth", "truth"}, {"result", "result"}}, {});
  Scores pale = coloured_and_moving(10, 200), vivid = coloured_and_moving(90, 200);
  vivid.psnr = 30;
  report.add("a", {coloured_and_moving(50, 200), pale});
  report.add("b", {coloured_and_moving(50, 200), vivid});
  const nlohmann::json json = report.json();
  CHECK_FALSE(json["clips"][0]["result"]["marks"].empty());
  CHECK(json["mean"]["result"]["marks"].empty());
  CHECK(json["mean"]["result"]["colorfulness"] == 50);
  CHECK(json["mean"]["result"]["psnr"] == 30);
  CHECK(json["interval_95"]["result"]["colorfulness"]["n"] == 2);
  CHECK(json["interval_95"]["result"]["psnr"]["n"] == 1);
  CHECK(json["interval_95"]["result"]["psnr"]["half_width"].is_null());
  CHECK(json["interval_95"]["truth"]["ssim"]["n"] == 0);
}

TEST_CASE("a CSV file is there only once it is whole, with names quoted where need be") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "frames.csv";
  const ScoreReport report({{"truth", "truth"}}, {});
  {
    ScoreCsv dropped(path, report.metrics());
    dropped.add("a", "truth", 0, {});
  }
  CHECK(std::filesystem::is_empty(folder.path()));
  Scores scores = coloured_and_moving(1.5, 2);
  scores.flicker = 7;  // no frame has it
  ScoreCsv csv(path, report.metrics());
  csv.add("say \"a, b\"", "truth", 3, scores);
  csv.commit();
  std::ifstream file(path);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) ==
        "clip,row,frame,psnr,ssim,pixel_match_percent,temporal_mse,colorfulness\n"
        "\"say \"\"a, b\"\"\",truth,3,,,,2,1.5\n");
}

}  // namespace afterglow::test
