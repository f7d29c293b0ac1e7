// `afterglow colorize`: films, picture folders or datasets through a trained network.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apps/clip_colorizer.hpp"
#include "apps/colorize_command.hpp"
#include "apps/commands.hpp"
#include "apps/configuration.hpp"
#include "apps/device_options.hpp"
#include "apps/film_job.hpp"
#include "apps/frame_export.hpp"
#include "apps/image_colorizer.hpp"
#include "apps/preview.hpp"
#include "apps/sequences.hpp"
#include "base/error.hpp"
#include "base/output_file.hpp"
#include "data/dataset.hpp"
#include "data/names.hpp"
#include "data/pairing.hpp"
#include "kernels/device.hpp"
#include "weights/model_file.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

/// Where a film goes in a folder of films: under its own name where we can write such a file.
fs::path name_in_folder(const fs::path& folder, const fs::path& input) {
  if (fs::is_directory(input) || is_writable_film(input)) return folder / input.filename();
  return folder / (clip_id(input) + ".mkv");
}

/// The whole part of a value modulo 256: what a conversion to bytes that does not clamp makes of
/// it.
float wrapped_value(float value) {
  constexpr float kValues = 256;
  const float whole = std::trunc(value);
  return whole - kValues * std::floor(whole / kValues);
}

class Colorizing {
 public:
  explicit Colorizing(const ColorizeCommand& command)
      : command_(command),
        previous_(parse_previous(command.previous)),
        codec_(codec_of(command)),
        backend_(open_backend(command.backend, &why_not_cuda_)),
        loaded_(load_any_model(command.model, backend_)),
        colorizer_(backend_, *loaded_.model, command.model, previous_, command.cuts == "auto") {
    if (!command.colorizer.empty()) per_frame_.emplace(command.eccv16, backend_);
    if (is_hdf5(command.out)) {
      if (command.output == "source") {
        throw InputError(command.out.string(), "holds the network's own pictures, not films",
                         "leave out --output source, or end --out in .mkv");
      }
      for (const fs::path& input : command.inputs) require_other(command, input, command.out);
      results_.emplace(command.out, kNetworkSide);
    }
  }

  /// One film or folder of pictures to `out` (of no meaning when results go to an .h5 file).
  void film(const fs::path& input, const fs::path& out) {
    require_other(command_, input, out);
    FilmJob job(command_, backend_->device(), input, out);
    if (job.is_done()) return;
    if (!per_frame_) require_colour(input);
    const bool paper = results_ || command_.output == "paper";
    FilmFiles files{input, command_.gray, {}, per_frame_ ? &*per_frame_ : nullptr};
    if (previous_ == Previous::kTruth) files.truth = truth_of(input);
    FilmClip clip(files, paper && loaded_.header.fit == "crop" ? Fitting::kCrop : Fitting::kResize);
    if (paper) {
      job.tell_replaced();
      job.finish(network_pictures(clip_id(input), clip, input.filename().string(), out,
                                  [&job] { job.before_commit(); }));
      return;
    }
    FilmWriter writer(out, clip.luma_film(), {codec_, clip.streams_from(), job.folder()});
    const auto write = [&](const ClipFrame& frame, std::span<const float> rgb) {
      writer.write(*frame.luma, rgb, kNetworkSide, kNetworkSide);
    };
    job.make(clip, writer, [&](const FilmPlace& place) {
      run(clip_id(input), clip, {write, [&](const FilmPlace& end) { job.end_part(writer, end); }},
          place);
    });
  }

  /// One clip of a dataset.
  void dataset_clip(const Sequence& colorized, const Sequence& truth, const std::string& source,
                    const fs::path& out) {
    DatasetFrames clip(colorized.open(), previous_ == Previous::kTruth ? truth.open() : nullptr);
    const std::int64_t frames = network_pictures(colorized.id, clip, source, out, [] {});
    if (!results_) tell_made(out, frames);
  }

  /// Puts an .h5 file in place.
  void commit() {
    if (!results_) return;
    results_->commit();
    tell_made(command_.out, in_results_);
  }

 private:
  /// Returns how many there are. before_commit: called where they are films.
  std::int64_t network_pictures(const std::string& id, ClipFrames& clip, const std::string& source,
                                const fs::path& out, const std::function<void()>& before_commit) {
    if (results_) {
      results_->begin_clip(id, clip.info().fps, source);
      const std::int64_t frames =
          run(id, clip,
              {[this](const ClipFrame&, std::span<const float> rgb) { results_->add_frame(rgb); }});
      in_results_ += frames;
      return frames;
    }
    const auto writer = create_frames(out, kNetworkSide, kNetworkSide, clip.info().fps, codec_);
    const std::int64_t frames =
        run(id, clip, {[&](const ClipFrame& frame, std::span<const float> rgb) {
              writer->write(rounded_picture(rgb), frame.seconds);
            }});
    before_commit();
    writer->commit();
    return frames;
  }

