// What the program cannot use: one line that names it, the exit code, and nothing half written.
#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <sstream>

#include "apps/fixtures.hpp"
#include "base/hdf5.hpp"
#include "data/colour.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

/// A command line, with @name for the fixture's file `name` and >name for `name` in an output
/// folder that is empty before and must be empty after.
struct BadInput {
  std::vector<std::string> arguments;
  std::string named;      // what the line must name: @name, >name, or text
  std::string complaint;  // and what must be in it
};

void keep_half(const fs::path& from, const fs::path& to) {
  fs::copy_file(from, to);
  fs::resize_file(to, fs::file_size(from) / 2);
}

void set_attribute(const fs::path& path, const std::string& format, std::int64_t version) {
  hdf5::File file = hdf5::File::create(path);
  file.write_attribute(".", "format", format);
  file.write_attribute(".", "format_version", version);
}

/// A quarter of a second of silence: a film file without pictures.
std::string silence() {
  const auto number = [](std::uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 255);
    return text;
  };
  constexpr std::uint32_t kRate = 8000, kBytes = 2000;
  return "RIFF" + number(36 + kBytes, 4) + "WAVEfmt " + number(16, 4) + number(1, 2) +
         number(1, 2) + number(kRate, 4) + number(kRate, 4) + number(1, 2) + number(8, 2) + "data" +
         number(kBytes, 4) + std::string(kBytes, '\x80');
}

class Fixture {
 public:
  Fixture() {
    fs::create_directory(out());
    const PictureOf film = [](int t) { return textured(160, 128, t); };
    write_film(file("film.mkv"), 4, film);
    write_film(file("long.mkv"), 6, film);
    write_film(file("color_1.mkv"), 4, film);
    write_film(file("colorized_1.mkv"), 6, film);
    write_film(file("small.mkv"), 2, [](int t) { return textured(70, 50, t); });
    write_film(file("gray.mkv"), 3, [&](int t) { return gray_picture(film(t)); });
    write_film(file("film.mp4"), 20, film, VideoCodec::kH264);
    keep_half(file("film.mp4"), file("truncated.mp4"));
    write_text(file("empty.mp4"), "");
    write_text(file("text.mp4"), "This is not a film.\n");
    write_text(file("sound.wav"), silence());
    make_folders();
    write_dataset(file("data.h5"));
    write_model(file("model.h5"));
    make_hdf5_files();
    write_text(file("split.txt"), "film_7 train\n");
    write_text(file("bad_split.txt"), "film sometimes\n");
  }

  fs::path file(const std::string& name) const { return folder_.path() / "in" / name; }
  fs::path out() const { return folder_.path() / "out"; }

  std::string expand(const std::string& text) const {
    if (text.starts_with("@")) return file(text.substr(1));
    if (text.starts_with(">")) return out() / text.substr(1);
    return text;
  }

  std::vector<std::string> expand(const std::vector<std::string>& texts) const {
    std::vector<std::string> expanded;
    for (const std::string& text : texts) expanded.push_back(expand(text));
    return expanded;
  }

 private:
  void make_folders() const {
    fs::create_directory(file("no_pictures"));
    write_text(file("no_pictures") / "notes.txt", "nothing here\n");
    fs::create_directory(file("two_sizes"));
    write_picture(file("two_sizes") / "1.png", textured(40, 40, 0));
    write_picture(file("two_sizes") / "2.png", textured(40, 41, 0));
    fs::create_directory(file("broken"));
    write_picture(file("broken") / "1.png", textured(40, 40, 0));
    write_text(file("broken") / "2.png", "not a picture");
  }

