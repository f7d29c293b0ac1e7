// `afterglow synth`: procedural clips to try everything on.
#include "data/synth.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include "apps/commands.hpp"
#include "apps/configuration.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/output_file.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "data/colour.hpp"
#include "data/flow_file.hpp"
#include "data/frames.hpp"
#include "data/simulated_colorizer.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr double kFps = 30;
constexpr int kCutEvery = 3;  // clips 3, 6, 9, ... have a scene cut
constexpr const char* kKinds[] = {"color_", "gray_", "colorized_", "flow_"};

struct SynthCommand {
  std::string out;
  int clips = 12;
  int frames = 60;
  int size = 256;
  std::uint64_t seed = 1;
  bool flow = true;
};

/// Removes what a killed run left half written.
void clear_leftovers(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    for (const std::string kind : kKinds) {
      if (name.starts_with("." + kind) && name.find(".part") != std::string::npos) {
        fs::remove_all(entry.path(), error);
      }
    }
  }
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
  SimulatedColorizer colorizer(seed + 1);

  const auto film = [&](const char* kind) {
    return create_frames(out / (kind + std::to_string(number) + ".mkv"), command.size, command.size,
                         kFps);
  };
  const auto truth = film("color_");
  const auto gray = film("gray_");
  const auto colorized = film("colorized_");
  OutputFile flow(out / ("flow_" + std::to_string(number)));
  if (command.flow) fs::create_directory(flow.temporary());
  for (int t = 0; t < command.frames; ++t) {
    throw_if_interrupted();
    const Picture picture = clip.frame(t);
    const double seconds = t / kFps;
    truth->write(picture, seconds);
    gray->write(gray_picture(picture), seconds);
    colorized->write(colorizer.colorize(picture), seconds);
    if (command.flow && t + 1 < command.frames) {
      write_flow(flow.temporary() / numbered_flow(t), clip.flow(t));
    }
    progress.update((number - 1) * command.frames + t + 1, label);
  }
  truth->commit();
  gray->commit();
  colorized->commit();
  if (command.flow) flow.commit();
}

void run_synth(const SynthCommand& command) {
  if (fs::exists(command.out) && !fs::is_directory(command.out)) {
    throw InputError(command.out, "is a file", "give a folder as --out");
  }
  clear_leftovers(command.out);
  Progress progress("synth", std::int64_t{command.clips} * command.frames, "frames");
  for (int number = 1; number <= command.clips; ++number) make_clip(command, number, progress);
  progress.finish();
  std::printf("%s: %d clips of %d frames, %dx%d: color_N, gray_N, colorized_N%s (%s)\n",
              command.out.c_str(), command.clips, command.frames, command.size, command.size,
              command.flow ? ", flow_N" : "", SimulatedColorizer::name().c_str());
}

}  // namespace

void add_synth(CLI::App& program) {
  const auto command = std::make_shared<SynthCommand>();
  CLI::App* app = program.add_subcommand(
      "synth", "Make procedural clips: truth, gray, simulated per-frame colorizer, true flow");
  app->add_option("--out", command->out, "Folder for color_N, gray_N, colorized_N, flow_N")
      ->required();
  app->add_option("--clips", command->clips, "How many; every third has a scene cut")
      ->check(CLI::Range(1, 9999))
      ->capture_default_str();
  app->add_option("--frames", command->frames, "Frames of each")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app->add_option("--size", command->size, "Pixels a side")
      ->check(CLI::Range(128, 4096))
      ->capture_default_str();
  app->add_option("--seed", command->seed, "Other clips for another seed")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_flag("--flow,!--no-flow", command->flow,
                "The flow too (size * size * 8 bytes a frame; default) or not");
  app->callback(
      [command, app] { run_and_record(*app, command->out, [&] { run_synth(*command); }); });
}

}  // namespace afterglow