  /// Colours a clip, and returns how many frames it had; what `sink` gets is wrapped where that is
  /// wanted.
  std::int64_t run(const std::string& id, ClipFrames& clip, const ClipSink& sink,
                   const FilmPlace& place = {}) {
    std::vector<float> wrapped;
    std::int64_t frames = 0;
    const auto write = [&](const ClipFrame& frame, std::span<const float> rgb) {
      tell_device_once();
      ++frames;
      if (!command_.wrap) {
        sink.write(frame, rgb);
        return;
      }
      wrapped.resize(rgb.size());
      std::transform(rgb.begin(), rgb.end(), wrapped.begin(), wrapped_value);
      sink.write(frame, wrapped);
    };
    colorizer_.run(id, clip, {write, sink.end_part}, place);
    return frames;
  }

  /// With the first frame: bad input is refused with its own line alone.
  void tell_device_once() {
    if (!std::exchange(device_told_, true)) tell_device(*backend_, why_not_cuda_);
  }

  Sequence truth_of(const fs::path& input) const {
    const Sequence wanted{clip_id(input), input.string(), false, {}};
    return match_sequences({wanted}, list_sequences({command_.truth}, Part::kTruth), "--truth")
        .front();
  }

  const ColorizeCommand& command_;
  Previous previous_;
  VideoCodec codec_;
  std::string why_not_cuda_;
  bool device_told_ = false;
  std::shared_ptr<Backend> backend_;
  LoadedModel loaded_;
  ClipColorizer colorizer_;
  std::optional<ImageColorizer> per_frame_;
  std::optional<ResultWriter> results_;
  std::int64_t in_results_ = 0;  // frames
};

/// The clips of a dataset that are wanted: --clips, else those of --split.
std::vector<std::string> wanted_clips(const ColorizeCommand& command, const Dataset& dataset) {
  if (!command.clips.empty()) {
    for (const std::string& id : command.clips) dataset.clip(id);  // throws for unknown ones
    return command.clips;
  }
  std::vector<std::string> ids;
  for (const ClipInfo& clip : dataset.clips(parse_split(command.split, "--split"))) {
    ids.push_back(clip.id);
  }
  if (ids.empty()) {
    throw InputError(dataset.path().string(), "has no " + command.split + " clips",
                     "name some with --clips, or choose --split train or val");
  }
  return ids;
}

void colorize_dataset(const ColorizeCommand& command, const fs::path& path) {
  if (command.output == "source") {
    throw InputError(path.string(), "is a dataset, whose pictures are no films",
                     "use --output paper, or give the film itself");
  }
  if (!command.colorizer.empty()) {
    throw InputError(path.string(), "is a dataset, whose frames are coloured",
                     "leave out --colorizer");
  }
  if (!command.gray.empty() || !command.truth.empty()) {
    throw InputError(path.string(), "is a dataset and brings its own truth",
                     "leave out --gray and --truth");
  }
  const std::vector<std::string> ids = wanted_clips(command, Dataset(path));
  if (ids.size() > 1 && command.out.has_extension() && !is_hdf5(command.out)) {
    throw InputError(command.out.string(),
                     "is one film, but " + std::to_string(ids.size()) + " clips are wanted",
                     "give a folder or an .h5 file as --out, or one id with --clips");
  }
  const std::vector<Sequence> colorized = list_sequences({path}, Part::kBaseline);
  const std::vector<Sequence> truth = list_sequences({path}, Part::kTruth);
  Colorizing work(command);
  for (const std::string& id : ids) {
    const auto clip = std::find_if(colorized.begin(), colorized.end(),
                                   [&](const Sequence& sequence) { return sequence.id == id; });
    const auto index = static_cast<std::size_t>(clip - colorized.begin());
    const bool folder = !command.out.has_extension();
    work.dataset_clip(*clip, truth[index], path.filename().string(),
                      folder ? command.out / (id + ".mkv") : command.out);
  }
  work.commit();
}

/// Where each film goes; distinct. A folder of films becomes a folder, if it holds only one, too.
std::vector<fs::path> outputs_of(const ColorizeCommand& command,
                                 const std::vector<fs::path>& inputs) {
  if (is_hdf5(command.out)) return std::vector<fs::path>(inputs.size(), command.out);
  if (inputs.size() == 1 && (inputs == command.inputs || is_writable_film(command.out))) {
    return {command.out};
  }
  if (is_writable_film(command.out) || fs::is_regular_file(command.out)) {
    throw InputError(command.out.string(),
                     "is one film, but " + std::to_string(inputs.size()) + " are to be coloured",
                     "give a folder as --out");
  }
  std::vector<fs::path> outputs;
  std::set<fs::path> taken;
  for (const fs::path& input : inputs) {
    outputs.push_back(name_in_folder(command.out, input));
    if (!taken.insert(outputs.back()).second) {
      throw InputError(input.string(), "has the name of another input",
                       "colour them in two calls, to two folders");
    }
  }
  return outputs;
}