  void make_hdf5_files() const {
    keep_half(file("data.h5"), file("half_data.h5"));
    keep_half(file("model.h5"), file("half_model.h5"));
    write_text(file("text.h5"), "This is not HDF5.\n");
    write_text(file("empty.h5"), "");
    set_attribute(file("other.h5"), "something else", 1);
    set_attribute(file("future_data.h5"), "afterglow dataset", 99);
    set_attribute(file("future_model.h5"), "afterglow model", 99);
    set_attribute(file("future_result.h5"), "afterglow result", 99);
    set_attribute(file("no_clips.h5"), "afterglow dataset", 1);
    const auto backend = make_cpu_backend();
    const auto model = reddish_model(backend);
    const std::vector<float> bias = {1, std::numeric_limits<float>::quiet_NaN(), 3};
    model->weights().back().value.copy_from_host(bias);
    save_model(file("nan_model.h5"), *model, "resize");
    DatasetHeader header;
    header.size = 64;
    DatasetWriter writer(file("size_64.h5"), header);
    for (const Split split : {Split::kTrain, Split::kTest}) {
      writer.begin_clip(split_name(split), kFixtureFps, "", split);
      writer.add_frame(textured(64, 64, 0), textured(64, 64, 0));
    }
    writer.commit();
  }

  TemporaryFolder folder_;
  bool made_ = fs::create_directory(folder_.path() / "in");
};

using Strings = std::vector<std::string>;

