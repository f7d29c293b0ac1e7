#include <catch2/catch.hpp>
#include <cmath>
#include <csignal>

#include "apps/fixtures.hpp"
#include "data/colour.hpp"
#include "data/result_file.hpp"
#include "nn/recurrent_colorizer.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

struct Fixture {
  TemporaryFolder folder;
  fs::path model = file("model.h5");

  Fixture() { write_model(model); }

  fs::path file(const std::string& name) const { return folder.path() / name; }

  void colorize(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"colorize", "--model", model.string()});
    const ProgramResult result = run_afterglow(arguments);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
  }

  /// A clip of a result file.
  std::vector<std::vector<float>> result(const fs::path& path, const std::string& id) const {
    const ResultFile results(path);
    for (const ResultClip& clip : results.clips()) {
      if (clip.id != id) continue;
      std::vector<std::vector<float>> frames(static_cast<std::size_t>(clip.frames),
                                             std::vector<float>(128 * 128 * 3));
      for (std::size_t t = 0; t < frames.size(); ++t) {
        results.read_frame(id, static_cast<std::int64_t>(t), frames[t]);
      }
      return frames;
    }
    return {};
  }

  /// What the network makes of pictures, step by step.
  static std::vector<std::vector<float>> expected(const std::vector<Picture>& inputs,
                                                  const std::vector<Picture>& truths,
                                                  Previous previous) {
    const auto backend = make_cpu_backend();
    const auto network = reddish_model(backend);
    RecurrentColorizer colorizer(*network, previous);
    const auto tensor = [&](const Picture& picture) {
      const std::vector<float> values(picture.rgb.begin(), picture.rgb.end());
      return Tensor::from_host(backend, {1, 128, 128, 3}, values);
    };
    std::vector<std::vector<float>> outputs;
    for (std::size_t t = 0; t < inputs.size(); ++t) {
      outputs.push_back(colorizer.step(tensor(inputs[t]), tensor(truths[t])).to_host());
    }
    return outputs;
  }
};

std::vector<Picture> pictures(int frames, const PictureOf& picture) {
  std::vector<Picture> result;
  for (int t = 0; t < frames; ++t) result.push_back(picture(t));
  return result;
}

TEST_CASE_METHOD(Fixture, "colorize: a dataset's test clips become unrounded results", "[app]") {
  write_dataset(file("data.h5"));
  const auto inputs = pictures(3, [](int t) { return textured(128, 128, t); });
  const auto truths = pictures(3, [](int t) { return textured(128, 128, t + 5); });
  const auto [name, previous] = GENERATE(table<std::string, Previous>(
      {{"own", Previous::kOwn}, {"baseline", Previous::kBaseline}, {"truth", Previous::kTruth}}));
  colorize({file("data.h5"), "--out", file("result.h5"), "--previous", name});
  CHECK(ResultFile(file("result.h5")).clips().size() == 1);
  CHECK(result(file("result.h5"), "a") == expected(inputs, truths, previous));
  // The three ways differ from one another: the second frame's predecessor differs.
  const Previous other = previous == Previous::kOwn ? Previous::kTruth : Previous::kOwn;
  CHECK(result(file("result.h5"), "a") != expected(inputs, truths, other));
}

TEST_CASE_METHOD(Fixture, "colorize: clips of a dataset by id and by split", "[app]") {
  write_dataset(file("data.h5"), 1);
  colorize({file("data.h5"), "--out", file("result.h5"), "--clips", "c,b"});
  CHECK_THAT(run_afterglow({"info", file("result.h5")}).out,
             Catch::Contains("id b  frames 1") && Catch::Contains("id c  frames 1"));
  CHECK(ResultFile(file("result.h5")).clips().size() == 2);
  CHECK(result(file("result.h5"), "b").size() == 1);
  colorize({file("data.h5"), "--out", file("films"), "--split", "train"});
  CHECK(names_in(file("films")) == std::vector<std::string>{"b.mkv", "config.toml"});
}

TEST_CASE_METHOD(Fixture, "colorize: the paper's output is the network's rounded picture",
                 "[app]") {
  const int width = GENERATE(128, 200);
  const PictureOf film = [width](int t) { return textured(width, 160, t); };
  write_film(file("in.mkv"), 3, film);
  colorize({file("in.mkv"), "--output", "paper", "--codec", "lossless", "--out", file("out.mkv")});
  const std::vector<Picture> inputs =
      pictures(3, [&](int t) { return resize_area(film(t), 128, 128); });
  const auto outputs = expected(inputs, inputs, Previous::kOwn);
  const std::vector<Picture> written = read_film(file("out.mkv"));
  REQUIRE(written.size() == 3);
  for (std::size_t t = 0; t < 3; ++t) {
    Picture rounded(128, 128);
    for (std::size_t i = 0; i < rounded.rgb.size(); ++i) {
      rounded.rgb[i] =
          static_cast<std::uint8_t>(std::clamp(std::floor(outputs[t][i] + 0.5F), 0.0F, 255.0F));
    }
    CHECK(written[t] == rounded);
  }
}

