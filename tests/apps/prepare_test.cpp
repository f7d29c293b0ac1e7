// `afterglow prepare`, run as a user would.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "apps/truth_motion.hpp"
#include "base/output_file.hpp"
#include "data/dataset.hpp"
#include "data/frames.hpp"
#include "data/simulated_colorizer.hpp"
#include "data/synth.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using test::ProgramResult;
using test::run_afterglow;

constexpr int kFilmSize = 144;

/// A film of a procedural clip and what the simulated colorizer makes of it.
struct Films {
  std::vector<Picture> truth;
  std::vector<Picture> colorized;
  std::vector<int> cuts;
};

Films films(std::uint64_t seed, int frames, bool cut = false, int size = kFilmSize) {
  const SynthClip clip(seed, {frames, size, cut});
  SimulatedColorizer colorizer(seed);
  Films made;
  for (int t = 0; t < frames; ++t) {
    made.truth.push_back(clip.frame(t));
    made.colorized.push_back(colorizer.colorize(made.truth.back()));
  }
  made.cuts = clip.cuts();
  return made;
}

void write_film(const fs::path& path, const std::vector<Picture>& pictures) {
  const auto writer = create_frames(path, pictures[0].width, pictures[0].height, 25);
  for (std::size_t t = 0; t < pictures.size(); ++t) {
    writer->write(pictures[t], static_cast<double>(t) / 25);
  }
  writer->commit();
}

/// A workplace with films color_1 .. color_4 and colorized_1 .. colorized_4 of 4 frames each.
class Workplace {
 public:
  Workplace() {
    for (int i = 1; i <= 4; ++i) {
      const Films made = films(static_cast<std::uint64_t>(i), 4);
      write_film(path("color_" + std::to_string(i) + ".mkv"), made.truth);
      write_film(path("colorized_" + std::to_string(i) + ".mkv"), made.colorized);
    }
  }

  fs::path path(const std::string& name) const { return folder_.path() / name; }
  fs::path data() const { return path("data.h5"); }

  /// prepare --out data.h5 with names made paths of this place.
  ProgramResult prepare(const std::vector<std::string>& truth,
                        const std::vector<std::string>& colorized,
                        const std::vector<std::string>& options = {}) const {
    std::vector<std::string> arguments = {"prepare", "--truth"};
    for (const std::string& name : truth) arguments.push_back(path(name));
    if (!colorized.empty()) arguments.push_back("--colorized");
    for (const std::string& name : colorized) arguments.push_back(path(name));
    arguments.insert(arguments.end(), {"--out", data()});
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run_afterglow(arguments);
  }

  /// True when nothing but the inputs is there.
  bool clean() const {
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename();
      if (name == "data.h5" || name.starts_with('.')) return false;
    }
    return true;
  }

 private:
  TemporaryFolder folder_;
};

/// The lines of standard error that are not progress.
std::vector<std::string> complaints(const ProgramResult& result) {
  std::istringstream stream(result.err);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("afterglow: ")) lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> ids_of(const Dataset& dataset) {
  std::vector<std::string> ids;
  for (const ClipInfo& clip : dataset.clips()) ids.push_back(clip.id);
  return ids;
}

const std::vector<std::string> kSimulated = {"--colorizer", "simulated"};

std::vector<std::string> simulated_and(const std::vector<std::string>& options) {
  std::vector<std::string> all = kSimulated;
  all.insert(all.end(), options.begin(), options.end());
  return all;
}

}  // namespace

