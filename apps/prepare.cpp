// `afterglow prepare`: from films to a dataset.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/commands.hpp"
#include "apps/configuration.hpp"
#include "apps/device_options.hpp"
#include "apps/image_colorizer.hpp"
#include "apps/prepared_clips.hpp"
#include "apps/unusable_films.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/output_file.hpp"
#include "base/progress.hpp"
#include "base/random.hpp"
#include "data/dataset.hpp"
#include "data/frames.hpp"
#include "data/names.hpp"
#include "data/pairing.hpp"
#include "data/scene_cut.hpp"
#include "data/simulated_colorizer.hpp"
#include "kernels/device.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr int kSize = 128;  // what the networks take
constexpr const char* kSimulated = "simulated";

struct PrepareCommand {
  std::vector<fs::path> truth;
  std::vector<fs::path> colorized;
  std::string colorizer;
  std::string kind;  // of the simulated colorizer; empty: muted
  Eccv16Files eccv16;
  BackendOptions backend;
  fs::path out;
  std::string fit = "resize";
  SplitRequest split;
  std::int64_t max_frames = 0;  // 0: all
  bool flow = false;
};

SimulatedKind kind_of(const PrepareCommand& command) {
  return command.kind.empty() ? SimulatedKind::kMuted
                              : parse_simulated_kind(command.kind, "--kind");
}

/// The per-frame colorized version of a film: another film, what `colorizer` makes of it, the
/// simulation, or none.
class ColorizedFrames {
 public:
  ColorizedFrames(const FilmPair& pair, const ImageColorizer* colorizer,
                  const PrepareCommand& command)
      : reader_(pair.colorized.empty() ? nullptr : open_frames(pair.colorized)),
        colorizer_(colorizer),
        exist_(reader_ != nullptr || !command.colorizer.empty()),
        simulated_(stable_hash(pair.id.data(), pair.id.size(), command.split.seed),
                   kind_of(command)) {}

  const FrameReader* reader() const { return reader_.get(); }
  bool exist() const { return exist_; }

  /// The frame that belongs to the true one, or nothing at the film's end.
  std::optional<Picture> next(const Picture& truth) {
    if (reader_ == nullptr) {
      return colorizer_ == nullptr ? simulated_.colorize(truth) : colorizer_->colorize(truth);
    }
    std::optional<Frame> frame = reader_->read();
    if (!frame) return std::nullopt;
    return std::move(frame->picture);
  }

  /// True when the film ends here as well.
  bool at_end() { return reader_ == nullptr || !reader_->read(); }

 private:
  std::unique_ptr<FrameReader> reader_;
  const ImageColorizer* colorizer_;
  bool exist_;
  SimulatedColorizer simulated_;
};

/// A crop needs 128 pixels, and the same geometry on both sides.
void check_sizes(const FilmPair& pair, const FrameReader& truth, const FrameReader* colorized,
                 const std::string& fit) {
  if (fit != fit_name(Fit::kCrop)) return;
  const FramesInfo& info = truth.info();
  const std::string size = size_text(info.width, info.height);
  if (std::min(info.width, info.height) < kSize) {
    throw InputError(pair.truth.string(), "is " + size + ", smaller than 128x128",
                     "give a larger film or --fit resize");
  }
  if (colorized != nullptr &&
      (colorized->info().width != info.width || colorized->info().height != info.height)) {
    throw InputError(pair.colorized.string(),
                     "is " + size_text(colorized->info().width, colorized->info().height) +
                         " but " + pair.truth.string() + " is " + size,
                     "give films of one size or --fit resize");
  }
}

[[noreturn]] void refuse_counts(const FilmPair& pair, const std::string& shorter,
                                std::int64_t frames, const std::string& longer) {
  throw InputError(
      pair.truth.string(),
      shorter + " ends after " + std::to_string(frames) + " frames, " + longer + " goes on",
      "give films of the same frames, or --max-frames " + std::to_string(frames));
}

std::string piece_id(const std::string& id, std::int64_t first) {
  if (first == 0) return id;
  char suffix[32];
  std::snprintf(suffix, sizeof suffix, "_cut%03lld", static_cast<long long>(first));
  return id + suffix;
}

class Preparation {
 public:
  /// `colorizer` may be null, and must outlive this.
  Preparation(const PrepareCommand& command, const ImageColorizer* colorizer,
              std::unique_ptr<PreparedClips> clips)
      : command_(command), colorizer_(colorizer), clips_(std::move(clips)) {}

  /// Adds a film's clips; leaves none of them when it throws.
  void add(const FilmPair& pair, Progress& progress, std::int64_t films_done) {
    std::vector<std::string> pieces;
    try {
      read(pair, pieces, progress, films_done);
    } catch (const InputError&) {
      for (const std::string& id : pieces) clips_->drop(id);
      throw;
    }
    films_.push_back(pair.id);
    for (const std::string& id : pieces) film_of_[id] = pair.id;
  }

