#include <signal.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "apps/evaluation.hpp"
#include "apps/fixtures.hpp"
#include "apps/truth_motion.hpp"
#include "data/carried_chroma.hpp"
#include "data/clip_scorer.hpp"
#include "data/colour.hpp"
#include "data/metrics.hpp"
#include "data/optical_flow.hpp"
#include "support/run_program.hpp"

namespace afterglow::test {
namespace {

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line + ',');
  for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
  return fields;
}

using Fixture = Evaluation;

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

  std::map<std::string, ClipScorer> scorers;
  CarriedChroma carried;
  VisibleFlow there, back;
  for (int t = 0; t < kFrames; ++t) {
    if (t > 0) {
      const Flow forth = dis_flow(truth(t - 1), truth(t)),
                 returned = dis_flow(truth(t), truth(t - 1));
      there = visible_flow(forth, returned);
      back = visible_flow(returned, forth);
    }
    const TrueMotion motion{t > 0 ? &there : nullptr, nullptr};
    scorers["truth"].push(truth(t), truth(t), motion);
    scorers["baseline"].push(input(t), truth(t), motion);
    scorers["baseline_halved"].push(halve_chroma(input(t)), truth(t), motion);
    scorers["baseline_carried"].push(carried.push(input(t), t > 0 ? &back : nullptr), truth(t),
                                     motion);
  }
  for (const auto& [row, scorer] : scorers) {
    const Scores expected = scorer.scores(kFixtureFps, scorers["truth"]);
    for (const Metric& metric : kMetrics) {
      CAPTURE(row, metric.key);
      if (const auto& value = expected.*metric.value) {
        CHECK(clip[row][metric.key].get<double>() == Approx(*value).margin(1e-12));
      } else {
        CHECK_FALSE(clip[row].contains(metric.key));  // no flow was given
      }
    }
  }
  CHECK(clip["truth"]["ssim"] == 1);
  CHECK(clip["truth"]["cdc_difference"] == 0);
  CHECK(clip["baseline"]["ewarp_dis"] > clip["truth"]["ewarp_dis"]);
  CHECK(clip["gray"]["ewarp_ab_dis"].get<double>() < 1e-6);
  CHECK(scores["interval_95"]["result"]["psnr"]["n"] == 1);
  CHECK(scores["interval_95"]["result"]["psnr"]["half_width"].is_null());

  CHECK_THAT(printed, Catch::Contains("result") && Catch::Contains("34.15") &&
                          Catch::Contains("input, chroma halved") &&
                          Catch::Contains("input, carried"));
  const Picture sheet = read_picture(file("sheet.png"));
  CHECK(sheet.width > 7 * 64);
  CHECK(sheet.height > 4 * 48);
  CHECK(sheet.height < 5 * 48);  // without the trivial rows
}

TEST_CASE_METHOD(Fixture, "evaluate: rows that are pale or repeat frames are marked", "[app]") {
  const PictureOf truth = [](int t) { return textured(48, 40, 3 * t); };
  write_film(file("truth.mkv"), 6, truth);
  write_film(file("gray.mkv"), 6, [&](int t) { return gray_picture(truth(t)); });
  write_film(file("still.mkv"), 6, [&](int t) { return truth(t / 6); });
  const nlohmann::json scores =
      evaluate({"--truth", file("truth.mkv"), "--result", file("still.mkv"), "--gray",
                file("gray.mkv"), "--baseline", file("truth.mkv")});
  const nlohmann::json& clip = scores["clips"][0];
  const auto none = nlohmann::json::array();
  CHECK(clip["truth"]["marks"] == none);
  CHECK(clip["baseline"]["marks"] == none);
  CHECK(clip["gray"]["marks"][0] == "0 % of the truth's colourfulness");
  CHECK(clip["baseline_halved"]["marks"][0] == "49 % of the truth's colourfulness");
  CHECK(clip["result"]["marks"] == nlohmann::json({"0 % of the truth's temporal MSE"}));
  CHECK(scores["mean"]["result"]["marks"] == clip["result"]["marks"]);
  CHECK_THAT(printed, Catch::Contains("result *") && Catch::Contains("gray *") &&
                          !Catch::Contains("truth *") && !Catch::Contains("input *") &&
                          Catch::Contains("  * result: 0 % of the truth's temporal MSE\n"));
}