TEST_CASE("prepare pairs films, fits frames and splits by clip", "[app]") {
  const Workplace place;
  const std::string fit = GENERATE("crop", "resize");
  const ProgramResult result =
      place.prepare({"color_1.mkv", "color_2.mkv", "color_3.mkv"},
                    {"colorized_3.mkv", "colorized_1.mkv", "colorized_2.mkv"},
                    {"--fit", fit, "--test", "3", "--val", "2"});
  CAPTURE(result.err);
  REQUIRE(result.exit_code == 0);
  const Dataset dataset(place.data());
  CHECK(ids_of(dataset) == std::vector<std::string>{"1", "2", "3"});
  CHECK(dataset.header().fit == parse_fit(fit, "test"));
  CHECK(dataset.header().colorizer == "files");
  CHECK(dataset.clip("1").split == Split::kTrain);
  CHECK(dataset.clip("2").split == Split::kVal);
  CHECK(dataset.clip("3").split == Split::kTest);
  CHECK(dataset.clip("2").frames == 4);
  CHECK(dataset.clip("2").fps == Approx(25));
  CHECK(dataset.clip("2").source == "color_2.mkv");
  const Films made = films(2, 4);
  const auto fitted = [&](const Picture& picture) {
    return fit == "crop" ? crop_centre(picture, 128).rgb : resize_area(picture, 128, 128).rgb;
  };
  std::vector<std::uint8_t> frame(dataset.frame_bytes());
  dataset.read_truth("2", 3, 1, frame);
  CHECK(frame == fitted(made.truth[3]));
  dataset.read_colorized("2", 3, 1, frame);
  CHECK(frame == fitted(made.colorized[3]));
  CHECK_THAT(result.out, Contains("train 1 clips, 4 frames; val 1 clips, 4 frames; test 1 clips"));
}

TEST_CASE("prepare simulates the colorizer, the same bytes for the same command", "[app]") {
  const Workplace place;
  REQUIRE(place.prepare({"color_1.mkv", "color_2.mkv", "color_3.mkv"}, {}, kSimulated).exit_code ==
          0);
  std::ifstream first_stream(place.data(), std::ios::binary);
  const std::string first{std::istreambuf_iterator<char>(first_stream), {}};
  const Dataset dataset(place.data());
  CHECK(ids_of(dataset) == std::vector<std::string>{"color_1", "color_2", "color_3"});
  CHECK(dataset.header().colorizer == SimulatedColorizer::name());
  CHECK(dataset.header().colorizer_sha256 == SimulatedColorizer::sha256());
  CHECK(dataset.clips(Split::kTrain).size() == 1);
  CHECK(dataset.clips(Split::kVal).size() == 1);
  CHECK(dataset.clips(Split::kTest).size() == 1);
  REQUIRE(place.prepare({"color_1.mkv", "color_2.mkv", "color_3.mkv"}, {}, kSimulated).exit_code ==
          0);
  std::ifstream second_stream(place.data(), std::ios::binary);
  const std::string second{std::istreambuf_iterator<char>(second_stream), {}};
  CHECK((first == second));  // in brackets: no megabytes on the screen
}

TEST_CASE("prepare --kind says what is simulated", "[app]") {
  const Workplace place;
  const auto colorized = [&place](const std::vector<std::string>& options, SimulatedKind kind) {
    const ProgramResult result = place.prepare({"color_1.mkv"}, {}, simulated_and(options));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    const Dataset dataset(place.data());
    CHECK(dataset.header().colorizer == SimulatedColorizer::name(kind));
    CHECK(dataset.header().colorizer_sha256 == SimulatedColorizer::sha256(kind));
    std::vector<std::uint8_t> frame(dataset.frame_bytes());
    dataset.read_colorized("color_1", 0, 1, frame);
    return frame;
  };
  const auto plain = colorized({}, SimulatedKind::kMuted);
  CHECK((plain == colorized({"--kind", "muted"}, SimulatedKind::kMuted)));
  CHECK((plain != colorized({"--kind", "vivid"}, SimulatedKind::kVivid)));
}

