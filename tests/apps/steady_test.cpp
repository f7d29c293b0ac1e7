// The steady network through the program: prepared, trained, interrupted, and put to films.
#include <signal.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <thread>

#include "apps/fixtures.hpp"
#include "apps/steady_films.hpp"
#include "apps/training_data.hpp"
#include "data/colour.hpp"
#include "data/film_maker.hpp"
#include "data/film_set.hpp"
#include "data/film_set_maker.hpp"
#include "data/film_source.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"
#include "weights/boxed_model.hpp"

namespace afterglow::test {
namespace {

using Catch::Contains;
using Strings = std::vector<std::string>;

struct SteadyFixture {
  TemporaryFolder folder;

  fs::path file(const std::string& name) const { return folder.path() / name; }

  static ProgramResult run(const Strings& arguments) { return run_afterglow(arguments); }

  static void finish(const Strings& arguments) {
    const ProgramResult result = run(arguments);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
  }

  /// What is in `more` takes the place of the usual.
  Strings training(const std::string& run, const Strings& more = {}) const {
    return test::training(file("films.h5"), file(run), more, kUsual);
  }

  const Options kUsual{{"--arch", "steady"}, {"--batch", "2"}, {"--unroll", "2"}, {"--steps", "4"}};
};

/// The luma planes of a film's frames, byte by byte.
std::vector<std::string> luma_of(const fs::path& path) {
  std::vector<std::string> frames;
  FilmReader reader(path);
  while (const auto frame = reader.read()) frames.push_back(luma_bytes(*frame->content().frame));
  return frames;
}

/// A picture whose colours are weaker, or stronger; its luma stays.
Picture saturated(Picture picture, double saturation) {
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    std::uint8_t* rgb = &picture.rgb[i];
    const double gray = luma(rgb[0], rgb[1], rgb[2]);
    for (int c = 0; c < 3; ++c) rgb[c] = to_byte(gray + saturation * (rgb[c] - gray));
  }
  return picture;
}

/// By how much the pixels of a still film change from frame to frame, once what is carried has had
/// some frames to settle.
double flicker_of(const fs::path& path) {
  constexpr std::size_t kSettled = 8;
  const std::vector<Picture> film = read_film(path);
  double sum = 0;
  for (std::size_t t = kSettled + 1; t < film.size(); ++t) {
    for (std::size_t i = 0; i < film[t].rgb.size(); ++i) {
      sum += std::abs(int{film[t].rgb[i]} - int{film[t - 1].rgb[i]});
    }
  }
  return sum / double((film.size() - kSettled - 1) * film[0].rgb.size());
}

}  // namespace

TEST_CASE_METHOD(SteadyFixture, "prepare makes a film set of films in their own shape", "[app]") {
  write_film(file("a.mkv"), 3, [](int t) { return moving_waves(320, 180, t); });
  write_film(file("b.mkv"), 2, [](int t) { return moving_waves(64, 96, t); });
  fs::create_directory(file("coloured"));
  write_film(file("coloured/b.mkv"), 2, [](int t) { return moving_waves(64, 96, t, 0.5); });
  finish({"prepare", "--fit", "shape", "--truth", file("a.mkv"), file("b.mkv"), "--colorized",
          file("coloured/b.mkv"), "--test", "b", "--out", file("films.h5")});
  const FilmSet films(file("films.h5"));
  REQUIRE(films.clips().size() == 2);
  const FilmSetClip &a = films.clips()[0], &b = films.clips()[1];
  CHECK(a.width == 256);
  CHECK(a.height == 144);
  CHECK(a.frames == 3);
  CHECK_FALSE(a.has_colorized);
  CHECK(b.width == 64);
  CHECK(b.height == 96);
  CHECK(b.has_colorized);
  CHECK(b.split == Split::kTest);
  std::vector<std::uint8_t> frame(64 * 96 * 3);
  films.read_colorized(b, 1, 1, frame);
  CHECK(frame == moving_waves(64, 96, 1, 0.5).rgb);
  // Waves move 1.6 pixels of the shrunk frames, 0.8 of the planes.
  std::vector<float> flow(128 * 72 * 2);
  films.read_flow_back(a, 1, 1, flow);
  CHECK(double{flow[2 * (36 * 128 + 64)]} == Approx(-0.8).margin(0.15));
  films.read_flow_forward(a, 1, 1, flow);
  CHECK(double{flow[2 * (36 * 128 + 64)]} == Approx(0.8).margin(0.15));
  const ProgramResult refused =
      run({"train", "--arch", "alexnet", "--data", file("films.h5"), "--out", file("run")});
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Contains("films.h5") && Contains("is not an afterglow dataset"));
}