Strings operator+(Strings a, const Strings& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<BadInput> bad_films() {
  const Strings colorize = {"colorize", "--model", "@model.h5", "--out", ">film.mkv"};
  const Strings prepare = {"prepare", "--colorizer", "simulated", "--out", ">data.h5", "--truth"};
  const Strings evaluate = {"evaluate", "--json",    ">scores.json",
                            "--truth",  "@film.mkv", "--result"};
  std::vector<BadInput> table;
  for (const std::string film : {"@missing.mkv", "@empty.mp4", "@text.mp4", "@truncated.mp4",
                                 "@sound.wav", "@no_pictures"}) {
    table.push_back({colorize + Strings{film}, film, ""});
    table.push_back({prepare + Strings{film}, film, ""});
    table.push_back({evaluate + Strings{film}, film, ""});
    table.push_back({{"info", film}, film, ""});
  }
  for (const Strings& command : {colorize, prepare, evaluate}) {
    table.push_back({command + Strings{"@two_sizes"}, "2.png", "40x41"});
    table.push_back({command + Strings{"@broken"}, "2.png", ""});
  }
  return table;
}

std::vector<BadInput> bad_combinations() {
  const Strings colorize = {"colorize", "@film.mkv", "--model", "@model.h5", "--out", ">o.mkv"};
  const Strings dataset = {"colorize", "@data.h5", "--model", "@model.h5", "--out", ">o.h5"};
  const Strings evaluate = {"evaluate", "--truth", "@film.mkv", "--json", ">s.json", "--result"};
  return {
      {{"colorize", "@gray.mkv", "--model", "@model.h5", "--out", ">o.mkv"}, "@gray.mkv", "--gray"},
      {colorize + Strings{"--gray", "@long.mkv"}, "@long.mkv", "6 frames"},
      {colorize + Strings{"--gray", "@gray.mkv"}, "@gray.mkv", "has 3"},
      {colorize + Strings{"--gray", "@missing.mkv"}, "@missing.mkv", ""},
      {colorize + Strings{"--previous", "truth"}, "--truth", ""},
      {colorize + Strings{"--truth", "@film.mkv"}, "--truth", "--previous truth"},
      {colorize + Strings{"--previous", "truth", "--truth", "@long.mkv"}, "@long.mkv", "6 frames"},
      {colorize + Strings{"@long.mkv"}, ">o.mkv", "give a folder"},
      {colorize + Strings{"@data.h5"}, "@data.h5", "on its own"},
      {dataset + Strings{"--clips", "z"}, "@data.h5", "z"},
      {dataset + Strings{"--split", "holdout"}, "--split", "holdout"},
      {dataset + Strings{"--output", "source"}, "@data.h5", "--output paper"},
      {dataset + Strings{"--gray", "@gray.mkv"}, "@data.h5", "--gray"},
      {{"colorize", "@film.mkv", "--model", "@model.h5", "--out", ">o.h5", "--output", "source"},
       ">o.h5",
       "--output source"},
      {{"colorize", "@size_64.h5", "--model", "@model.h5", "--out", ">o.h5"}, "@size_64.h5", "64"},
      {{"train", "--data", "@size_64.h5", "--arch", "alexnet", "--out", ">run"},
       "@size_64.h5",
       "64"},
      {evaluate + Strings{"@long.mkv"}, "@long.mkv", "has 6 frames"},
      {evaluate + Strings{"@film.mkv", "--gray", "@gray.mkv"}, "@gray.mkv", "has 3"},
      {evaluate + Strings{"@film.mkv", "@long.mkv"}, "@long.mkv", "partner"},
      {evaluate + Strings{"@film.mkv", "--halved"}, "--halved", "--baseline"},
      {evaluate + Strings{"@data.h5"}, "@data.h5", "not a result"},
      {evaluate + Strings{"@future_result.h5"}, "@future_result.h5", "99"},
      {{"prepare", "--truth", "@color_1.mkv", "--colorized", "@colorized_1.mkv", "--out", ">d.h5"},
       "@color_1.mkv",
       "@colorized_1.mkv"},
      {{"prepare", "--truth", "@film.mkv", "--out", ">d.h5"}, "prepare", "--colorizer"},
      {{"prepare", "--truth", "@film.mkv", "--fit", "shape", "--flow", "--out", ">d.h5"},
       "--flow",
       "--fit shape"},
      {{"prepare", "--truth", "@film.mkv", "--fit", "shape", "--colorizer", "simulated", "--out",
        ">d.h5"},
       "--colorizer simulated",
       "--fit shape"},
      {{"prepare", "--truth", "@small.mkv", "--colorizer", "simulated", "--fit", "crop", "--out",
        ">d.h5"},
       "@small.mkv",
       "70x50"},
      {{"prepare", "--truth", "@film.mkv", "--colorizer", "simulated", "--test", "other", "--out",
        ">d.h5"},
       "other",
       ""},
      {{"prepare", "--truth", "@film.mkv", "--colorizer", "simulated", "--split", "@split.txt",
        "--out", ">d.h5"},
       "@split.txt",
       ""},
      {{"prepare", "--truth", "@film.mkv", "--colorizer", "simulated", "--split", "@bad_split.txt",
        "--out", ">d.h5"},
       "@bad_split.txt",
       "sometimes"},
  };
}

std::vector<BadInput> bad_hdf5_files() {
  std::vector<BadInput> table;
  for (const std::string model : {"@missing.h5", "@empty.h5", "@text.h5", "@half_model.h5",
                                  "@other.h5", "@future_model.h5", "@nan_model.h5", "@data.h5"}) {
    table.push_back({{"colorize", "@film.mkv", "--model", model, "--out", ">film.mkv"}, model, ""});
    table.push_back(
        {{"train", "--data", "@data.h5", "--arch", "alexnet", "--out", ">run", "--init", model},
         model,
         ""});
  }
  for (const std::string data :
       {"@missing.h5", "@empty.h5", "@text.h5", "@half_data.h5", "@other.h5", "@future_data.h5",
        "@no_clips.h5", "@model.h5", "@film.mkv"}) {
    table.push_back({{"train", "--data", data, "--arch", "alexnet", "--out", ">run"}, data, ""});
  }
  for (const std::string data : {"@missing.h5", "@text.h5", "@other.h5", "@future_data.h5"}) {
    table.push_back({{"colorize", data, "--model", "@model.h5", "--out", ">result.h5"}, data, ""});
    table.push_back({{"info", data}, data, ""});
  }
  table.push_back(
      {{"train", "--data", "@data.h5", "--arch", "vgg16", "--out", ">run", "--init", "@model.h5"},
       "@model.h5",
       ""});
  table.push_back({{"train", "--data", "@data.h5", "--arch", "vgg16", "--out", ">run",
                    "--vgg16-weights", "@model.h5"},
                   "@model.h5",
                   ""});
  return table;
}

std::vector<BadInput> bad_options() {
  const Strings train = {"train", "--data", "@data.h5", "--out", ">run"};
  const Strings alexnet = train + Strings{"--arch", "alexnet"};
  const Strings colorize = {"colorize", "@film.mkv", "--model", "@model.h5", "--out", ">film.mkv"};
  const Strings evaluate = {"evaluate", "--truth", "@film.mkv", "--result", "@film.mkv"};
  const Strings synth = {"synth", "--out", ">clips"};
  return {
      {train + Strings{"--arch", "resnet"}, "--arch", "resnet"},
      {alexnet + Strings{"--decoder", "none"}, "--decoder", "none"},
      {alexnet + Strings{"--beta", "1.5"}, "--beta", "1.5"},
      {alexnet + Strings{"--beta", "-1"}, "--beta", "-1"},
      {alexnet + Strings{"--beta", "nan"}, "--beta", ""},
      {alexnet + Strings{"--epochs", "0"}, "--epochs", ""},
      {alexnet + Strings{"--epochs", "-3"}, "--epochs", ""},
      {alexnet + Strings{"--batch", "0"}, "--batch", ""},
      {alexnet + Strings{"--batch", "99999999999"}, "--batch", ""},
      {alexnet + Strings{"--lr", "0"}, "--lr", ""},
      {alexnet + Strings{"--lr", "fast"}, "--lr", "fast"},
      {alexnet + Strings{"--order", "random"}, "--order", "random"},
      {alexnet + Strings{"--device", "cuda"}, "cuda", ""},
      {alexnet + Strings{"--device", "abacus"}, "abacus", ""},
      {alexnet + Strings{"--vgg16-weights", "@model.h5"}, "--vgg16-weights", ""},
      {alexnet + Strings{"--unroll", "0", "--previous", "own"}, "--unroll", ""},
      {colorize + Strings{"--previous", "mine"}, "--previous", "mine"},
      {colorize + Strings{"--output", "both"}, "--output", "both"},
      {colorize + Strings{"--cuts", "on"}, "--cuts", "on"},
      {colorize + Strings{"--codec", "vhs"}, "--codec", "vhs"},
      {colorize + Strings{"--device", "cuda:7"}, "cuda", ""},
      {{"colorize", "@film.mkv", "--out", ">o.mkv", "--wrap"}, "--wrap", "steady network"},
      {{"colorize", "@film.mkv", "--model", "@gone.h5", "--out", ">o.mkv", "--strength", "0.5"},
       "@gone.h5",
       "does not exist"},
      {{"colorize", "--model", "@model.h5", "--out", ">film.mkv"}, "IN", ""},
      {{"colorize", "@film.mkv", "--model", "@model.h5", "--out", ">film.gif"},
       ">film.gif",
       ".mkv"},
      {{"colorize", "@film.mkv", "--model", "@model.h5", "--out", "@film.mkv"},
       "@film.mkv",
       "is an input and the output"},
      {evaluate + Strings{"--fit", "squeeze"}, "--fit", "squeeze"},
      {{"evaluate", "--truth", "@film.mkv"}, "--result", ""},
      {synth + Strings{"--clips", "0"}, "--clips", ""},
      {synth + Strings{"--clips", "-1"}, "--clips", ""},
      {synth + Strings{"--frames", "0"}, "--frames", ""},
      {synth + Strings{"--frames", "many"}, "--frames", "many"},
      {synth + Strings{"--size", "-128"}, "--size", ""},
      {synth + Strings{"--size", "100000"}, "--size", ""},
      {{"synth"}, "--out", ""},
      {{"info", "@missing.h5"}, "@missing.h5", ""},
      {{"restore", "@film.mkv"}, "restore", ""},
  };
}

/// Places where nothing can be written: below a file, and in a file system that takes none.
std::vector<BadInput> bad_places() {
  const Strings film = {"colorize", "@film.mkv", "--model", "@model.h5", "--out"};
  const Strings data = {"prepare", "--truth", "@film.mkv", "--colorizer", "simulated", "--out"};
  const Strings train = {"train", "--data", "@data.h5", "--arch", "alexnet", "--out"};
  const Strings json = {"evaluate", "--truth", "@film.mkv", "--result", "@film.mkv", "--json"};
  const Strings sheet = {"evaluate", "--truth", "@film.mkv", "--result", "@film.mkv", "--sheet"};
  std::vector<BadInput> table;
  for (const std::string place : {"@split.txt", "/proc/self"}) {
    const std::string named = place;
    table.push_back({film + Strings{place + "/o.mkv"}, named, ""});
    table.push_back({film + Strings{place + "/o.h5"}, named, ""});
    table.push_back({data + Strings{place + "/o.h5"}, named, ""});
    table.push_back({train + Strings{place + "/run"}, named, ""});
    table.push_back({json + Strings{place + "/o.json"}, named, ""});
    table.push_back({sheet + Strings{place + "/o.png"}, named, ""});
    table.push_back({{"synth", "--frames", "2", "--out", place + "/clips"}, named, ""});
  }
  return table;
}

/// What stands on standard error, by lines.
struct Said {
  int errors = 0;
  int others = 0;  // but for the device, told once work has begun, and progress, which shows when
                   // the machine is so busy that work takes long
};

Said said(const std::string& err) {
  Said said;
  std::istringstream lines(err);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("afterglow: ")) {
      ++said.errors;
    } else if (!line.starts_with("cpu: ") && line.find("/s") == std::string::npos) {
      ++said.others;
    }
  }
  return said;
}