TEST_CASE_METHOD(Fixture, "colorize: a model of cropped data sees the centre", "[app]") {
  write_model(model, "crop");
  write_film(file("in.mkv"), 1, [](int t) { return textured(200, 160, t); });
  colorize({file("in.mkv"), "--out", file("out.h5")});
  const std::vector<Picture> centre = {crop_centre(textured(200, 160, 0), 128)};
  CHECK(result(file("out.h5"), "in") == expected(centre, centre, Previous::kOwn));
}

TEST_CASE_METHOD(Fixture, "colorize: a film keeps size, luma and times", "[app]") {
  write_film(
      file("in.mp4"), 4, [](int t) { return textured(160, 96, t); }, VideoCodec::kH264);
  colorize({file("in.mp4"), "--out", file("out.mp4"), "--codec", "lossless"});
  const auto before = open_frames(file("in.mp4")), after = open_frames(file("out.mp4"));
  for (int t = 0; t < 4; ++t) {
    const auto in = before->read(), out = after->read();
    REQUIRE(in.has_value());
    REQUIRE(out.has_value());
    CHECK(out->seconds == Approx(in->seconds).margin(1e-4));
    REQUIRE(out->picture.width == 160);
    REQUIRE(out->picture.height == 96);
    // Luma is the same to the bit in the film; RGB rounds three times. Colours outside of RGB are
    // clipped, which moves luma: few pixels may differ by more.
    const Picture gray_in = gray_picture(in->picture), gray_out = gray_picture(out->picture);
    std::size_t off = 0;
    for (std::size_t i = 0; i < gray_in.rgb.size(); i += 3) {
      off += std::abs(int{gray_in.rgb[i]} - int{gray_out.rgb[i]}) > 3;
    }
    CHECK(off < gray_in.rgb.size() / 3 / 10);
    // Chroma is the network's: red above green above blue, everywhere.
    std::size_t red = 0;
    for (std::size_t i = 0; i < out->picture.rgb.size(); i += 3) {
      red += out->picture.rgb[i] > out->picture.rgb[i + 1] &&
             out->picture.rgb[i + 1] > out->picture.rgb[i + 2];
    }
    CHECK(red > out->picture.rgb.size() / 3 * 9 / 10);
  }
  CHECK_FALSE(after->read().has_value());
}

TEST_CASE_METHOD(Fixture, "colorize: --gray gives luma and size", "[app]") {
  write_film(file("in.mkv"), 2, [](int t) { return textured(128, 128, t); });
  write_film(file("gray.mkv"), 2, [](int t) { return gray_picture(textured(64, 48, t, 2)); });
  colorize({file("in.mkv"), "--gray", file("gray.mkv"), "--out", file("pictures")});
  const std::vector<Picture> out = read_film(file("pictures"));
  REQUIRE(out.size() == 2);
  const Picture gray = gray_picture(textured(64, 48, 1, 2)), kept = gray_picture(out[1]);
  REQUIRE(kept.width == 64);
  std::size_t off = 0;
  for (std::size_t i = 0; i < gray.rgb.size(); i += 3) {
    off += std::abs(int{gray.rgb[i]} - int{kept.rgb[i]}) > 3;
  }
  CHECK(off < gray.rgb.size() / 3 / 10);
}

TEST_CASE_METHOD(Fixture, "colorize: a folder of pictures becomes a film, and a film pictures",
                 "[app]") {
  write_film(file("in"), 2, [](int t) { return textured(96, 64, t); });
  colorize({file("in"), "--out", file("film.mkv")});
  colorize({file("film.mkv"), "--out", file("out")});
  colorize({file("film.mkv"), "--out", file("out"), "--cuts",
            "off"});  // replaces what a run before made
  CHECK(read_film(file("film.mkv")).size() == 2);
  CHECK(names_in(file("out")) == std::vector<std::string>{"00000.png", "00001.png", "config.toml"});
}

TEST_CASE_METHOD(Fixture, "colorize: a folder of films becomes a folder, however many it holds",
                 "[app]") {
  fs::create_directory(file("films"));
  write_film(file("films/one.mkv"), 2, [](int t) { return textured(96, 64, t); });
  colorize({file("films"), "--out", file("out")});
  CHECK(names_in(file("out")) == std::vector<std::string>{"config.toml", "one.mkv", "one.mkv.job"});
  colorize({file("films"), "--out", file("film.mkv")});
  CHECK(read_film(file("film.mkv")).size() == 2);
}

TEST_CASE_METHOD(Fixture, "colorize and evaluate never write over what they read", "[app]") {
  write_film(file("film.mkv"), 2, [](int t) { return textured(96, 64, t); });
  write_dataset(file("data.h5"), 1);
  const std::vector<std::vector<std::string>> commands = {
      {"colorize", file("film.mkv"), "--model", model, "--out", file("film.mkv")},
      {"colorize", file("film.mkv"), "--model", model, "--out", model},
      {"colorize", file("data.h5"), "--model", model, "--out", file("data.h5")},
      {"evaluate", "--truth", file("film.mkv"), "--result", file("film.mkv"), "--sheet",
       file("film.mkv")},
      {"evaluate", "--truth", file("data.h5"), "--result", file("film.mkv"), "--json",
       file("data.h5")}};
  for (const std::vector<std::string>& command : commands) {
    const ProgramResult refused = run_afterglow(command);
    INFO(command[0] << ' ' << command.back() << ": " << refused.err);
    CHECK(refused.exit_code == 2);
    CHECK(refused.err == "afterglow: " + command.back() +
                             ": is an input and the output; choose another output path\n");
  }
  CHECK(read_film(file("film.mkv")).size() == 2);
  CHECK(Dataset(file("data.h5")).clips().size() == 3);
}