  /// Splits by film (`planned`: splits that were asked for) and puts the file in place.
  void commit(const std::map<std::string, Split>& planned) {
    std::map<std::string, Split> splits = planned;
    if (splits.empty()) {
      const std::vector<Split> hashed = split_clips(films_, command_.split);
      for (std::size_t i = 0; i < films_.size(); ++i) splits[films_[i]] = hashed[i];
    }
    for (const auto& [piece, film] : film_of_) clips_->set_split(piece, splits.at(film));
    clips_->commit();
  }

  std::vector<ClipInfo> clips() const { return clips_->clips(); }

 private:
  void read(const FilmPair& pair, std::vector<std::string>& pieces, Progress& progress,
            std::int64_t films_done) {
    const std::unique_ptr<FrameReader> truth = open_frames(pair.truth);
    ColorizedFrames colorized(pair, colorizer_, command_);
    check_sizes(pair, *truth, colorized.reader(), command_.fit);
    SceneCutDetector cuts;
    std::int64_t frames = 0;
    while (command_.max_frames == 0 || frames < command_.max_frames) {
      throw_if_interrupted();
      const std::optional<Frame> frame = truth->read();
      if (!frame) {
        if (!colorized.at_end()) {
          refuse_counts(pair, "it", frames, pair.colorized.string());
        }
        break;
      }
      std::optional<Picture> input;
      if (colorized.exist()) {
        input = colorized.next(frame->picture);
        if (!input) refuse_counts(pair, pair.colorized.string(), frames, "it");
      }
      if (cuts.push(frame->picture) || frames == 0) {
        const std::string id = piece_id(pair.id, frames);
        clips_->begin(id, truth->info(), pair.truth.filename().string(), colorized.exist());
        pieces.push_back(id);
      }
      clips_->add(frame->picture, input ? &*input : nullptr);
      ++frames;
      progress.update(films_done, pair.id + ", frame " + std::to_string(frames));
    }
  }

  const PrepareCommand& command_;
  const ImageColorizer* colorizer_;
  std::unique_ptr<PreparedClips> clips_;
  std::vector<std::string> films_;
  std::map<std::string, std::string> film_of_;  // by clip id
};

void print_table(const fs::path& out, const std::vector<ClipInfo>& clips) {
  std::size_t width = 4;
  for (const ClipInfo& clip : clips) width = std::max(width, clip.id.size());
  std::printf("%-*s  frames    fps  split  source\n", static_cast<int>(width), "clip");
  std::map<Split, std::pair<int, std::int64_t>> totals;
  for (const ClipInfo& clip : clips) {
    std::printf("%-*s  %6lld  %5.2f  %-5s  %s\n", static_cast<int>(width), clip.id.c_str(),
                static_cast<long long>(clip.frames), clip.fps, split_name(clip.split).c_str(),
                clip.source.c_str());
    ++totals[clip.split].first;
    totals[clip.split].second += clip.frames;
  }
  std::printf("%s:", out.c_str());
  for (const Split split : {Split::kTrain, Split::kVal, Split::kTest}) {
    std::printf("%s %s %d clips, %lld frames", split == Split::kTrain ? "" : ";",
                split_name(split).c_str(), totals[split].first,
                static_cast<long long>(totals[split].second));
  }
  std::printf("\n");
}

/// Refuses what would only show after hours of work, and fills in what was left out.
void check_command(PrepareCommand& command) {
  if (command.fit != kShape && command.colorized.empty() && command.colorizer.empty()) {
    throw InputError("prepare", "has no colorized films",
                     "give --colorized FILES, or --colorizer, which makes them");
  }
  if (command.fit == kShape && command.colorizer == kSimulated) {
    throw InputError("--colorizer simulated", "does not go with --fit shape",
                     "leave it out: training simulates a colorizer anew each time");
  }
  if (command.fit == kShape && command.flow) {
    throw InputError("--flow", "does not go with --fit shape, which always keeps the motion",
                     "leave it out");
  }
  complete_eccv16_options(command.colorizer, command.eccv16);
  if (!command.kind.empty() && command.colorizer != kSimulated) {
    throw InputError("--kind", "belongs to --colorizer simulated", "add it, or leave it out");
  }
  if (command.colorizer != kEccv16 && command.backend != BackendOptions{}) {
    throw InputError("prepare", "runs no network on any device, in no precision",
                     "leave --device, --precision, --conv-algo and --no-graphs out, or add "
                     "--colorizer eccv16");
  }
  if (fs::is_directory(command.out)) {
    throw InputError(command.out.string(), "is a folder", "give a file name as --out");
  }
  refuse_overwriting(command.out, command.truth);
  refuse_overwriting(command.out, command.colorized);
  refuse_overwriting(command.out, {command.eccv16.weights, command.eccv16.bins});
}

