#include "apps/clip_colorizer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/pipeline.hpp"
#include "base/progress.hpp"
#include "data/colour.hpp"
#include "data/names.hpp"
#include "data/scene_cut.hpp"

namespace afterglow {
namespace {

/// Reads the frame of `reader` beside a frame of `main` (or beside its end), which must be there
/// (or not) alike.
template <typename Main, typename Reader>
auto read_beside(bool main_ended, Main& main, const std::string& main_name, Reader& reader,
                 const std::string& name, std::int64_t common) {
  auto frame = reader.read();
  if (main_ended && frame) refuse_lengths(main_name, name, common, reader);
  if (!main_ended && !frame) refuse_lengths(name, main_name, common, main);
  return frame;
}

/// Throws InputError for a film that ends after `frames` frames, where `longer` goes on.
[[noreturn]] void refuse_short(const std::string& ended, const std::filesystem::path& longer,
                               std::int64_t frames) {
  FilmReader whole(longer);
  whole.skip(frames + 1);
  refuse_lengths(ended, longer.string(), frames, whole);
}

std::optional<FilmReader> open_gray(const FilmFiles& files) {
  if (files.gray.empty()) return std::nullopt;
  return std::optional<FilmReader>(std::in_place, files.gray, files.stretch);
}

}  // namespace

FilmClip::FilmClip(const FilmFiles& files, Fitting fitting)
    : files_(files),
      fitting_(fitting),
      gray_(open_gray(files)),
      input_(files.input, gray_ ? Stretch{} : files.stretch),
      size_{kNetworkSide, kNetworkSide} {
  // Frames belong together by their number: the films' times may differ.
  if (gray_) frames_ = before_ = input_.skip(gray_->frames_before());
  if (fitting_ == Fitting::kOwnShape) {
    const FramesInfo& shape = luma_film().info();
    size_ = steady_size(shape.width, shape.height);
  }
  if (files_.truth) truth_ = files_.truth->open();
}

std::vector<std::string> FilmClip::left_out() const {
  if (!gray_ || streams_from() != files_.input) return {};
  std::vector<std::string> lines = gray_->others();
  for (std::string& line : lines) {
    line = files_.gray.string() + ": loses " + line + ", because " + files_.input.string() +
           " has the sound; add it to the result with ffmpeg";
  }
  return lines;
}

std::filesystem::path FilmClip::streams_from() const {
  if (gray_ && gray_->has_audio()) return files_.gray;
  return input_.has_audio() ? files_.input : std::filesystem::path();
}

Picture FilmClip::network_picture(const Picture& whole) const {
  return fitting_ == Fitting::kCrop ? crop_centre(whole, kNetworkSide, files_.input.string())
                                    : resize_area(whole, size_.width, size_.height);
}

std::optional<ClipFrame> FilmClip::read() {
  const std::string name = files_.input.string();
  ClipFrame result;
  if (gray_ && !files_.stretch.is_whole()) {  // it says where the stretch ends
    result.luma = gray_->read();
    if (!result.luma) return std::nullopt;
  }
  std::optional<FilmFrame> frame = input_.read();
  if (result.luma) {
    if (!frame) refuse_short(name, files_.gray, frames_);
  } else if (gray_) {
    result.luma = read_beside(!frame, input_, name, *gray_, files_.gray.string(), frames_);
  } else {
    result.luma = frame;
  }
  if (truth_) {
    const std::optional<Frame> truth =
        read_beside(!frame, input_, name, *truth_, files_.truth->name, frames_);
    if (truth) result.truth = network_picture(truth->picture);
  }
  if (!frame) return std::nullopt;
  ++frames_;
  if (gray_) result.given = frame;
  if (files_.colorizer != nullptr) {
    result.input = frame->picture();
  } else {
    result.input = fitting_ == Fitting::kOwnShape
                       ? frame->reduced_picture(size_.width, size_.height)
                       : network_picture(frame->picture());
  }
  result.seconds = result.luma->seconds();
  return result;
}

void FilmClip::skip_coloured(std::int64_t frames) {
  afterglow::skip_coloured(input_, frames);
  if (gray_) afterglow::skip_coloured(*gray_, frames);
  for (std::int64_t i = 0; truth_ && i < frames; ++i) {
    throw_if_interrupted();
    truth_->read();
  }
  frames_ += frames;
}

void FilmClip::prepare(ClipFrame& frame) {
  if (files_.colorizer == nullptr) return;
  frame.input = network_picture(files_.colorizer->colorize(frame.input));
}

DatasetFrames::DatasetFrames(std::unique_ptr<FrameReader> colorized,
                             std::unique_ptr<FrameReader> truth)
    : colorized_(std::move(colorized)), truth_(std::move(truth)) {
  const FramesInfo& clip = colorized_->info();
  if (clip.width == kNetworkSide && clip.height == kNetworkSide) return;
  throw InputError(
      clip.source,
      "holds pictures of " + size_text(clip.width, clip.height) + ", but the network takes 128x128",
      "make the dataset again with afterglow prepare");
}

std::optional<ClipFrame> DatasetFrames::read() {
  std::optional<Frame> frame = colorized_->read();
  if (!frame) return std::nullopt;
  ClipFrame result;
  result.input = std::move(frame->picture);
  result.seconds = frame->seconds;
  if (truth_) result.truth = truth_->read()->picture;
  return result;
}

Picture rounded_picture(std::span<const float> rgb) {
  Picture picture(kNetworkSide, kNetworkSide);
  std::transform(rgb.begin(), rgb.end(), picture.rgb.begin(),
                 [](float value) { return to_byte(double{value}); });
  return picture;
}

ClipColorizer::ClipColorizer(std::shared_ptr<Backend> backend, ColorizationModel& model,
                             std::filesystem::path model_file, Previous previous, bool cuts)
    : backend_(std::move(backend)),
      colorizer_(model, previous),
      model_file_(std::move(model_file)),
      cuts_(cuts) {}

Tensor ClipColorizer::tensor_of(std::span<const float> rgb) const {
  return Tensor::from_host(backend_, {1, kNetworkSize, kNetworkSize, 3}, rgb);
}

Tensor ClipColorizer::tensor_of(const Picture& picture) const {
  return tensor_of(std::vector<float>(picture.rgb.begin(), picture.rgb.end()));
}

void ClipColorizer::run(const std::string& label, ClipFrames& frames, const ClipSink& sink,
                        const FilmPlace& place) {
  struct Coloured {
    ClipFrame frame;
    std::vector<float> rgb;
    std::optional<FilmPlace> behind;  // where a part ends before this frame
  };
  constexpr std::size_t kWaiting = 4;  // frames between two threads
  Progress progress(label, frames.expected_frames(), "frames", place.frames);
  SceneCutDetector detector;
  detector.remember(place.cuts);
  colorizer_.reset();
  if (!place.previous.empty()) colorizer_.follow(tensor_of(place.previous));
  std::int64_t done = place.frames, begun = place.frames;  // the latter: of this part
  std::int64_t scenes = std::max<std::int64_t>(place.scenes, 1);
  const auto here = [&](SceneCutDetector::Memory cuts) {
    return FilmPlace{.frames = done,
                     .scenes = scenes,
                     .cuts = std::move(cuts),
                     .width = kNetworkSide,
                     .height = kNetworkSide,
                     .previous = colorizer_.before().to_host()};
  };
  Ahead<ClipFrame> decoded([&frames] { return frames.read(); }, kWaiting);
  Behind<Coloured> encoded(
      [&sink](const Coloured& coloured) {
        if (coloured.behind) sink.end_part(*coloured.behind);
        sink.write(coloured.frame, coloured.rgb);
      },
      kWaiting);
  while (std::optional<ClipFrame> frame = decoded.next()) {
    throw_if_interrupted();
    frames.prepare(*frame);
    SceneCutDetector::Memory cuts = detector.memory();
    const bool cut = cuts_ && detector.push(frame->input);
    std::optional<FilmPlace> behind;
    if (sink.end_part && ends_part(done - begun, cut)) {
      behind = here(std::move(cuts));
      begun = done;
    }
    if (cut) {
      colorizer_.reset();
      ++scenes;
    }
    const Tensor output = colorizer_.step(tensor_of(frame->input),
                                          frame->truth ? tensor_of(*frame->truth) : Tensor());
    std::vector<float> rgb = output.to_host();
    if (!std::all_of(rgb.begin(), rgb.end(), [](float value) { return std::isfinite(value); })) {
      throw InputError(model_file_.string(), "makes pictures with values that are not finite",
                       "train it again with a lower --lr, or use another model");
    }
    encoded.push({std::move(*frame), std::move(rgb), std::move(behind)});
    progress.update(++done, "shot " + std::to_string(scenes));
  }
  encoded.finish();
  if (sink.end_part && done > place.frames) sink.end_part(here(detector.memory()));
}

bool film_has_colour(const std::filesystem::path& film) {
  FilmReader reader(film);
  while (const std::optional<FilmFrame> frame = reader.read()) {
    throw_if_interrupted();
    if (has_colour(frame->reduced_picture(kNetworkSide, kNetworkSide))) return true;
  }
  return false;
}

void require_colour(const std::filesystem::path& film) {
  if (film_has_colour(film)) return;
  throw InputError(
      film.string(), "is gray in every frame: there is no colour to make steady",
      "add --colorizer eccv16 --weights F or --key N=PICTURE, or give its per-frame colorized "
      "version as IN and this one as --gray");
}

}  // namespace afterglow