template <typename Work>
void colorize_films_by(const ColorizeCommand& command, const std::vector<fs::path>& inputs) {
  const std::vector<fs::path> outputs = outputs_of(command, inputs);
  Work work(command);
  std::size_t failed = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    // One bad film does not cost the others, unless all go to one file.
    const auto pass_over = [&](const Error& error) {
      if (inputs.size() == 1 || is_hdf5(command.out)) throw;
      std::fprintf(stderr, "afterglow: %s\n", error.what());
      ++failed;
    };
    try {
      work.film(inputs[i], outputs[i]);
    } catch (const InputError& error) {
      pass_over(error);
    } catch (const DiskFull&) {
      throw;
    } catch (const RunError& error) {
      pass_over(error);
    }
  }
  work.commit();
  if (failed > 0) {
    throw PartlyDone(std::to_string(failed) + " of " + std::to_string(inputs.size()) +
                     " films could not be coloured; see the lines above");
  }
}

void colorize_films(const ColorizeCommand& command, const std::vector<fs::path>& inputs) {
  if (inputs.size() > 1 &&
      !(command.gray.empty() && command.truth.empty() && command.keys.empty())) {
    throw InputError("--gray, --truth and --key", "belong to one film",
                     "colour the films one by one");
  }
  if ((command.previous == "truth") == command.truth.empty()) {
    throw InputError("--truth", "goes with --previous truth", "give both or none");
  }
  if (takes_steady(command)) {
    colorize_films_by<Steadying>(command, inputs);
  } else {
    colorize_films_by<Colorizing>(command, inputs);
  }
}

/// Throws InputError for options that do not go with the kind of model.
void check_options(const ColorizeCommand& command) {
  if (!command.model.empty() && !fs::exists(command.model)) {
    throw InputError(command.model.string(), "does not exist", "give a model.h5 as --model");
  }
  const bool steady = takes_steady(command);
  const auto require = [&](bool fits, const std::string& option) {
    if (fits) return;
    throw InputError(
        option, steady ? "does not go with a steady network" : "goes with a steady network alone",
        "leave it out or give another --model");
  };
  if (!steady) {
    require(command.keys.empty(), "--key");
    require(command.source_kind == "auto", "--source-kind");
    require(command.preview.empty(), "--preview");
    require(!command.side_by_side, "--side-by-side");
    require(command.steady.strength == 1, "--strength");
    require(command.steady.saturation == 1, "--saturation");
    return;
  }
  require(command.previous == "own", "--previous " + command.previous);
  require(command.truth.empty(), "--truth");
  if (!command.colorizer.empty() && command.source_kind != "auto") {
    throw InputError("--source-kind", "does not go with --colorizer, whose colours are known",
                     "leave it out");
  }
  if (!command.keys.empty() && command.steady.saturation != 1) {
    throw InputError("--saturation", "does not go with --key, whose colours hold",
                     "leave it out, or change the pictures");
  }
  if (!command.keys.empty() && !command.preview.empty()) {
    throw InputError("--key", "counts the frames of a whole film, and does not go with --preview",
                     "leave out one of them");
  }
  require(!command.wrap, "--wrap");
  require(command.output != "paper", "--output paper");
  preview_stretch(command.preview, "--preview");  // refused before any film is looked at
  if (is_hdf5(command.out)) {
    throw InputError(command.out.string(), "is for the pictures of the paper's networks",
                     "end --out in .mkv or .mp4");
  }
}

/// The frames that --export-frames names.
void export_frames_of(const ColorizeCommand& command) {
  if (command.inputs.size() > 1 || is_hdf5(command.inputs.front())) {
    throw InputError("--export-frames", "takes pictures from one film", "give one film as IN");
  }
  if (command.out.has_extension()) {
    throw InputError(command.out.string(), "is no folder for pictures",
                     "give a name without an extension as --out");
  }
  if (!(command.gray.empty() && command.keys.empty() && command.preview.empty() &&
        command.colorizer.empty() && command.model.empty())) {
    throw InputError("--export-frames", "writes IN's own frames and colours nothing",
                     "leave out --gray (give that film as IN), --key, --preview, --colorizer and "
                     "--model");
  }
  export_frames(command.inputs.front(), command.export_frames, command.out);
}

