// What `afterglow evaluate` compares: rows, files that belong together, the sheet.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "apps/evaluation.hpp"
#include "data/colour.hpp"
#include "data/result_file.hpp"
#include "support/flat_picture.hpp"

namespace afterglow::test {
namespace {

using Fixture = Evaluation;

TEST_CASE_METHOD(Fixture, "evaluate: gray is made of the truth where it is not given", "[app]") {
  const PictureOf truth = [](int t) { return textured(48, 40, t); };
  write_film(file("truth.mkv"), 3, truth);
  write_film(file("result.mkv"), 3, [&](int t) { return brighter(truth(t), 2); });
  write_film(file("gray.mkv"), 3, [&](int t) { return gray_picture(truth(t)); });
  const std::vector<std::string> films = {"--truth", file("truth.mkv"), "--result",
                                          file("result.mkv"), "--no-trivial"};
  const nlohmann::json made = evaluate(films);
  CHECK_THAT(printed, Catch::Contains("gray *"));
  std::vector<std::string> with_gray = films;
  with_gray.insert(with_gray.end(), {"--gray", file("gray.mkv")});
  CHECK(made == evaluate(with_gray));
}

TEST_CASE_METHOD(Fixture, "evaluate: further films stand in the sheet, below the result", "[app]") {
  constexpr int kWidth = 64, kHeight = 48, kGap = 4;
  write_film(file("truth.mkv"), 9, [](int t) { return textured(kWidth, kHeight, t); });
  write_film(file("result.mkv"), 9, [](int) { return flat(kWidth, kHeight, 200, 0, 0); });
  write_film(file("first.mkv"), 9, [](int) { return flat(kWidth, kHeight, 0, 200, 0); });
  write_film(file("second.mkv"), 9, [](int) { return flat(kWidth, kHeight, 0, 0, 200); });
  const std::vector<std::string> films = {"--truth", file("truth.mkv"), "--result",
                                          file("result.mkv"), "--no-flow"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), films.begin(), films.end());
    return more;
  };
  const nlohmann::json scores = evaluate(
      with({"--sheet", file("sheet.png"), "--sheet-row", "steady=" + file("first.mkv").string(),
            "--sheet-row", "other=" + file("second.mkv").string()}));
  CHECK(scores == evaluate(films));
  const Picture sheet = read_picture(file("sheet.png"));
  REQUIRE(sheet.height == 5 * (kHeight + kGap) + kGap);  // truth, gray, result and these two
  const auto colour = [&sheet](int row, int column) {
    const int x = sheet.width - kGap - kWidth / 2 - (6 - column) * (kWidth + kGap);
    const int y = kGap + row * (kHeight + kGap) + kHeight / 2;
    const auto at = sheet.rgb.begin() + 3 * (y * sheet.width + x);
    return std::vector<int>(at, at + 3);
  };
  for (const int column : {0, 6}) {
    CHECK(colour(2, column) == std::vector<int>{200, 0, 0});
    CHECK(colour(3, column) == std::vector<int>{0, 200, 0});
    CHECK(colour(4, column) == std::vector<int>{0, 0, 200});
  }

  const std::string sheet_file = file("another.png");
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"--sheet-row", "a=" + file("first.mkv").string()}, "--sheet-row: is a row of the sheet"},
      {{"--sheet", sheet_file, "--sheet-row", "first.mkv"}, "'first.mkv' is no LABEL=FILM"},
      {{"--sheet", sheet_file, "--sheet-row", "a=none.mkv"}, "none.mkv: "},
      {{"--sheet", file("first.mkv"), "--sheet-row", "a=" + file("first.mkv").string()},
       file("first.mkv").string() + ": "},
  };
  for (const auto& [options, message] : wrong) {
    std::vector<std::string> arguments = with(options);
    arguments.insert(arguments.begin(), "evaluate");
    const ProgramResult outcome = run_afterglow(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, Catch::Contains(message));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(sheet_file));
  }
}

TEST_CASE_METHOD(Fixture, "evaluate: folders of pictures are films", "[app]") {
  const PictureOf truth = [](int t) { return textured(48, 40, t); };
  for (const std::string end : {"", ".mkv"}) {
    write_film(file("color_1" + end), 11, truth);
    write_film(file("film_1" + end), 11, [&](int t) { return brighter(truth(t), t % 3); });
    write_film(file("input_1" + end), 11, [&](int t) { return brighter(truth(t), t % 2); });
  }
  const auto scores = [&](const std::string& end) {
    return evaluate({"--truth", file("color_1" + end), "--result", file("film_1" + end),
                     "--baseline", file("input_1" + end)});
  };
  const nlohmann::json of_folders = scores("");
  CHECK(of_folders["clips"][0]["id"] == "film_1");
  CHECK(of_folders["clips"][0]["frames"] == 11);
  CHECK(of_folders["mean"]["baseline"]["pixel_match_percent"].get<double>() ==
        Approx(100 * 6 / 11.0));
  CHECK(of_folders == scores(".mkv"));
}

TEST_CASE_METHOD(Fixture, "evaluate: several files pair by name; mean and interval are over clips",
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
  // Two values: t of one degree of freedom, times half their distance.
  const nlohmann::json& interval = scores["interval_95"]["result"]["psnr"];
  CHECK(interval["n"] == 2);
  CHECK(interval["half_width"].get<double>() == Approx(12.7062 * (third - sixth) / 2));
  CHECK(scores["interval_95"]["result"]["flicker"]["n"] == 0);
  CHECK_THAT(printed, Catch::Contains("mean of 2 clips") && Catch::Contains("+- (95 %)") &&
                          Catch::Contains("  flicker: n = 0 clips\n"));
}

TEST_CASE_METHOD(Fixture, "evaluate: what could be paired in two ways is refused", "[app]") {
  for (const char* name : {"color_1", "z_1", "film_1", "other_1"}) {
    write_film(file(name).string() + ".mkv", 1,
               [&](int t) { return textured(32, 32, t, name[0] == 'c' ? 0 : 1); });
  }
  const auto film = [&](const std::string& name) { return file(name + ".mkv").string(); };
  struct Case {
    std::vector<std::string> truths, results;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{film("color_1")},
       {film("film_1"), film("other_1")},
       film("color_1") + ": could belong to " + film("film_1") + " or " + film("other_1") +
           " (--truth); give one of them\n"},
      {{film("color_1"), film("z_1")},
       {film("film_1")},
       film("film_1") + ": could belong to " + film("color_1") + " or " + film("z_1") +
           " (--truth); give one of them\n"},
  };
  const auto arguments = [](const Case& wanted) {
    std::vector<std::string> all = {"--truth"};
    all.insert(all.end(), wanted.truths.begin(), wanted.truths.end());
    all.emplace_back("--result");
    all.insert(all.end(), wanted.results.begin(), wanted.results.end());
    return all;
  };
  for (const Case& wrong : cases) {
    std::vector<std::string> all = arguments(wrong);
    all.insert(all.begin(), "evaluate");
    const ProgramResult outcome = run_afterglow(all);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.err == "afterglow: " + wrong.message);
  }
  // What has a partner of its own name leaves the other to the rest.
  const nlohmann::json scores =
      evaluate(arguments({{film("z_1"), film("color_1")}, {film("film_1"), film("color_1")}, {}}));
  CHECK(scores["clips"][0]["id"] == "film_1");
  CHECK(scores["mean"]["result"]["psnr"] == 100);
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

}  // namespace
}  // namespace afterglow::test