TEST_CASE("a colorizer takes the films that have no colorized file", "[app]") {
  const Workplace place;
  const auto inputs = [&place] {
    const Dataset dataset(place.data());
    std::map<std::string, std::vector<std::uint8_t>> frames;
    for (const ClipInfo& clip : dataset.clips()) {
      frames[clip.id].resize(dataset.frame_bytes());
      dataset.read_colorized(clip.id, 0, 1, frames[clip.id]);
    }
    return std::pair(dataset.header().colorizer, frames);
  };
  const auto prepare = [&](const std::vector<std::string>& truth,
                           const std::vector<std::string>& colorized,
                           const std::vector<std::string>& options) {
    const ProgramResult result = place.prepare(truth, colorized, options);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return inputs();
  };
  const auto [name, simulated] = prepare({"color_1.mkv", "color_2.mkv"}, {}, kSimulated);
  const auto files = prepare({"color_1.mkv"}, {"colorized_1.mkv"}, {}).second;
  const auto [mixed_name, mixed] =
      prepare({"color_1.mkv", "color_2.mkv"}, {"colorized_1.mkv"}, kSimulated);
  CHECK(mixed_name == "files, else " + name);
  REQUIRE(mixed.size() == 2);
  CHECK((mixed.at("1") == files.at("1")));
  CHECK((mixed.at("color_2") == simulated.at("color_2")));
  CHECK((mixed.at("1") != simulated.at("color_1")));
}

TEST_CASE("a scene cut starts a new clip in the same split", "[app]") {
  const Workplace place;
  const Films made = films(1, 16, true);
  REQUIRE(made.cuts.size() == 1);
  write_film(place.path("lake.mkv"), made.truth);
  const ProgramResult result =
      place.prepare({"lake.mkv", "color_1.mkv"}, {}, simulated_and({"--test", "lake"}));
  CAPTURE(result.err);
  REQUIRE(result.exit_code == 0);
  const Dataset dataset(place.data());
  char second[16];
  std::snprintf(second, sizeof second, "lake_cut%03d", made.cuts[0]);
  REQUIRE(ids_of(dataset) == std::vector<std::string>{"lake", second, "color_1"});
  CHECK(dataset.clip("lake").frames == made.cuts[0]);
  CHECK(dataset.clip(second).frames == 16 - made.cuts[0]);
  CHECK(dataset.clip(second).source == "lake.mkv");
  CHECK(dataset.clips(Split::kTest).size() == 2);
}

TEST_CASE("prepare --flow keeps how the truth moves, found on what the network sees", "[app]") {
  const Workplace place;
  const Films made = films(1, 16, true);
  const int cut = made.cuts.at(0);
  write_film(place.path("lake.mkv"), made.truth);
  const ProgramResult result =
      place.prepare({"lake.mkv"}, {}, simulated_and({"--flow", "--max-frames", "16"}));
  CAPTURE(result.err);
  REQUIRE(result.exit_code == 0);
  const Dataset dataset(place.data());
  REQUIRE(dataset.has_flow());
  REQUIRE(dataset.clips().size() == 2);
  std::vector<float> flow(2 * 128 * 128);
  for (const ClipInfo& clip : dataset.clips()) {
    const int begin = clip.id == "lake" ? 0 : cut;
    TruthMotion motion;
    for (int t = 0; t < clip.frames; ++t) {
      CAPTURE(clip.id, t);
      motion.push(resize_area(made.truth[std::size_t(begin + t)], 128, 128));
      dataset.read_flow(clip.id, t, 1, flow);
      std::size_t wrong = 0, followed = 0;
      for (std::size_t i = 0; i < flow.size(); ++i) {
        const bool visible = motion.back() != nullptr && motion.back()->visible[i / 2] != 0;
        followed += visible ? 1 : 0;
        wrong += visible ? flow[i] != motion.back()->flow.uv[i] : !std::isnan(flow[i]);
      }
      CHECK(wrong == 0);
      CHECK((followed > flow.size() / 2) == (t > 0));
    }
  }
  REQUIRE(place.prepare({"lake.mkv"}, {}, kSimulated).exit_code == 0);
  CHECK_FALSE(Dataset(place.data()).has_flow());
}