void colorize(ColorizeCommand& command) {
  if (!command.export_frames.empty()) {
    export_frames_of(command);
    return;
  }
  check_options(command);
  complete_eccv16_options(command.colorizer, command.eccv16);
  const std::vector<fs::path> inputs = expand_folders(command.inputs);
  const auto dataset = std::find_if(inputs.begin(), inputs.end(), is_hdf5);
  if (dataset == inputs.end()) {
    colorize_films(command, inputs);
  } else if (takes_steady(command)) {
    throw InputError(dataset->string(), "is a dataset, but the model takes films",
                     "give the films themselves, or a model of alexnet or vgg16");
  } else if (inputs.size() == 1) {
    colorize_dataset(command, *dataset);
  } else {
    throw InputError(dataset->string(), "is a dataset among other inputs", "colour it on its own");
  }
}

}  // namespace

void add_colorize(CLI::App& program) {
  const auto command = std::make_shared<ColorizeCommand>();
  CLI::App* const app = program.add_subcommand(
      "colorize", "Colour films frame by frame, each frame from the one made before");
  app->add_option("IN", command->inputs,
                  "films (per-frame colorized, or see --colorizer), folders of numbered pictures, "
                  "or one dataset (.h5)")
      ->required();
  app->add_option("--model", command->model,
                  "a trained network: runs/a/model.h5 (default: the steady one in the box)");
  app->add_option(
         "--out", command->out,
         "a film (.mp4 .mkv .mov .avi .webm), a folder of pictures (no extension), or .h5 "
         "for the network's unrounded pictures; of several inputs a folder. What the same job "
         "has made there of a film is passed over, what others have is replaced, and what no job "
         "made is refused")
      ->required();
  app->add_option("--colorizer", command->colorizer,
                  "colour every frame of IN by itself first, as gray films need it")
      ->check(CLI::IsMember({kEccv16}));
  add_eccv16_options(*app, command->eccv16);
  app->add_option("--gray", command->gray, "film that gives the luma (default: IN's own)");
  app->add_option("--previous", command->previous,
                  "the frame before that the network sees: own output, baseline (the input) or "
                  "truth")
      ->capture_default_str();
  app->add_option("--truth", command->truth, "true film, for --previous truth");
  app->add_option("--output", command->output,
                  "source: IN's size, luma, sound and times (default for films); paper: the "
                  "network's own 128x128 picture (default for datasets and .h5)")
      ->check(CLI::IsMember({"source", "paper"}));
  app->add_option("--cuts", command->cuts, "auto: a scene cut begins a new clip; off")
      ->check(CLI::IsMember({"auto", "off"}))
      ->capture_default_str();
  app->add_option("--source-kind", command->source_kind,
                  "steady networks: what coloured IN: muted or vivid colours, unknown, or auto (by "
                  "their chroma); gray: nothing, only --key counts")
      ->check(CLI::IsMember({"auto", "muted", "vivid", "unknown", "gray"}))
      ->capture_default_str();
  app->add_option(
         "--key", command->keys,
         "steady networks: a frame coloured by hand, N=PICTURE (N from 0; repeatable), or "
         "a folder of pictures numbered so; its colours hold there and are carried through "
         "its scene, of gray films, too (not with --preview)")
      ->type_name("N=PICTURE|FOLDER")
      ->allow_extra_args(false);
  app->add_option("--export-frames", command->export_frames,
                  "colour nothing, but write these frames of IN (N,N,..., or scenes: the first of "
                  "each scene) to the folder --out, to be coloured by hand for --key");
  app->add_option("--strength", command->steady.strength,
                  "steady networks: 0 takes IN's colours, 1 the network's (both at 256 pixels, "
                  "sharpened by the luma)")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app->add_option("--saturation", command->steady.saturation,
                  "steady networks: what the colours are multiplied by")
      ->check(CLI::Range(0.0, 4.0))
      ->capture_default_str();
  app->add_option("--preview", command->preview,
                  "steady networks: START+SECONDS, such as 00:10:00+5: colour that stretch of the "
                  "film alone, without sound, to look at it before a job of hours");
  app->add_flag("--side-by-side", command->side_by_side,
                "steady networks: a film twice as wide, IN at the left, the result at the right");
  app->add_flag("--wrap", command->wrap,
                "let the network's values wrap round above 255 instead of clamping them, as the "
                "paper's code did");
  app->add_option(
         "--codec", command->codec,
         "how films are encoded: h264, h265 (.mp4 .mov .mkv), ffv1 (.mkv) or prores (.mov .mkv); "
         "lossless: the luma to the bit, in any film")
      ->check(CLI::IsMember({"h264", "h265", "ffv1", "prores", "lossless"}))
      ->capture_default_str();
  app->add_option("--split", command->split, "of a dataset: the clips of train, val or test")
      ->capture_default_str();
  app->add_option("--clips", command->clips, "of a dataset: these clips (ID,ID,...)")
      ->delimiter(',');
  add_device_options(*app, command->backend);
  app->callback(
      [command, app] { run_and_record(*app, command->out, [&] { colorize(*command); }); });
}

}  // namespace afterglow