TEST_CASE_METHOD(SteadyFixture, "steady training, interrupted, goes on to the same bits", "[app]") {
  const std::string arch = GENERATE("steady", "flow-average");
  write_film_set(file("films.h5"), {{"a", 8, 64, 48}, {"b", 5, 48, 64, true}});
  finish(training("whole", {"--arch", arch}));
  CHECK(load_steady(file("whole") / "model.h5", make_cpu_backend())->arch() ==
        (arch == "steady" ? SteadyArch::kSteady : SteadyArch::kFlowAverage));
  {
    RunningProgram program(AFTERGLOW_PROGRAM, training("cut", {"--arch", arch}));
    while (program.running() && !fs::exists(file("cut") / "log.jsonl")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    program.send(SIGINT);
    const ProgramResult result = program.wait();
    INFO(result.err);
    // On a fast machine it was through before.
    REQUIRE((result.exit_code == 130 || result.exit_code == 0));
  }
  finish(training("cut", {"--arch", arch, "--resume"}));
  CHECK(model_bits(file("cut") / "model.h5") == model_bits(file("whole") / "model.h5"));
  CHECK(model_bits(file("cut") / "last.h5") == model_bits(file("whole") / "last.h5"));
  CHECK(log_entries(file("cut")) == log_entries(file("whole")));
}

TEST_CASE_METHOD(SteadyFixture, "steady training does not go on with other options", "[app]") {
  write_film_set(file("films.h5"), {{"a", 5, 64, 48}});
  finish(training("run"));
  for (const auto& [option, value] :
       {std::pair{"--batch", "3"}, std::pair{"--arch", "flow-average"}, std::pair{"--seed", "2"}}) {
    const ProgramResult result = run(training("run", {option, value, "--resume"}));
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Contains(std::string(option) + ": is ") && Contains(", but was "));
  }
}

TEST_CASE_METHOD(SteadyFixture, "options of the other kind of network are refused", "[app]") {
  write_film_set(file("films.h5"), {{"a", 4, 64, 48}});
  const auto [more, message] = GENERATE(table<Strings, std::string>(
      {{{"--beta", "0.5"}, "--beta: does not go with --arch steady"},
       {{"--epochs", "3"}, "--epochs: does not go with --arch steady"},
       {{"--unroll", "25"}, "--unroll: 25 is out of range"},
       {{"--unroll", "5"}, "has no clip of 5 frames"},
       {{"--arch", "alexnet"}, "--steps: does not go with --arch alexnet"}}));
  const ProgramResult result = run(training("run", more));
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.err, Contains(message));
  CHECK_FALSE(fs::exists(file("run")));
}

TEST_CASE_METHOD(SteadyFixture, "a film comes out steady, its luma to the bit", "[app]") {
  // A still film whose colours flicker.
  write_film(file("in.mkv"), 16,
             [](int t) { return saturated(moving_waves(96, 64, 0), t % 2 == 0 ? 0.9 : 0.5); });
  finish({"colorize", file("in.mkv"), "--out", file("steady.mkv"), "--codec", "lossless"});
  CHECK(luma_of(file("steady.mkv")).size() == 16);
  finish({"colorize", file("in.mkv"), "--out", file("own.mkv"), "--codec", "lossless", "--strength",
          "0"});
  CHECK(luma_of(file("steady.mkv")) == luma_of(file("own.mkv")));
  const double before = flicker_of(file("own.mkv")), after = flicker_of(file("steady.mkv"));
  INFO("flicker " << before << " before, " << after << " after");
  CHECK(before > 1);
  CHECK(after < 0.4 * before);
}

TEST_CASE_METHOD(SteadyFixture, "a gray film of another size and shape gives the luma", "[app]") {
  write_film(file("in.mkv"), 3, [](int t) { return moving_waves(64, 64, t); });
  write_film(file("gray.mkv"), 3, [](int t) { return gray_picture(moving_waves(160, 96, t)); });
  finish({"colorize", file("in.mkv"), "--gray", file("gray.mkv"), "--out", file("out.mkv"),
          "--codec", "lossless"});
  const std::vector<Picture> out = read_film(file("out.mkv"));
  REQUIRE(out.size() == 3);
  CHECK(out[0].width == 160);
  CHECK(out[0].height == 96);
}