TEST_CASE_METHOD(Fixture, "colorize: a scene cut begins anew", "[app]") {
  constexpr int kBefore = 5, kAfter = 3;
  const PictureOf film = [](int t) {
    return t < kBefore ? textured(128, 128, t, 0) : textured(128, 128, t, 3);
  };
  write_film(file("film.mkv"), kBefore + kAfter, film);
  write_film(file("second.mkv"), kAfter, [&](int t) { return film(kBefore + t); });
  colorize({file("film.mkv"), "--out", file("film.h5")});
  colorize({file("film.mkv"), "--out", file("uncut.h5"), "--cuts", "off"});
  colorize({file("second.mkv"), "--out", file("second.h5")});
  const auto whole = result(file("film.h5"), "film"), uncut = result(file("uncut.h5"), "film");
  const auto second = result(file("second.h5"), "second");
  for (std::size_t t = 0; t < kAfter; ++t) CHECK(whole[kBefore + t] == second[t]);
  CHECK(uncut[kBefore] != second[0]);
  CHECK(uncut[kBefore - 1] == whole[kBefore - 1]);
}

TEST_CASE_METHOD(Fixture, "colorize: several films go to a folder, a bad one apart", "[app]") {
  write_film(file("one.mkv"), 1, [](int t) { return textured(128, 96, t); });
  write_film(file("two.avi"), 1, [](int t) { return textured(128, 96, t, 1); });
  write_text(file("bad.mp4"), "no film");
  const ProgramResult outcome =
      run_afterglow({"colorize", "--model", model, file("one.mkv"), file("bad.mp4"),
                     file("two.avi"), "--codec", "lossless", "--out", file("films")});
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, Catch::Contains("afterglow: " + file("bad.mp4").string()));
  CHECK_THAT(outcome.err, Catch::Contains("afterglow: 1 of 3 films"));
  CHECK(names_in(file("films")) == std::vector<std::string>{"config.toml", "one.mkv", "one.mkv.job",
                                                            "two.avi", "two.avi.job"});
}

TEST_CASE_METHOD(Fixture, "colorize: the same command makes the same file", "[app]") {
  write_film(file("in.mkv"), 3, [](int t) { return textured(128, 128, t); });
  colorize({file("in.mkv"), "--out", file("first.h5")});
  colorize({file("in.mkv"), "--out", file("second.h5")});
  CHECK(result(file("first.h5"), "in") == result(file("second.h5"), "in"));
}

TEST_CASE_METHOD(Fixture, "colorize: Ctrl-C exits with 130 and leaves nothing", "[app]") {
  write_film(file("in.mkv"), 3000, [](int t) { return textured(128, 64, t); });
  const fs::path out = folder.path() / "out";
  RunningProgram program(AFTERGLOW_PROGRAM,
                         {"colorize", file("in.mkv"), "--model", model, "--out", out / "film.mkv"});
  while (program.running() && !(fs::exists(out) && !fs::is_empty(out))) ::usleep(10000);
  REQUIRE(program.running());
  program.send(SIGINT);
  const ProgramResult outcome = program.wait();
  CHECK(outcome.exit_code == 130);
  CHECK_THAT(outcome.err, Catch::EndsWith("afterglow: interrupted\n"));
  CHECK(fs::is_empty(out));
}

TEST_CASE_METHOD(Fixture, "colorize: --wrap lets values above 255 begin at 0 again", "[app]") {
  const auto network = reddish_model(make_cpu_backend());
  std::vector<Weight> weights = network->weights();
  const std::vector<float> bias = {300.25F, 110.25F, 600};
  weights.back().value.copy_from_host(bias);
  save_model(model, *network, "resize");
  write_dataset(file("data.h5"));
  colorize({file("data.h5"), "--out", file("plain.h5")});
  colorize({file("data.h5"), "--out", file("wrapped.h5"), "--wrap"});
  const auto plain = result(file("plain.h5"), "a"), wrapped = result(file("wrapped.h5"), "a");
  REQUIRE(plain.size() == wrapped.size());
  std::size_t above = 0;
  for (std::size_t t = 0; t < plain.size(); ++t) {
    bool same = true;
    for (std::size_t i = 0; i < plain[t].size(); ++i) {
      const int whole = static_cast<int>(plain[t][i]);
      above += whole > 255;
      same &= wrapped[t][i] == static_cast<float>(whole % 256);
    }
    CHECK(same);
  }
  CHECK(above > 0);
}

}  // namespace
}  // namespace afterglow::test