std::map<std::string, Split> requested_splits(const Pairing& pairing, const SplitRequest& request) {
  std::map<std::string, Split> splits;
  if (request.file.empty() && request.test.empty() && request.val.empty()) return splits;
  std::vector<std::string> ids;
  for (const FilmPair& pair : pairing.pairs) ids.push_back(pair.id);
  const std::vector<Split> chosen = split_clips(ids, request, pairing.lost);
  for (std::size_t i = 0; i < ids.size(); ++i) splits[ids[i]] = chosen[i];
  return splits;
}

void run_prepare(PrepareCommand& command) {
  check_command(command);
  const std::vector<fs::path> truths = expand_folders(command.truth);
  Pairing pairing =
      command.colorized.empty()
          ? name_films(truths)
          : pair_films(truths, expand_folders(command.colorized),
                       command.colorizer.empty() && command.fit != kShape ? Unpaired::kProblem
                                                                          : Unpaired::kAlone);
  const std::map<std::string, Split> splits = pairing.pairs.empty()
                                                  ? std::map<std::string, Split>()
                                                  : requested_splits(pairing, command.split);
  DatasetHeader header;
  header.size = kSize;
  header.seed = command.split.seed;
  if (command.fit != kShape) header.fit = parse_fit(command.fit, "--fit");
  std::optional<ImageColorizer> colorizer;
  if (command.colorizer == kSimulated) {
    header.colorizer = SimulatedColorizer::name(kind_of(command));
    header.colorizer_sha256 = SimulatedColorizer::sha256(kind_of(command));
  } else if (command.colorizer == kEccv16) {
    std::string why_not_cuda;
    const auto backend = open_backend(command.backend, &why_not_cuda);
    colorizer.emplace(command.eccv16, backend);
    tell_device(*backend, why_not_cuda);
    header.colorizer = kEccv16;
    header.colorizer_sha256 = colorizer->sha256();
  }
  if (!command.colorized.empty()) {
    header.colorizer = header.colorizer.empty() ? "files" : "files, else " + header.colorizer;
  }

  Preparation preparation(command, colorizer ? &*colorizer : nullptr,
                          command.fit == kShape
                              ? prepare_films(command.out)
                              : prepare_squares(command.out, header, command.flow));
  Progress progress("prepare", static_cast<std::int64_t>(pairing.pairs.size()), "films");
  std::int64_t done = 0;
  std::size_t kept = 0;
  for (const FilmPair& pair : pairing.pairs) {
    try {
      preparation.add(pair, progress, done);
      ++kept;
    } catch (const InputError& error) {
      pairing.problems.push_back(error.what());
    }
    progress.update(++done, pair.id);
  }
  progress.finish();

  tell_unusable(pairing.problems, kept, command.out.string());
  preparation.commit(splits);
  print_table(command.out, preparation.clips());
  end_partly(pairing.problems, kept, command.out.string());
}

}  // namespace

void add_prepare(CLI::App& program) {
  const auto command = std::make_shared<PrepareCommand>();
  CLI::App* app = program.add_subcommand(
      "prepare", "Make a dataset of true films and their per-frame colorized versions");
  app->add_option("--truth", command->truth,
                  "True films, folders of films, or folders of numbered pictures")
      ->required();
  app->add_option("--colorized", command->colorized,
                  "Colorized films; paired by equal name, else by trailing number");
  app->add_option("--colorizer", command->colorizer,
                  "Makes them from the truth, with --colorized where there is no file: a stated "
                  "simulation, or "
                  "the pretrained network")
      ->check(CLI::IsMember({kSimulated, kEccv16}));
  app->add_option(
         "--kind", command->kind,
         "of --colorizer simulated: muted (weak colours) or vivid (strong ones in patches, "
         "as ECCV16 makes them; default: muted)")
      ->check(CLI::IsMember({"muted", "vivid"}));
  add_eccv16_options(*app, command->eccv16);
  app->add_option("--out", command->out, "Dataset file (.h5)")->required();
  app->add_option(
         "--fit", command->fit,
         "How frames become 128x128: crop (their centre) or resize (all of them); or shape: "
         "they keep their shape, for steady networks, which need no colorized films")
      ->check(CLI::IsMember({"crop", "resize", kShape}))
      ->capture_default_str();
  CLI::Option* file = app->add_option("--split", command->split.file,
                                      "File of lines `id train|val|test`, one for each film");
  app->add_option("--test", command->split.test, "Films kept aside: ID,...")
      ->delimiter(',')
      ->excludes(file);
  app->add_option("--val", command->split.val, "Films watched while training: ID,...")
      ->delimiter(',')
      ->excludes(file);
  app->add_option("--max-frames", command->max_frames, "Only the first frames of each film")
      ->check(CLI::Range(1, 1000000000));
  app->add_flag("--flow", command->flow,
                "Keep how the truth moves, for afterglow train --temporal masked and warped");
  app->add_option("--seed", command->split.seed, "Of the split and of the simulation")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_device_options(*app, command->backend);
  app->callback(
      [command, app] { run_and_record(*app, command->out, [&] { run_prepare(*command); }); });
}

}  // namespace afterglow