TEST_CASE_METHOD(SteadyFixture, "10-bit films of odd sizes keep their luma", "[app]") {
  const std::string format = GENERATE("yuv420p10le", "yuv444p");
  const fs::path in = file("in.mkv");
  VideoParameters parameters;
  parameters.width = 97;
  parameters.height = 65;
  parameters.format = av_get_pix_fmt(format.c_str());
  parameters.time_base = {1, 25};
  parameters.matrix = AVCOL_SPC_SMPTE170M;
  parameters.range = AVCOL_RANGE_MPEG;
  make_film(in, parameters, {0, 1, 2});
  finish({"colorize", in, "--out", file("out.mkv"), "--codec", "lossless"});
  CHECK(luma_of(file("out.mkv")) == luma_of(in));
}

TEST_CASE_METHOD(SteadyFixture, "colorize: what goes with one kind of network alone", "[app]") {
  write_film(file("in.mkv"), 2, [](int t) { return moving_waves(64, 48, t); });
  write_model(file("paper.h5"));
  const auto [more, message] = GENERATE(table<Strings, std::string>(
      {{{"--previous", "baseline"}, "--previous baseline: does not go with a steady network"},
       {{"--wrap"}, "--wrap: does not go with a steady network"},
       {{"--output", "paper"}, "--output paper: does not go with a steady network"},
       {{"--model", "paper.h5", "--strength", "0.5"},
        "--strength: goes with a steady network alone"},
       {{"--model", "paper.h5", "--source-kind", "muted"},
        "--source-kind: goes with a steady network alone"}}));
  Strings arguments{"colorize", file("in.mkv"), "--out", file("out.mkv")};
  for (const std::string& word : more) {
    arguments.push_back(word == "paper.h5" ? file(word).string() : word);
  }
  const ProgramResult result = run(arguments);
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.err, Contains(message));
  CHECK_FALSE(fs::exists(file("out.mkv")));
}

TEST_CASE_METHOD(SteadyFixture, "a film's own chroma tells what coloured it", "[app]") {
  const fs::path film = file("in.mkv");
  const auto kind_of = [&](double saturation, int black) {
    write_film(film, black + 12, [&](int t) {
      return t < black ? Picture(128, 128)
                       : saturated(moving_waves(128, 128, t - black), saturation);
    });
    return told_kind(SourceKind::kAuto, film).kind;
  };
  CHECK(kind_of(0.2, 0) == -1);
  CHECK(kind_of(1, 0) == 1);
  // What it begins with before there is a picture does not count.
  CHECK(kind_of(1, 80) == 1);
  // No per-frame colorizer makes such colours.
  write_film(film, 12, [&](int) {
    Picture pure(128, 128);
    for (std::size_t i = 0; i < pure.rgb.size(); ++i) pure.rgb[i] = i % 3 == i / 768 % 3 ? 255 : 0;
    return pure;
  });
  const ToldKind told = told_kind(SourceKind::kAuto, film);
  CHECK(told.kind == 0);
  CHECK_THAT(told.said, Contains("taken for neither muted nor vivid (mean chroma "));
  CHECK(told_kind(SourceKind::kMuted, film).kind == -1);
  CHECK(told_kind(SourceKind::kUnknown, film).kind == 0);
}

TEST_CASE_METHOD(SteadyFixture, "colours are multiplied by --saturation the colours", "[app]") {
  write_film(file("in.mkv"), 6, [](int t) { return moving_waves(128, 96, t, 0.5); });
  const auto chroma_at = [&](const std::string& saturation) {
    const fs::path out = file(saturation + ".mkv");
    finish({"colorize", file("in.mkv"), "--saturation", saturation, "--codec", "lossless", "--out",
            out});
    double sum = 0;
    for (const Picture& picture : read_film(out)) {
      for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
        const Triple lab = rgb_to_lab(picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]);
        sum += std::hypot(lab[1], lab[2]);
      }
    }
    return sum;
  };
  // Half of the colours, but for rounding to bytes and what the full ones lost at the gamut's edge.
  CHECK(chroma_at("0.5") / chroma_at("1") == Approx(0.5).margin(0.05));
  CHECK(chroma_at("0") / chroma_at("1") < 0.05);
}

TEST_CASE("the model in the box loads") {
  CHECK(boxed_model().size() < 2 << 20);
  CHECK(load_boxed_model(make_cpu_backend())->arch() == SteadyArch::kSteady);
}

}  // namespace afterglow::test
