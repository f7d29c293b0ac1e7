// Films through a steady network: planes and flow made ahead, colours enlarged behind.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/clip_colorizer.hpp"
#include "data/film_place.hpp"
#include "data/key_frames.hpp"
#include "nn/steady_colorizer.hpp"

namespace afterglow {

/// What coloured a film, as the network is told.
enum class SourceKind {
  kAuto,  // by the film's own chroma
  kMuted,
  kVivid,
  kUnknown,
  kGray,  // nothing: its colours do not count, only those of key frames
};

/// The inverse of "auto", "muted", "vivid", "unknown", "gray". Throws InputError(subject, ...) for
/// anything else.
SourceKind parse_source_kind(const std::string& text, const std::string& subject);

struct SteadyFilmOptions {
  double strength = 1;    // 0: the input's own colours, 1: the network's
  double saturation = 1;  // what colours are multiplied by
  bool cuts = true;       // a detected scene cut forgets the frame before
};

/// What colours a film.
struct SteadySource {
  bool coloured = true;        // its own colours, made steady by the network; else key frames alone
  float kind = 0;              // what those are: ToldKind::kind
  std::vector<KeyFrame> keys;  // by index
};

/// The colours of a frame, small: CIE ab, and the lightness that they belong to.
struct SteadyColours {
  int width = 0;
  int height = 0;
  std::vector<float> ab, lightness;
  bool begins = false;  // a scene
  bool reached = true;  // by a key frame's colours, where there are key frames
};

/// Where the frames of a film go, in order.
struct SteadySink {
  std::function<void(const ClipFrame&, const SteadyColours&)> write;
  /// As ClipSink::end_part.
  std::function<void(const FilmPlace&)> end_part;
};

class SteadyFilms {
 public:
  /// The model must outlive this. model_file: for messages.
  SteadyFilms(std::shared_ptr<Backend> backend, const SteadyModel& model,
              std::filesystem::path model_file, const SteadyFilmOptions& options);

  /// Colours the frames of a film behind `place`, where `frames` stands, as they are coloured in
  /// one go, with progress, which counts shots from 1. Key frames' colours (data/keyed_colours.hpp)
  /// take the place of the network's as far as they are known, in what it remembers, too. `frames`
  /// is read, and flow is found, on one other thread; `sink` is called on another. Throws what they
  /// and KeyedColours throw, InputError when the network's values are not finite, Interrupted after
  /// Ctrl-C.
  void run(const std::string& label, FilmClip& frames, const SteadySource& source,
           const SteadySink& sink, const FilmPlace& place = {});

 private:
  class Preparing;
  struct Prepared;
  SteadyColours colours_of(SteadyColorizer& colorizer, const Prepared& prepared, bool own_light,
                           float kind);
  Tensor tensor_of(const std::vector<float>& values, std::int64_t height, std::int64_t width,
                   std::int64_t channels) const;

  std::shared_ptr<Backend> backend_;
  const SteadyModel& model_;
  std::filesystem::path model_file_;
  SteadyFilmOptions options_;
};

/// What the network is told of a film that is coloured.
struct ToldKind {
  float kind = 0;    // -1 muted, 0 unknown, 1 vivid
  std::string said;  // of kAuto: what the film was taken for, and why
};

/// kAuto: by the mean chroma of frames spread over it that have colour. Throws
/// InputError for kGray, and when none of its frames has any colour: there is nothing to steady.
ToldKind told_kind(SourceKind kind, const std::filesystem::path& film);

/// The frame's own luma with these colours, RGB (height, width, 3) of that size, 0..255.
std::vector<float> enlarged_colours(const FilmFrame& frame, const SteadyColours& colours, int width,
                                    int height);

}  // namespace afterglow
