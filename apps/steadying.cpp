#include <algorithm>
#include <cstdio>
#include <utility>

#include "apps/colorize_command.hpp"
#include "apps/device_options.hpp"
#include "apps/film_job.hpp"
#include "apps/preview.hpp"
#include "base/output_file.hpp"
#include "data/keyed_colours.hpp"
#include "data/letterbox.hpp"
#include "data/pairing.hpp"
#include "nn/checkpoint.hpp"
#include "weights/boxed_model.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr float kVividInput = 1;  // what ECCV16 makes

SteadyFilmOptions steady_options(const ColorizeCommand& command) {
  SteadyFilmOptions options = command.steady;
  options.cuts = command.cuts == "auto";
  return options;
}

/// Tells, stretch by stretch, which frames no key frame reaches: of a gray film all, of a coloured
/// one those of scenes that have one.
class FramesOutOfReach {
 public:
  FramesOutOfReach(std::string film, bool coloured) : film_(std::move(film)), coloured_(coloured) {}

  /// The next frame.
  void push(std::int64_t index, bool begins_scene, bool reached) {
    if (coloured_ && begins_scene) first_ = -1;
    if (reached) end(index - 1);
    if (!reached && first_ < 0) first_ = index;
  }

  /// Behind the last frame.
  void finish(std::int64_t last) {
    if (!coloured_) end(last);
  }

 private:
  void end(std::int64_t last) {
    if (first_ < 0) return;
    const auto reach = static_cast<long long>(kKeyReach), first = static_cast<long long>(first_);
    std::fprintf(stderr, "afterglow: %s: frames %lld to %lld ", film_.c_str(), first,
                 static_cast<long long>(last));
    if (coloured_) {
      std::fprintf(stderr,
                   "have nothing of their scene's key frame, which lies more than %lld "
                   "frames behind them",
                   reach);
    } else {
      std::fprintf(stderr,
                   "stay gray, because no key frame lies in their scene (or within %lld "
                   "frames behind it)",
                   reach);
    }
    std::fprintf(stderr, "; add --key %lld=PICTURE\n", first);
    first_ = -1;
  }

  std::string film_;
  bool coloured_;
  std::int64_t first_ = -1;  // of the stretch, if there is one
};

/// The key frame that a frame is, if it is one, in the film's size.
std::optional<Picture> key_at(const std::vector<KeyFrame>& keys, const FilmFrame& frame) {
  const auto key = std::find_if(keys.begin(), keys.end(),
                                [&](const KeyFrame& each) { return each.index == frame.index(); });
  if (key == keys.end()) return std::nullopt;
  return key_picture(*key, frame.width(), frame.height());
}

/// Throws InputError for options of a network that does not work on this film.
void require_no_network(const ColorizeCommand& command, const fs::path& film) {
  const bool none = command.model.empty() && command.steady.strength == 1 &&
                    (command.source_kind == "auto" || command.source_kind == "gray");
  if (none) return;
  throw InputError(film.string(), "is gray, and only its key frames colour it",
                   "leave out --model, --strength and --source-kind");
}

std::unique_ptr<SteadyModel> load_model_of(const ColorizeCommand& command,
                                           const std::shared_ptr<Backend>& backend) {
  return command.model.empty() ? load_boxed_model(backend) : load_steady(command.model, backend);
}

}  // namespace

bool takes_steady(const ColorizeCommand& command) {
  return command.model.empty() || holds_steady(command.model);
}

VideoCodec codec_of(const ColorizeCommand& command) {
  if (command.codec == "h265") return VideoCodec::kH265;
  if (command.codec == "ffv1") return VideoCodec::kFfv1;
  if (command.codec == "prores") return VideoCodec::kProRes;
  return command.codec == "h264" ? VideoCodec::kH264 : VideoCodec::kLossless;
}

void require_other(const ColorizeCommand& command, const fs::path& input, const fs::path& out) {
  refuse_overwriting(out, {input, command.gray, command.truth, command.model,
                           command.eccv16.weights, command.eccv16.bins});
}

void tell_left_out(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    std::fprintf(stderr, "afterglow: %s\n", line.c_str());
  }
}

Steadying::Steadying(const ColorizeCommand& command)
    : command_(command),
      backend_(open_backend(command.backend, &why_not_cuda_)),
      model_(load_model_of(command, backend_)),
      films_(backend_, *model_, command.model.empty() ? kBoxedModel : command.model,
             steady_options(command)) {
  if (!command.colorizer.empty()) per_frame_.emplace(command.eccv16, backend_);
}

void Steadying::film(const fs::path& input, const fs::path& out) {
  require_other(command_, input, out);
  const SourceKind kind = parse_source_kind(command_.source_kind, "--source-kind");
  const Stretch stretch = preview_stretch(command_.preview, "--preview");
  SteadySource source{.keys = parse_key_frames(command_.keys)};
  // A folder of pictures is written in the place of the one before.
  for (const KeyFrame& key : source.keys) {
    refuse_overwriting(out, {key.picture, fs::absolute(key.picture).parent_path()});
  }
  FilmJob job(command_, backend_->device(), input, out);
  if (job.is_done()) return;
  source.coloured =
      per_frame_ || source.keys.empty() || (kind != SourceKind::kGray && film_has_colour(input));
  if (!source.coloured) require_no_network(command_, input);
  ToldKind told;
  if (source.coloured) told = per_frame_ ? ToldKind{kVividInput, {}} : told_kind(kind, input);
  source.kind = told.kind;
  FilmClip clip({input, command_.gray, {}, per_frame_ ? &*per_frame_ : nullptr, stretch},
                Fitting::kOwnShape);
  const FilmReader& luma = clip.luma_film();
  const ActiveRectangle active = find_active(luma.info().source);
  FilmWriter writer(out, luma,
                    {codec_of(command_), clip.streams_from(), job.folder(), command_.side_by_side});
  const int width = writer.chroma_width(), height = writer.chroma_height();
  FramesOutOfReach out_of_reach(input.string(), source.coloured);
  std::int64_t last = writer.frames() - 1;
  const auto write = [&](const ClipFrame& frame, const SteadyColours& colours) {
    if (!std::exchange(device_told_, true)) tell_device(*backend_, why_not_cuda_);
    if (const std::string said = std::exchange(told.said, {}); !said.empty()) {
      std::fprintf(stderr, "%s: %s\n", input.c_str(), said.c_str());
    }
    last = frame.luma->index();
    out_of_reach.push(last, colours.begins, colours.reached);
    if (const std::optional<Picture> key = key_at(source.keys, *frame.luma)) {
      const std::vector<float> given(key->rgb.begin(), key->rgb.end());
      writer.write(*frame.luma, given, key->width, key->height,
                   frame.given ? &*frame.given : nullptr);
      return;
    }
    std::vector<float> rgb = enlarged_colours(*frame.luma, colours, width, height);
    blacken_bars(active, luma.info().width, luma.info().height, rgb, width, height);
    writer.write(*frame.luma, rgb, width, height, frame.given ? &*frame.given : nullptr);
  };
  job.make(clip, writer, [&](const FilmPlace& place) {
    films_.run(clip_id(input), clip, source,
               {write, [&](const FilmPlace& end) { job.end_part(writer, end); }}, place);
  });
  out_of_reach.finish(last);
  // Not every container says at once how many frames there are.
  for (const KeyFrame& key : source.keys) {
    if (key.index <= last) continue;
    std::fprintf(stderr, "afterglow: %s: not used, because %s ends with frame %lld\n",
                 key.picture.c_str(), input.c_str(), static_cast<long long>(last));
  }
}

}  // namespace afterglow
