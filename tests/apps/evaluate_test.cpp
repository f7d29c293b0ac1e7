#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "apps/fixtures.hpp"
#include "data/colour.hpp"
#include "data/metrics.hpp"
#include "data/result_file.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

Picture brighter(Picture picture, int by) {
  for (auto& value : picture.rgb) value = static_cast<std::uint8_t>(value + by);
  return picture;
}

struct Fixture {
  TemporaryFolder folder;
  std::string printed;

  fs::path file(const std::string& name) const { return folder.path() / name; }

  nlohmann::json evaluate(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"evaluate", "--json", file("scores.json")});
    const ProgramResult result = run_afterglow(arguments);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    printed = result.out;
    return nlohmann::json::parse(std::ifstream(file("scores.json")));
  }
};

TEST_CASE_METHOD(Fixture, "evaluate: every row beside the truth", "[app]") {
  constexpr int kFrames = 30;
  const PictureOf truth = [](int t) { return textured(64, 48, t); };
  // The input's brightness jumps from frame to frame; textured() leaves room for it.
  const PictureOf input = [&](int t) { return brighter(truth(t), t % 2 == 0 ? 5 : 0); };
  write_film(file("truth.mkv"), kFrames, truth);
  write_film(file("input.mkv"), kFrames, input);
  write_film(file("gray.mkv"), kFrames, [&](int t) { return gray_picture(truth(t)); });
  write_film(file("result.mkv"), kFrames, [&](int t) { return brighter(truth(t), 5); });
  const nlohmann::json scores = evaluate(
      {"--truth", file("truth.mkv"), "--result", file("result.mkv"), "--gray", file("gray.mkv"),
       "--baseline", file("input.mkv"), "--halved", "--sheet", file("sheet.png")});

  REQUIRE(scores["clips"].size() == 1);
  const nlohmann::json& clip = scores["clips"][0];
  CHECK(clip["id"] == "result");
  CHECK(clip["frames"] == kFrames);
  CHECK(scores["mean"]["result"] == clip["result"]);
  CHECK(clip["truth"]["psnr"] == 100);
  CHECK(clip["truth"]["flicker"] == 0);
  CHECK(clip["result"]["psnr"].get<double>() == Approx(20 * std::log10(51.0)));
  CHECK(clip["result"]["pixel_match_percent"] == 0);
  CHECK(clip["result"]["temporal_mse"] == clip["truth"]["temporal_mse"]);
  CHECK(clip["baseline"]["pixel_match_percent"].get<double>() == Approx(50));
  CHECK(clip["gray"]["colorfulness"] == 0);

  ClipScorer truth_scorer, halved;
  for (int t = 0; t < kFrames; ++t) {
    truth_scorer.push(truth(t), truth(t));
    halved.push(halve_chroma(input(t)), truth(t));
  }
  const Scores expected = halved.scores(kFixtureFps, truth_scorer);
  CHECK(clip["baseline_halved"]["psnr"].get<double>() == Approx(*expected.psnr));
  CHECK(clip["baseline_halved"]["flicker"].get<double>() == Approx(*expected.flicker));

  CHECK_THAT(printed, Catch::Contains("afterglow") && Catch::Contains("34.15") &&
                          Catch::Contains("input, chroma halved"));
  const Picture sheet = read_picture(file("sheet.png"));
  CHECK(sheet.width > 7 * 64);
  CHECK(sheet.height > 4 * 48);
  CHECK(sheet.height < 5 * 48);  // without the halved row
}

TEST_CASE_METHOD(Fixture, "evaluate: a clip without enough frames has null scores", "[app]") {
  write_film(file("a.mkv"), 1, [](int t) { return textured(32, 32, t); });
  const nlohmann::json scores = evaluate({"--truth", file("a.mkv"), "--result", file("a.mkv")});
  CHECK(scores["mean"]["result"]["temporal_mse"].is_null());
  CHECK(scores["mean"]["result"]["flicker"].is_null());
  CHECK(scores["mean"]["result"]["psnr"] == 100);
}

