// `afterglow synth`: procedural clips to try everything on, and what a per-frame colorizer might
// have made of films.
#include "data/synth.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "apps/commands.hpp"
#include "apps/configuration.hpp"
#include "apps/unusable_films.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/output_file.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "data/colour.hpp"
#include "data/flow_file.hpp"
#include "data/frames.hpp"
#include "data/pairing.hpp"
#include "data/simulated_colorizer.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr double kFps = 30;
constexpr int kCutEvery = 3;  // clips 3, 6, 9, ... have a scene cut

struct SynthCommand {
  std::string out;
  std::vector<fs::path> truth;  // empty: procedural clips
  std::string kind = simulated_kind_name(SimulatedKind::kMuted);
  int clips = 12;
  int frames = 60;
  int size = 256;
  std::uint64_t seed = 1;
  bool no_flow = false;
};

/// Removes what a killed run left half written of outputs whose names begin so.
void clear_leftovers(const fs::path& folder, const std::vector<std::string>& beginnings) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    for (const std::string& beginning : beginnings) {
      if (name.starts_with("." + beginning) && name.find(".part") != std::string::npos) {
        fs::remove_all(entry.path(), error);
      }
    }
  }
}

SimulatedKind kind_of(const SynthCommand& command) {
  return parse_simulated_kind(command.kind, "--kind");
}

std::string numbered_flow(int t) {
  char name[32];
  std::snprintf(name, sizeof name, "%05d.flo", t);
  return name;
}

/// One clip: four outputs that appear together at its end.
void make_clip(const SynthCommand& command, int number, Progress& progress) {
  const fs::path out = command.out;
  const std::string label = "clip " + std::to_string(number);
  const std::uint64_t seed = stable_hash(label.data(), label.size(), command.seed);
  const SynthOptions options{command.frames, command.size, number % kCutEvery == 0};
  const SynthClip clip(seed, options);
  SimulatedColorizer colorizer(seed + 1, kind_of(command));

  const auto film = [&](const char* kind) {
    return create_frames(out / (kind + std::to_string(number) + ".mkv"), command.size, command.size,
                         kFps);
  };
  const auto truth = film("color_");
  const auto gray = film("gray_");
  const auto colorized = film("colorized_");
  OutputFile flow(out / ("flow_" + std::to_string(number)));
  if (!command.no_flow) fs::create_directory(flow.temporary());
  for (int t = 0; t < command.frames; ++t) {
    throw_if_interrupted();
    const Picture picture = clip.frame(t);
    const double seconds = t / kFps;
    truth->write(picture, seconds);
    gray->write(gray_picture(picture), seconds);
    colorized->write(colorizer.colorize(picture), seconds);
    if (!command.no_flow && t + 1 < command.frames) {
      write_flow(flow.temporary() / numbered_flow(t), clip.flow(t));
    }
    progress.update((number - 1) * command.frames + t + 1, label);
  }
  truth->commit();
  gray->commit();
  colorized->commit();
  if (!command.no_flow) flow.commit();
}

void make_clips(const SynthCommand& command) {
  clear_leftovers(command.out, {"color_", "gray_", "colorized_", "flow_"});
  Progress progress("synth", std::int64_t{command.clips} * command.frames, "frames");
  for (int number = 1; number <= command.clips; ++number) make_clip(command, number, progress);
  progress.finish();
  std::printf("%s: %d clips of %d frames, %dx%d: color_N, gray_N, colorized_N%s (%s)\n",
              command.out.c_str(), command.clips, command.frames, command.size, command.size,
              command.no_flow ? "" : ", flow_N",
              SimulatedColorizer::name(kind_of(command)).c_str());
}

