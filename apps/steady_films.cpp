#include "apps/steady_films.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/pipeline.hpp"
#include "base/progress.hpp"
#include "data/colour.hpp"
#include "data/film_samples.hpp"
#include "data/guided_colours.hpp"
#include "data/keyed_colours.hpp"
#include "data/lab_picture.hpp"
#include "data/optical_flow.hpp"
#include "data/scene_cut.hpp"
#include "data/steady_planes.hpp"
#include "nn/steady_colorizer.hpp"

namespace afterglow {
namespace {

constexpr float kMostColour = 1000;  // of the network's units: far beyond any colour
constexpr std::size_t kWaiting = 4;  // frames between two threads
constexpr int kSettled = 4;          // times that a scene's first frame is seen
constexpr int kMeasured = 48;        // frames, spread over a film, that tell what coloured it
/// Mean CIE chroma: simulated vivid films lie above the first, simulated muted ones below the
/// second (those of DAVIS, 5.7 to 16.1 and 13.1 to 34.3). Told wrongly, the network spoils colours;
/// told nothing between the two, it costs little.
constexpr double kMuted = 9, kVivid = 18;
/// Above it are films that no per-frame colorizer makes, such as test pictures and animations.
constexpr double kBeyond = 45;

/// The longer side of the pictures on which key frames' colours find their way where no network
/// works beside them: on twice the network's, small things keep their colours.
constexpr int kKeyedLongSide = 2 * kSteadyLongSide;

/// Adds what the network made of the last frame, if one did.
void complete(FilmPlace& place, const SteadyState& before) {
  if (!before.chroma) return;
  place.height = static_cast<int>(before.lightness.shape()[1]);
  place.width = static_cast<int>(before.lightness.shape()[2]);
  place.chroma = before.chroma.value().to_host();
  place.lightness = before.lightness.to_host();
}

double mean_chroma(const Picture& picture) {
  double sum = 0;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const Triple lab = rgb_to_lab(picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]);
    sum += std::hypot(lab[1], lab[2]);
  }
  return 3 * sum / static_cast<double>(picture.rgb.size());
}

/// Puts key frames' colours in the place of `ab`, as far as they are known.
void take_keyed(const CarriedColours& keyed, std::vector<float>& ab, float unit) {
  for (std::size_t i = 0; i < ab.size(); ++i) {
    ab[i] += keyed.confidence[i / 2] * (keyed.ab[i] / unit - ab[i]);
  }
}

/// The colours of a gray film's frame.
SteadyColours keyed_colours(KeyedColours::Frame frame) {
  if (frame.colours.empty()) frame.colours.ab.resize(2 * frame.light.lightness.size());
  return {frame.light.width, frame.light.height, std::move(frame.colours.ab),
          std::move(frame.light.lightness)};
}

}  // namespace

SourceKind parse_source_kind(const std::string& text, const std::string& subject) {
  if (text == "auto") return SourceKind::kAuto;
  if (text == "muted") return SourceKind::kMuted;
  if (text == "vivid") return SourceKind::kVivid;
  if (text == "unknown") return SourceKind::kUnknown;
  if (text == "gray") return SourceKind::kGray;
  throw InputError(subject, "'" + text + "' is no kind of colours",
                   "use auto, muted, vivid, unknown or gray");
}

ToldKind told_kind(SourceKind kind, const std::filesystem::path& film) {
  if (kind == SourceKind::kGray) {
    throw InputError("--source-kind gray", "leaves nothing to make steady",
                     "add key frames, as in --key 0=frame.png");
  }
  require_colour(film);
  if (kind == SourceKind::kMuted) return {-1, {}};
  if (kind == SourceKind::kVivid) return {1, {}};
  if (kind == SourceKind::kUnknown) return {};
  double sum = 0;
  int frames = 0;
  sample_frames(film, kMeasured, [&](const FilmFrame& frame) {
    const SteadySize size = steady_size(frame.width(), frame.height());
    const Picture picture = frame.reduced_picture(size.width, size.height);
    if (!has_colour(picture)) return;  // black between scenes, white letters: nobody coloured them
    sum += mean_chroma(picture);
    ++frames;
  });
  if (frames == 0) return {};
  const double mean = sum / static_cast<double>(frames);
  const auto taken_for = [mean](float value, const char* name, const char* hint = "") {
    char said[128];
    std::snprintf(said, sizeof said, "colours taken for %s (mean chroma %.0f)%s", name, mean, hint);
    return ToldKind{value, said};
  };
  if (mean < kMuted) return taken_for(-1, "muted");
  if (mean <= kVivid || mean > kBeyond) return taken_for(0, "neither muted nor vivid");
  return taken_for(1, "vivid", "; if the result is too pale, say --source-kind unknown");
}

