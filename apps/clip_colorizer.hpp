// One clip's way through the network: where its frames come from, and where they go.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/image_colorizer.hpp"
#include "apps/sequences.hpp"
#include "data/film.hpp"
#include "data/film_place.hpp"
#include "data/result_file.hpp"
#include "data/steady_planes.hpp"
#include "nn/recurrent_colorizer.hpp"

namespace afterglow {

/// A frame on its way.
struct ClipFrame {
  Picture input;                   // per-frame colorized, as the network takes it, once prepared
  std::optional<FilmFrame> luma;   // of films: the frame whose luma and time are kept
  std::optional<FilmFrame> given;  // the input itself, where another film gives the luma
  std::optional<Picture> truth;    // 128 x 128
  double seconds = 0;
};

/// The frames of a clip, once, in order.
class ClipFrames {
 public:
  virtual ~ClipFrames() = default;
  virtual const FramesInfo& info() const = 0;
  /// About how many frames there are; 0: unknown.
  virtual std::int64_t expected_frames() const = 0;
  /// The next frame, or nothing at the end. Throws InputError on a broken stream, and when films
  /// that belong together differ in length.
  virtual std::optional<ClipFrame> read() = 0;
  /// What is left to do to a frame on the thread that the networks run on.
  virtual void prepare(ClipFrame& frame) { static_cast<void>(frame); }
};

/// A film, and the films beside it.
struct FilmFiles {
  std::filesystem::path input;
  std::filesystem::path gray;                 // gives the luma; empty: the input does
  std::optional<Sequence> truth;              // for Previous::kTruth
  const ImageColorizer* colorizer = nullptr;  // colours every frame first; null: they are coloured
  Stretch stretch{};                          // of the film that gives the luma; without `truth`
};

/// How a film's frames become the network's pictures.
enum class Fitting {
  kCrop,      // the centre 128 x 128
  kResize,    // the whole frame, 128 x 128
  kOwnShape,  // the whole frame, in steady_size()
};

/// A film or folder of pictures as frames.
class FilmClip : public ClipFrames {
 public:
  FilmClip(const FilmFiles& files, Fitting fitting);

  const FramesInfo& info() const override { return input_.info(); }
  std::int64_t expected_frames() const override { return luma_film().expected_frames(); }
  /// The film whose luma, times and geometry are kept.
  const FilmReader& luma_film() const { return gray_ ? *gray_ : input_; }
  /// True where the input is coloured, and gives the luma, too: its pictures are all there is.
  bool has_own_light() const { return !gray_ && files_.colorizer == nullptr; }
  /// The film whose sound, and what else is not picture, is kept; empty when none has sound.
  std::filesystem::path streams_from() const;
  /// A line for whatever the film that gives the luma has beside its picture, where it is the other
  /// one whose sound is kept.
  std::vector<std::string> left_out() const;
  std::optional<ClipFrame> read() override;
  /// How many frames of the stretch were read or passed over.
  std::int64_t frames() const { return frames_ - before_; }
  /// Passes over the first `frames` frames, which a run before has coloured. Throws InputError when
  /// a film ends before, Interrupted after Ctrl-C.
  void skip_coloured(std::int64_t frames);
  void prepare(ClipFrame& frame) override;

 private:
  Picture network_picture(const Picture& whole) const;

  FilmFiles files_;
  Fitting fitting_;
  std::optional<FilmReader> gray_;
  FilmReader input_;
  SteadySize size_;  // of the network's pictures
  std::unique_ptr<FrameReader> truth_;
  std::int64_t frames_ = 0;  // of the input, read or passed over so far
  std::int64_t before_ = 0;  // of those, before the stretch
};

/// A clip of a dataset as frames. `truth` may be null.
class DatasetFrames : public ClipFrames {
 public:
  DatasetFrames(std::unique_ptr<FrameReader> colorized, std::unique_ptr<FrameReader> truth);

  const FramesInfo& info() const override { return colorized_->info(); }
  std::int64_t expected_frames() const override { return info().count; }
  std::optional<ClipFrame> read() override;

 private:
  std::unique_ptr<FrameReader> colorized_, truth_;
};

/// Where the frames of a clip go, in order.
struct ClipSink {
  /// Takes a frame and the network's picture of it (128, 128, 3), neither rounded nor clamped.
  std::function<void(const ClipFrame&, std::span<const float>)> write;
  /// Called now and then between two frames, with the place between them, and behind the last,
  /// there on the caller's thread; may be empty.
  std::function<void(const FilmPlace&)> end_part{};
};

/// The network's picture rounded and clamped.
Picture rounded_picture(std::span<const float> rgb);

/// The colouring of one clip after another.
class ClipColorizer {
 public:
  /// model_file: for messages; `cuts`: a detected scene cut begins a new clip.
  ClipColorizer(std::shared_ptr<Backend> backend, ColorizationModel& model,
                std::filesystem::path model_file, Previous previous, bool cuts);

  /// Colours the frames of a clip behind `place`, where `frames` stands, as they are coloured in
  /// one go, with progress. `frames` is read on one other thread, and `sink` is called on another.
  /// Throws what they throw, InputError when the network's values are not finite, Interrupted after
  /// Ctrl-C.
  void run(const std::string& label, ClipFrames& frames, const ClipSink& sink,
           const FilmPlace& place = {});

 private:
  Tensor tensor_of(std::span<const float> rgb) const;
  Tensor tensor_of(const Picture& picture) const;

  std::shared_ptr<Backend> backend_;
  RecurrentColorizer colorizer_;
  std::filesystem::path model_file_;
  bool cuts_;
};

/// True when a frame of the film has colour. Reads only as far as the first one that has. Throws
/// InputError as FilmReader does, Interrupted after Ctrl-C.
bool film_has_colour(const std::filesystem::path& film);

/// Throws InputError when film_has_colour() is false: there is nothing to steady.
void require_colour(const std::filesystem::path& film);

}  // namespace afterglow