TEST_CASE_METHOD(Fixture, "evaluate: every frame's scores as CSV", "[app]") {
  const PictureOf truth = [](int t) { return textured(40, 36, t); };
  write_film(file("truth.mkv"), 3, truth);
  write_film(file("a,b.mkv"), 3, [&](int t) { return brighter(truth(t), 1 + t); });
  evaluate({"--truth", file("truth.mkv"), "--result", file("a,b.mkv"), "--no-flow", "--csv",
            file("frames.csv")});
  std::ifstream csv(file("frames.csv"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(csv, line);) lines.push_back(line);
  REQUIRE(lines.size() == 1 + 3 * 3);  // truth, gray, result
  CHECK(lines[0] == "clip,row,frame,psnr,ssim,pixel_match_percent,temporal_mse,colorfulness");
  CHECK(lines[3].starts_with("\"a,b\",result,0,"));
  CHECK(lines[7].starts_with("\"a,b\",truth,2,100,1,100,"));
  for (int t = 0; t < 3; ++t) {
    // The quoted name is two fields to this reader.
    const std::vector<std::string> fields = fields_of(lines[std::size_t(3 + 3 * t)]);
    REQUIRE(fields.size() == 9);
    const Picture picture = brighter(truth(t), 1 + t);
    CHECK(fields[3] == std::to_string(t));
    CHECK(std::stod(fields[4]) == Approx(psnr(picture, truth(t))).epsilon(1e-9));
    CHECK(std::stod(fields[8]) == Approx(colorfulness(picture)).epsilon(1e-9));
    if (t == 0) {
      CHECK(fields[7].empty());
    } else {
      CHECK(std::stod(fields[7]) ==
            Approx(mean_squared_error(picture, brighter(truth(t - 1), t))).epsilon(1e-9));
    }
  }
}

TEST_CASE_METHOD(Fixture, "evaluate: --flow measures along given flow, film by film", "[app]") {
  const fs::path clips = file("clips");
  REQUIRE(run_afterglow({"synth", "--out", clips, "--clips", "2", "--frames", "4", "--size", "128",
                         "--seed", "3"})
              .exit_code == 0);
  fs::create_directory(file("flows"));
  for (const std::string number : {"1", "2"}) {
    fs::rename(clips / ("flow_" + number), file("flows") / ("flow_" + number));
  }
  const std::vector<std::string> films = {
      "--truth",    clips / "color_1.mkv",     clips / "color_2.mkv",
      "--result",   clips / "colorized_2.mkv", clips / "colorized_1.mkv",
      "--baseline", clips / "color_2.mkv",     clips / "color_1.mkv"};
  std::vector<std::string> with_flow = films;
  with_flow.insert(with_flow.end(), {"--flow", file("flows")});
  const nlohmann::json scores = evaluate(with_flow);
  for (std::size_t clip = 0; clip < 2; ++clip) {
    const std::string number = clip == 0 ? "2" : "1";
    const std::vector<Picture> truth = read_film(clips / ("color_" + number + ".mkv"));
    const std::vector<Picture> result = read_film(clips / ("colorized_" + number + ".mkv"));
    double error = 0, chroma_error = 0, true_error = 0, true_chroma_error = 0;
    for (std::size_t t = 0; t < 3; ++t) {
      const fs::path name = "0000" + std::to_string(t) + ".flo";
      const VisibleFlow motion = visible_flow(read_flow(file("flows") / ("flow_" + number) / name),
                                              dis_flow(truth[t + 1], truth[t]));
      error += warp_error(result[t], result[t + 1], motion).value() / 3;
      chroma_error +=
          warp_error(lab_chroma(result[t]), lab_chroma(result[t + 1]), motion).value() / 3;
      true_error += warp_error(truth[t], truth[t + 1], motion).value() / 3;
      true_chroma_error +=
          warp_error(lab_chroma(truth[t]), lab_chroma(truth[t + 1]), motion).value() / 3;
    }
    const nlohmann::json& entry = scores["clips"][clip];
    CHECK(entry["id"] == "colorized_" + number);
    CHECK(entry["result"]["ewarp_flo"].get<double>() == Approx(error));
    CHECK(entry["result"]["ewarp_ab_flo"].get<double>() == Approx(chroma_error));
    CHECK(entry["truth"]["ewarp_flo"].get<double>() == Approx(true_error));
    CHECK(entry["truth"]["ewarp_ab_flo"].get<double>() == Approx(true_chroma_error));
  }

  std::vector<std::string> without = films;
  without.emplace_back("--no-flow");
  const nlohmann::json rest = evaluate(without);
  CHECK_FALSE(rest["mean"]["result"].contains("ewarp_dis"));
  CHECK_FALSE(rest["mean"].contains("baseline_carried"));
  CHECK(rest["mean"].contains("baseline_halved"));
  CHECK(rest["mean"]["result"]["ssim"] == scores["mean"]["result"]["ssim"]);
  without.emplace_back("--no-trivial");
  CHECK_FALSE(evaluate(without)["mean"].contains("baseline_halved"));
  without.emplace_back("--halved");
  CHECK(evaluate(without)["mean"]["baseline_halved"] == rest["mean"]["baseline_halved"]);
}

TEST_CASE_METHOD(Fixture, "evaluate: warping error along given flow, by hand", "[app]") {
  // All moves left by one pixel a frame; the result is brighter by 5 levels in every other frame.
  const PictureOf truth = [](int t) { return textured(48, 40, t); };
  write_film(file("truth.mkv"), 4, truth);
  write_film(file("result.mkv"), 4, [&](int t) { return brighter(truth(t), 5 * (t % 2)); });
  fs::create_directory(file("flow"));
  Flow flow(48, 40);
  for (std::size_t i = 0; i < flow.uv.size(); i += 2) flow.uv[i] = -1;
  for (int t = 0; t < 3; ++t) write_flow(file("flow") / (std::to_string(t) + ".flo"), flow);
  const nlohmann::json scores = evaluate({"--truth", file("truth.mkv"), "--result",
                                          file("result.mkv"), "--flow", file("flow")})["clips"][0];
  CHECK(scores["truth"]["ewarp_flo"] == 0);
  CHECK(scores["truth"]["ewarp_ab_flo"] == 0);
  CHECK(scores["result"]["ewarp_flo"].get<double>() == Approx(3 * 5 * 5 / (255.0 * 255)));
}

TEST_CASE_METHOD(Fixture, "evaluate: flow that does not belong to the film is refused", "[app]") {
  write_film(file("film.mkv"), 3, [](int t) { return textured(40, 32, t); });
  for (const std::string name : {"none", "few", "many", "other"}) fs::create_directory(file(name));
  const Flow flow(40, 32);
  write_flow(file("few/0.flo"), flow);
  for (const char* name : {"many/1.flo", "many/2.flo", "many/10.flo"}) write_flow(file(name), flow);
  write_flow(file("other/0.flo"), flow);
  write_flow(file("other/1.flo"), Flow(32, 40));
  struct Case {
    std::vector<std::string> arguments;
    std::string message;
  };
  const std::string one_each = "; give one .flo file from each frame to the next\n";
  const auto path = [&](const char* name) { return file(name).string(); };
  const std::vector<Case> cases = {
      {{"--flow", path("none")}, path("none") + ": holds no flow" + one_each},
      {{"--flow", path("film.mkv")},
       path("film.mkv") + ": is not a folder; give a folder of .flo files\n"},
      {{"--flow", path("few")}, path("few") + ": holds 1 flow for more frames" + one_each},
      {{"--flow", path("many")},
       path("many") + ": holds 3 flows, but " + path("film.mkv") + " has 3 frames" + one_each},
      {{"--flow", path("other")},
       path("other/1.flo") +
           ": has a flow of 32x40, but frames are compared at 40x32; give flow of this size\n"},
      {{"--flow", path("few"), "--no-flow"},
       "--no-flow: leaves out what --flow is for; give one of the two\n"},
  };
  for (const Case& wrong : cases) {
    std::vector<std::string> arguments = {"evaluate",        "--truth",        path("film.mkv"),
                                          "--result",        path("film.mkv"), "--csv",
                                          path("frames.csv")};
    arguments.insert(arguments.end(), wrong.arguments.begin(), wrong.arguments.end());
    const ProgramResult outcome = run_afterglow(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.err == "afterglow: " + wrong.message);
  }
  CHECK(names_in(folder.path()) ==
        std::vector<std::string>{"few", "film.mkv", "many", "none", "other"});
}

TEST_CASE_METHOD(Fixture, "evaluate: memory is flat in the film's length", "[app]") {
  const PictureOf film = [](int t) { return textured(192, 144, t); };
  constexpr int kShort = 8, kLong = 72;
  constexpr long kPicture = 192 * 144 * 3;  // bytes
  write_film(file("short.mkv"), kShort, film);
  write_film(file("long.mkv"), kLong, film);
  const auto largest_after = [&](const char* name) {  // KiB
    REQUIRE(run_afterglow({"evaluate", "--truth", file(name), "--result", file(name), "--csv",
                           file("frames.csv")})
                .exit_code == 0);
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return usage.ru_maxrss;
  };
  const long before = largest_after("short.mkv");
  // Less than if one film's frames were kept; what is kept is numbers, and the heap breathes.
  CHECK(largest_after("long.mkv") - before < (kLong - kShort) * kPicture / 1024 * 3 / 4);
}

TEST_CASE_METHOD(Fixture, "evaluate: Ctrl-C leaves nothing half written", "[app]") {
  write_film(file("film.mkv"), 400, [](int t) { return textured(160, 128, t); });
  RunningProgram program(AFTERGLOW_PROGRAM,
                         {"evaluate", "--truth", file("film.mkv"), "--result", file("film.mkv"),
                          "--csv", file("frames.csv"), "--json", file("scores.json")});
  while (program.running() && names_in(folder.path()).size() == 1) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  program.send(SIGINT);
  const ProgramResult result = program.wait();
  INFO(result.err);
  CHECK(result.exit_code == 130);
  CHECK(names_in(folder.path()) == std::vector<std::string>{"film.mkv"});
}

TEST_CASE_METHOD(Fixture, "evaluate: a clip without enough frames has null scores", "[app]") {
  write_film(file("a.mkv"), 1, [](int t) { return textured(32, 32, t); });
  const nlohmann::json scores = evaluate({"--truth", file("a.mkv"), "--result", file("a.mkv")});
  CHECK(scores["mean"]["result"]["temporal_mse"].is_null());
  CHECK(scores["mean"]["result"]["flicker"].is_null());
  CHECK(scores["mean"]["result"]["psnr"] == 100);
  CHECK(scores["mean"]["result"]["cdc"].is_null());
  CHECK(scores["mean"]["result"]["ewarp_dis"].is_null());
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