/// A frame with what was made ahead for it.
struct SteadyFilms::Prepared {
  ClipFrame frame;
  Picture light;  // in the size of the network's pictures
  bool begins = true;
  std::int64_t scene = 0;  // from 1
  Flow flow;               // to the frame before, half as large; 0 for one that begins a scene
  std::optional<KeyedColours::Frame> keyed;  // where there are key frames
  std::optional<FilmPlace> behind;  // where a part ends before this frame, but for the colours
};

/// Reads a film and makes ahead what the network needs.
class SteadyFilms::Preparing {
 public:
  Preparing(FilmClip& frames, const SteadySource& source, bool cuts, const FilmPlace& place)
      : frames_(frames),
        coloured_(source.coloured),
        long_side_(coloured_ ? kSteadyLongSide : kKeyedLongSide),
        cuts_(cuts),
        last_(place.light),
        begun_(place.frames),
        scenes_(place.scenes) {
    detector_.remember(place.cuts);
    if (!source.keys.empty()) {
      keyed_.emplace(frames.luma_film().info().source,
                     KeyedColours::Options{source.keys, cuts, !source.coloured, long_side_}, place);
    }
    done_ = place.frames;
  }

  std::optional<Prepared> next() {
    std::optional<ClipFrame> frame = frames_.read();
    if (!frame) return std::nullopt;
    Prepared prepared;
    Picture seen = frames_.has_own_light() ? frame->input : light_of(*frame->luma, kSteadyLongSide);
    SceneCutDetector::Memory cuts = detector_.memory();
    const bool cut = detector_.push(seen) && cuts_;
    prepared.light = coloured_ ? std::move(seen) : light_of(*frame->luma, long_side_);
    prepared.frame = std::move(*frame);
    prepared.begins = cut || last_.rgb.empty();
    if (ends_part(done_ - begun_, cut)) {
      prepared.behind = place(std::move(cuts));
      begun_ = done_;
    }
    if (prepared.begins) ++scenes_;
    prepared.scene = scenes_;
    if (keyed_) prepared.keyed = keyed_->next();
    if (coloured_) prepared.flow = flow_of(prepared);
    last_ = prepared.light;
    ++done_;
    return prepared;
  }

  /// Behind the last frame, but for the colours.
  FilmPlace place() const { return place(detector_.memory()); }

 private:
  static Picture light_of(const FilmFrame& frame, int long_side) {
    const SteadySize size = steady_size(frame.width(), frame.height(), long_side);
    return frame.reduced_picture(size.width, size.height);
  }

  Flow flow_of(Prepared& prepared) const {
    if (prepared.begins) return {prepared.light.width / 2, prepared.light.height / 2};
    if (prepared.keyed && prepared.keyed->back.width > 0) return std::move(prepared.keyed->back);
    return halved_flow(dis_flow(prepared.light, last_));
  }

  FilmPlace place(SceneCutDetector::Memory cuts) const {
    return {.frames = done_,
            .scenes = scenes_,
            .cuts = std::move(cuts),
            .light = last_,
            .carried = keyed_ ? keyed_->carried() : CarriedColours{}};
  }

  FilmClip& frames_;
  bool coloured_;
  int long_side_;  // of the pictures made ahead
  bool cuts_;
  std::optional<KeyedColours> keyed_;
  SceneCutDetector detector_;
  Picture last_;
  std::int64_t begun_;     // the first frame of this part
  std::int64_t done_ = 0;  // frames read
  std::int64_t scenes_;    // begun
};

SteadyFilms::SteadyFilms(std::shared_ptr<Backend> backend, const SteadyModel& model,
                         std::filesystem::path model_file, const SteadyFilmOptions& options)
    : backend_(std::move(backend)),
      model_(model),
      model_file_(std::move(model_file)),
      options_(options) {}

Tensor SteadyFilms::tensor_of(const std::vector<float>& values, std::int64_t height,
                              std::int64_t width, std::int64_t channels) const {
  return Tensor::from_host(backend_, {1, height, width, channels}, std::span<const float>(values));
}