/// Gray and colorized versions of one of the films, which appear together at its end.
void simulate_film(const SynthCommand& command, const std::vector<fs::path>& truths,
                   const FilmPair& film, Progress& progress, std::int64_t& done) {
  const fs::path gray_path = fs::path(command.out) / "gray" / (film.id + ".mkv");
  const fs::path colorized_path = fs::path(command.out) / "colorized" / (film.id + ".mkv");
  const auto truth = open_frames(film.truth);
  for (const fs::path& path : {gray_path, colorized_path}) {
    refuse_overwriting(path, truths);
    fs::create_directories(path.parent_path());
    clear_leftovers(path.parent_path(), {path.filename().string()});
  }
  const FramesInfo& info = truth->info();
  const auto gray = create_frames(gray_path, info.width, info.height, info.fps);
  const auto colorized = create_frames(colorized_path, info.width, info.height, info.fps);
  SimulatedColorizer colorizer(stable_hash(film.id.data(), film.id.size(), command.seed),
                               kind_of(command));
  while (const auto frame = truth->read()) {
    throw_if_interrupted();
    gray->write(gray_picture(frame->picture), frame->seconds);
    colorized->write(colorizer.colorize(frame->picture), frame->seconds);
    progress.update(++done, film.id);
  }
  gray->commit();
  colorized->commit();
}

void simulate_films(const SynthCommand& command) {
  const std::vector<fs::path> truths = expand_folders(command.truth);
  Pairing films = name_films(truths);
  Progress progress("synth", 0, "frames");
  std::int64_t done = 0;
  std::size_t made = 0;
  for (const FilmPair& film : films.pairs) {
    try {
      simulate_film(command, truths, film, progress, done);
      ++made;
    } catch (const InputError& error) {
      films.problems.push_back(error.what());
    }
  }
  progress.finish();
  tell_unusable(films.problems, made, command.out);
  std::printf("%s: %zu films in gray and colorized (%s)\n", command.out.c_str(), made,
              SimulatedColorizer::name(kind_of(command)).c_str());
  end_partly(films.problems, made, command.out);
}

void run_synth(const SynthCommand& command) {
  if (fs::exists(command.out) && !fs::is_directory(command.out)) {
    throw InputError(command.out, "is a file", "give a folder as --out");
  }
  if (command.truth.empty()) return make_clips(command);
  const SynthCommand plain;
  if (command.clips != plain.clips || command.frames != plain.frames ||
      command.size != plain.size || command.no_flow) {
    throw InputError("--truth", "goes with none of --clips, --frames, --size and --no-flow",
                     "leave them out");
  }
  simulate_films(command);
}

}  // namespace

void add_synth(CLI::App& program) {
  const auto command = std::make_shared<SynthCommand>();
  CLI::App* app = program.add_subcommand(
      "synth", "Make procedural clips: truth, gray, simulated per-frame colorizer, true flow");
  app->add_option("--out", command->out,
                  "Folder for color_N, gray_N, colorized_N, flow_N; with --truth, for the folders "
                  "gray and colorized")
      ->required();
  app->add_option("--truth", command->truth,
                  "Simulate the colorizer on these instead: films, folders of films, or folders of "
                  "numbered pictures");
  app->add_option("--kind", command->kind,
                  "of the simulated colorizer: muted (weak colours) or vivid (strong ones in "
                  "patches, as ECCV16 makes them)")
      ->check(CLI::IsMember({"muted", "vivid"}))
      ->capture_default_str();
  app->add_option("--clips", command->clips, "How many; every third has a scene cut")
      ->check(CLI::Range(1, 9999))
      ->capture_default_str();
  app->add_option("--frames", command->frames, "Frames of each")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app->add_option("--size", command->size, "Pixels a side")
      ->check(CLI::Range(128, 4096))
      ->capture_default_str();
  app->add_option("--seed", command->seed, "Other clips and other colours for another seed")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_flag("--no-flow", command->no_flow,
                "Without the flow, of size * size * 8 bytes a frame");
  app->callback(
      [command, app] { run_and_record(*app, command->out, [&] { run_synth(*command); }); });
}

}  // namespace afterglow