TEST_CASE("prepare --max-frames takes the first ones, folders of films and split files work",
          "[app]") {
  const Workplace place;
  fs::create_directory(place.path("truth"));
  for (int i = 1; i <= 3; ++i) {
    const std::string name = "color_" + std::to_string(i) + ".mkv";
    fs::copy_file(place.path(name), place.path("truth") / name);
  }
  write_text_file(place.path("split.txt"), "color_1 val\ncolor_2 train\ncolor_3 test\n");
  const ProgramResult result = place.prepare(
      {"truth"}, {},
      simulated_and({"--max-frames", "2", "--split", place.path("split.txt").string()}));
  CAPTURE(result.err);
  REQUIRE(result.exit_code == 0);
  const Dataset dataset(place.data());
  CHECK(ids_of(dataset) == std::vector<std::string>{"color_1", "color_2", "color_3"});
  CHECK(dataset.clip("color_1").frames == 2);
  CHECK(dataset.clip("color_1").split == Split::kVal);
}

TEST_CASE("bad films are named and do not cost the others", "[app]") {
  const Workplace place;
  write_film(place.path("short_5.mkv"), films(5, 2).truth);
  write_film(place.path("long_5.mkv"), films(5, 3).colorized);
  write_film(place.path("long_6.mkv"), films(6, 3).truth);
  write_film(place.path("short_6.mkv"), films(6, 2).colorized);
  write_film(place.path("small_7.mkv"), films(7, 2, false, 128).truth);
  write_film(place.path("large_7.mkv"), films(7, 2).colorized);
  std::ofstream(place.path("empty_8.mp4")).close();
  write_film(place.path("x_8.mkv"), films(8, 2).colorized);
  std::ofstream(place.path("text_9.mp4")) << "I am no film\n";
  write_film(place.path("x_9.mkv"), films(9, 2).colorized);
  std::ofstream(place.path("x_10.mkv")) << "colorized, but no film either\n";
  write_film(place.path("y_10.mkv"), films(10, 2).truth);
  const ProgramResult result =
      place.prepare({"color_1.mkv", "short_5.mkv", "long_6.mkv", "small_7.mkv", "empty_8.mp4",
                     "text_9.mp4", "y_10.mkv", "color_3.mkv", "missing_11.mp4", "color_2.mkv"},
                    {"colorized_1.mkv", "long_5.mkv", "short_6.mkv", "large_7.mkv", "x_8.mkv",
                     "x_9.mkv", "x_10.mkv", "colorized_4.mkv", "colorized_2.mkv", "c_11.mkv"},
                    {"--fit", "crop", "--val", "3"});  // color_3 is among the lost
  CAPTURE(result.err);
  CHECK(result.exit_code == 1);
  const std::vector<std::string> lines = complaints(result);
  const std::vector<std::string> named = {"short_5.mkv: it ends after 2 frames",
                                          "short_6.mkv ends after 2 frames",
                                          "large_7.mkv: is 144x144",
                                          "empty_8.mp4: ",
                                          "text_9.mp4: ",
                                          "x_10.mkv: ",
                                          "missing_11.mp4: ",
                                          "color_3.mkv: has no colorized film",
                                          "colorized_4.mkv: has no true film",
                                          "data.h5: made of 2 films"};
  CHECK(lines.size() == named.size());
  for (const std::string& name : named) {
    CAPTURE(name);
    CHECK(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
            return line.find(name) != std::string::npos && line.find("; ") != std::string::npos;
          }) == 1);
  }
  const Dataset dataset(place.data());
  CHECK(ids_of(dataset) == std::vector<std::string>{"1", "2"});
}