void check_refused(const Fixture& fixture, const BadInput& bad) {
  const Strings arguments = fixture.expand(bad.arguments);
  std::string command;
  for (const std::string& argument : arguments) command += argument + ' ';
  const ProgramResult result = run_afterglow(arguments);
  INFO(command << "\n" << result.exit_code << " " << result.err);
  CHECK(result.exit_code == 2);
  CHECK(said(result.err).errors == 1);
  CHECK(said(result.err).others == 0);
  CHECK(result.err.find("; ") != std::string::npos);  // ...; what to do
  CHECK_THAT(result.err, Catch::Contains(fixture.expand(bad.named)));
  CHECK_THAT(result.err, Catch::Contains(fixture.expand(bad.complaint)));
  CHECK(names_in(fixture.out()).empty());
}

TEST_CASE("bad input is refused with one line and leaves nothing", "[app]") {
  const Fixture fixture;
  for (const auto& table :
       {bad_films(), bad_hdf5_files(), bad_combinations(), bad_options(), bad_places()}) {
    for (const BadInput& bad : table) check_refused(fixture, bad);
  }
}

TEST_CASE("a full disk is told in one line, with exit code 1, and leaves nothing", "[app]") {
  const Fixture fixture;
  // No file may grow beyond one block of 512 or 1024 bytes: to the program a full disk.
  const std::string limited = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
  const Strings film = {"colorize", "@film.mkv", "--model", "@model.h5", "--out"};
  const Strings evaluate = {"evaluate", "--truth", "@film.mkv", "--result", "@film.mkv"};
  const std::vector<Strings> commands = {
      film + Strings{">film.mkv"},
      film + Strings{">film.mp4"},
      film + Strings{">pictures"},
      film + Strings{">result.h5"},
      film + Strings{">paper.mkv", "--output", "paper"},
      {"prepare", "--truth", "@film.mkv", "--colorizer", "simulated", "--out", ">data.h5"},
      {"train", "--data", "@data.h5", "--arch", "alexnet", "--epochs", "1", "--out", ">run"},
      {"synth", "--clips", "1", "--frames", "2", "--out", ">clips"},
      evaluate + Strings{"--sheet", ">sheet.png"},
      evaluate + Strings{"--csv", ">frames.csv", "--baseline", "@film.mkv"},
      evaluate +
          Strings{"--json", ">scores.json", "--gray", "@film.mkv", "--baseline", "@film.mkv"},
  };
  for (const Strings& command : commands) {
    const Strings arguments = fixture.expand(command);
    const ProgramResult result =
        run_to_end("/bin/sh", Strings{"-c", limited, AFTERGLOW_PROGRAM} + arguments);
    INFO(command[0] << " " << arguments.back() << "\n" << result.exit_code << " " << result.err);
    CHECK(result.exit_code == 1);
    CHECK(said(result.err).errors == 1);  // `train` has introduced itself by then
    CHECK_THAT(result.err, Catch::Contains(fixture.out().string()));
    // A run folder keeps what a later --resume goes on from.
    const bool run = command[0] == "train";
    for (const auto& entry : fs::recursive_directory_iterator(fixture.out())) {
      const std::string name = entry.path().filename();
      const bool kept = run && (name == "config.toml" || name == "log.jsonl");
      if (!entry.is_directory() && !kept) FAIL_CHECK("left behind: " << entry.path());
    }
    for (const std::string& name : names_in(fixture.out())) fs::remove_all(fixture.out() / name);
  }
}

}  // namespace
}  // namespace afterglow::test