TEST_CASE_METHOD(Fixture, "evaluate: several files pair by name, and the mean is over clips",
                 "[app]") {
  for (const int clip : {1, 2}) {
    const std::string number = std::to_string(clip);
    const PictureOf truth = [clip](int t) { return textured(40, 32, t, clip); };
    write_film(file("color_" + number + ".mkv"), 2, truth);
    write_film(file("film_" + number + ".mkv"), 2,
               [&](int t) { return brighter(truth(t), clip == 1 ? 3 : 6); });
  }
  const nlohmann::json scores = evaluate({"--truth", file("color_1.mkv"), file("color_2.mkv"),
                                          "--result", file("film_2.mkv"), file("film_1.mkv")});
  REQUIRE(scores["clips"].size() == 2);
  CHECK(scores["clips"][0]["id"] == "film_2");
  const double third = 20 * std::log10(255 / 3.0), sixth = 20 * std::log10(255 / 6.0);
  CHECK(scores["clips"][0]["result"]["psnr"].get<double>() == Approx(sixth));
  CHECK(scores["mean"]["result"]["psnr"].get<double>() == Approx((third + sixth) / 2));
  CHECK(scores["mean"]["frames"] == 4);
}

TEST_CASE_METHOD(Fixture, "evaluate: the network's own picture is compared at its size", "[app]") {
  const bool crop = GENERATE(false, true);
  const PictureOf truth = [](int t) { return textured(200, 150, t); };
  write_film(file("truth.mkv"), 2, truth);
  write_film(file("result.mkv"), 2, [&](int t) {
    return crop ? crop_centre(truth(t), 128) : resize_area(truth(t), 128, 128);
  });
  const nlohmann::json scores = evaluate({"--truth", file("truth.mkv"), "--result",
                                          file("result.mkv"), "--fit", crop ? "crop" : "resize"});
  CHECK(scores["mean"]["result"]["psnr"] == 100);
}

TEST_CASE_METHOD(Fixture, "evaluate: a result of another size is compared at the truth's",
                 "[app]") {
  write_film(file("truth.mkv"), 1, [](int) { return resize_area(textured(96, 96, 0), 48, 48); });
  write_film(file("result.mkv"), 1, [](int t) { return textured(96, 96, t); });
  CHECK(evaluate({"--truth", file("truth.mkv"), "--result",
                  file("result.mkv")})["mean"]["result"]["psnr"] == 100);
}

TEST_CASE_METHOD(Fixture, "evaluate: datasets and their results", "[app]") {
  write_dataset(file("data.h5"), 2);
  ResultWriter writer(file("result.h5"), 128);
  for (const std::string id : {"a", "c"}) {
    writer.begin_clip(id, kFixtureFps, "");
    for (int t = 0; t < 2; ++t) {
      const Picture truth = textured(128, 128, t + 5, id[0] - 'a');
      std::vector<float> values(truth.rgb.begin(), truth.rgb.end());
      for (float& value : values) value += 0.4F;  // rounded away
      writer.add_frame(values);
    }
  }
  writer.commit();
  const nlohmann::json scores =
      evaluate({"--truth", file("data.h5"), "--result", file("result.h5"), "--baseline",
                file("data.h5"), "--gray", file("data.h5")});
  REQUIRE(scores["clips"].size() == 2);
  CHECK(scores["mean"]["result"]["psnr"] == 100);
  CHECK(scores["clips"][1]["baseline"]["psnr"].get<double>() < 60);
  CHECK(scores["mean"]["gray"]["colorfulness"] == 0);
}

TEST_CASE_METHOD(Fixture, "evaluate: films of unequal length are refused by name", "[app]") {
  write_film(file("long.mkv"), 5, [](int t) { return textured(32, 32, t); });
  write_film(file("short.mkv"), 3, [](int t) { return textured(32, 32, t); });
  const auto [truth, result] = GENERATE(
      table<const char*, const char*>({{"long.mkv", "short.mkv"}, {"short.mkv", "long.mkv"}}));
  const ProgramResult outcome =
      run_afterglow({"evaluate", "--truth", file(truth), "--result", file(result)});
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.err == "afterglow: " + file("long.mkv").string() + ": has 5 frames, but " +
                           file("short.mkv").string() + " has 3; give films of the same frames\n");
}

}  // namespace
}  // namespace afterglow::test