TEST_CASE("prepare refuses what it cannot use with one line and leaves nothing", "[app]") {
  const Workplace place;
  std::ofstream(place.path("empty.mp4")).close();
  std::ofstream(place.path("text.mp4")) << "I am no film\n";
  write_film(place.path("small.mkv"), {Picture(100, 80), Picture(100, 80)});
  fs::copy_file(place.path("color_1.mkv"), place.path("cut_short.mkv"));
  fs::resize_file(place.path("cut_short.mkv"), 300);
  fs::create_directory(place.path("nothing"));
  write_text_file(place.path("split.txt"), "color_9 train\n");
  struct Wrong {
    std::vector<std::string> truth;
    std::vector<std::string> colorized;
    std::vector<std::string> options;
    std::string message;
  };
  const std::vector<Wrong> wrongs = {
      {{"missing.mp4"}, {}, kSimulated, "missing.mp4: "},
      {{"empty.mp4"}, {}, kSimulated, "empty.mp4: "},
      {{"text.mp4"}, {}, kSimulated, "text.mp4: "},
      {{"cut_short.mkv"}, {}, kSimulated, "cut_short.mkv: "},
      {{"nothing"}, {}, kSimulated, "nothing: "},
      {{"small.mkv"}, {}, simulated_and({"--fit", "crop"}), "small.mkv: is 100x80, smaller"},
      {{"color_1.mkv"}, {}, {}, "has no colorized films; give --colorized FILES, or --colorizer"},
      {{"color_1.mkv"}, {}, {"--colorizer", "magic"}, "--colorizer"},
      {{"color_1.mkv"}, {}, simulated_and({"--fit", "stretch"}), "--fit"},
      {{"color_1.mkv"}, {}, simulated_and({"--kind", "loud"}), "--kind"},
      {{"color_1.mkv"},
       {"colorized_1.mkv"},
       {"--kind", "vivid"},
       "--kind: belongs to --colorizer simulated; add it, or leave it out"},
      {{"color_1.mkv"}, {}, simulated_and({"--max-frames", "0"}), "--max-frames"},
      {{"color_1.mkv"}, {}, simulated_and({"--max-frames", "-5"}), "--max-frames"},
      {{"color_1.mkv"}, {}, simulated_and({"--seed", "-5"}), "--seed"},
      {{"color_1.mkv"}, {}, simulated_and({"--test", "color_2"}), "--test: there is no clip"},
      {{"color_1.mkv"},
       {},
       simulated_and({"--split", place.path("split.txt").string()}),
       "split.txt line 1: there is no clip 'color_9'"},
      {{"color_1.mkv"},
       {},
       simulated_and({"--split", place.path("none.txt").string()}),
       "none.txt: cannot be read"},
  };
  for (const Wrong& wrong : wrongs) {
    const ProgramResult result = place.prepare(wrong.truth, wrong.colorized, wrong.options);
    CAPTURE(wrong.message, result.err);
    CHECK(result.exit_code == 2);
    REQUIRE(complaints(result).size() == 1);
    CHECK_THAT(complaints(result)[0], Contains(wrong.message));
    CHECK(place.clean());
  }
}

TEST_CASE("prepare refuses impossible outputs", "[app]") {
  const Workplace place;
  fs::create_directory(place.path("folder.h5"));
  std::ofstream(place.path("file")) << "x";
  const auto to = [&](const fs::path& out) {
    return run_afterglow({"prepare", "--truth", place.path("color_1.mkv"), "--colorizer",
                          "simulated", "--out", out});
  };
  struct Wrong {
    fs::path out;
    std::string message;
  };
  const std::vector<Wrong> wrongs = {
      {place.path("folder.h5"), "folder.h5: is a folder"},
      {place.path("file") / "data.h5", "cannot be made"},
      {"/proc/data.h5", "/proc/data.h5: cannot be made"},
      {place.path("color_1.mkv"), "is an input and the output"},
  };
  for (const Wrong& wrong : wrongs) {
    const ProgramResult result = to(wrong.out);
    CAPTURE(wrong.message, result.err);
    CHECK(result.exit_code == 2);
    REQUIRE(complaints(result).size() == 1);
    CHECK_THAT(complaints(result)[0], Contains(wrong.message));
  }
  CHECK(open_frames(place.path("color_1.mkv"))->read());
}

}  // namespace afterglow