SteadyColours SteadyFilms::colours_of(SteadyColorizer& colorizer, const Prepared& prepared,
                                      bool own_light, float kind) {
  const Picture& input = prepared.frame.input;
  const SteadyPlanes planes = steady_planes(own_light ? input : prepared.light, input);
  const std::int64_t h = planes.height, w = planes.width;
  if (prepared.begins) colorizer.reset();
  const bool keyed = prepared.keyed && !prepared.keyed->colours.empty();
  // What a key frame ahead brings to a scene's first frame reaches the rest of the picture by the
  // network's memory: it sees that frame until this has settled, or colours would jump behind it.
  const int seen = prepared.begins && keyed ? kSettled : 1;
  Tensor chroma;
  for (int i = 0; i < seen; ++i) {
    const float follows = prepared.begins && i == 0 ? 0.0F : 1.0F;
    chroma =
        colorizer.step({tensor_of(planes.luma, h, w, 4), tensor_of(planes.lightness, h, w, 1),
                        tensor_of(planes.chroma, h, w, 2), tensor_of(prepared.flow.uv, h, w, 2),
                        Tensor::full(backend_, {1, h, w, 1}, follows),
                        Tensor::full(backend_, {1, h, w, 1}, kind)});
    if (!keyed) break;
    SteadyState state = colorizer.before();
    std::vector<float> remembered = state.chroma.value().to_host();
    take_keyed(prepared.keyed->colours, remembered, kSteadyUnit);
    colorizer.follow({Variable(tensor_of(remembered, h, w, 2)), state.lightness});
  }
  SteadyColours colours{planes.width, planes.height, chroma.to_host(), planes.lightness};
  const auto strength = static_cast<float>(options_.strength);
  const float unit = kSteadyUnit * static_cast<float>(options_.saturation);
  for (std::size_t i = 0; i < colours.ab.size(); ++i) {
    float& value = colours.ab[i];
    if (!(std::abs(value) < kMostColour)) {
      throw InputError(model_file_.string(), "makes colours that are none",
                       "train it again with a lower --lr, or use another model");
    }
    value = unit * (planes.chroma[i] + strength * (value - planes.chroma[i]));
  }
  for (float& value : colours.lightness) value = kSteadyUnit * (value + 1);
  if (keyed) take_keyed(prepared.keyed->colours, colours.ab, 1);
  return colours;
}

void SteadyFilms::run(const std::string& label, FilmClip& frames, const SteadySource& source,
                      const SteadySink& sink, const FilmPlace& place) {
  struct Coloured {
    ClipFrame frame;
    SteadyColours colours;
    std::optional<FilmPlace> behind;
  };
  Progress progress(label, frames.expected_frames(), "frames", place.frames);
  SteadyColorizer colorizer(model_);
  if (!place.chroma.empty()) {
    colorizer.follow({Variable(tensor_of(place.chroma, place.height, place.width, 2)),
                      tensor_of(place.lightness, place.height, place.width, 1)});
  }
  Preparing preparing(frames, source, options_.cuts, place);
  std::int64_t done = place.frames;
  Ahead<Prepared> ahead([&preparing] { return preparing.next(); }, kWaiting);
  Behind<Coloured> behind(
      [&sink](const Coloured& coloured) {
        if (coloured.behind && sink.end_part) sink.end_part(*coloured.behind);
        sink.write(coloured.frame, coloured.colours);
      },
      kWaiting);
  while (std::optional<Prepared> prepared = ahead.next()) {
    throw_if_interrupted();
    if (prepared->behind) complete(*prepared->behind, colorizer.before());
    frames.prepare(prepared->frame);
    const bool reached = !prepared->keyed || !prepared->keyed->colours.empty();
    SteadyColours colours =
        source.coloured ? colours_of(colorizer, *prepared, frames.has_own_light(), source.kind)
                        : keyed_colours(std::move(*prepared->keyed));
    colours.begins = prepared->begins;
    colours.reached = reached;
    behind.push({std::move(prepared->frame), std::move(colours), std::move(prepared->behind)});
    progress.update(++done, "shot " + std::to_string(prepared->scene));
  }
  behind.finish();
  if (sink.end_part && done > place.frames) {
    FilmPlace end = preparing.place();
    complete(end, colorizer.before());
    sink.end_part(end);
  }
}

std::vector<float> enlarged_colours(const FilmFrame& frame, const SteadyColours& colours, int width,
                                    int height) {
  const Picture picture = frame.reduced_picture(width, height);
  const std::vector<float> light = lightness(picture);
  const std::vector<float> ab = guided_colours(
      {colours.ab, colours.lightness, colours.width, colours.height}, light, width, height);
  return rgb_at_luma(picture, light, ab, frame.luma_weights());
}

}  // namespace afterglow
