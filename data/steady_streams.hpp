// What a steady network is trained on: streams of consecutive frames, turned about and coloured
// anew each time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/film_set.hpp"

namespace afterglow {

struct StreamOptions {
  int streams = 8;   // side by side
  int unroll = 6;    // frames of each a step
  int width = 160;   // of the cut-out, pixels, a multiple of 16; smaller films are continued by
  int height = 128;  // their border
  std::uint64_t seed = 1;
};

/// One frame of every stream: the planes of nn/models/steady.hpp's SteadyFrames and SteadyTruth,
/// (N, h, w, C) each, h and w half of the cut-out.
struct StreamFrames {
  std::vector<float> luma, lightness, input, flow, follows, kind, truth;
};

/// Draws streams of up to kStreamFrames frames of a film set's training clips, one behind the
/// other in each of `streams` places. A quarter are pairs of truth and a real colorizer's film,
/// where the dataset has some; of the rest the input is a simulated colorizer's
/// (data/simulated_colorizer.hpp), muted or vivid. A stream is a random cut-out, perhaps mirrored,
/// perhaps backwards, its lightness bent; before a colorizer is simulated its hues are turned and
/// its chroma scaled, too. A quarter of the streams does not say what coloured it (kind 0). Steps
/// are made ahead on a thread of its own; what they hold depends on films, options and number
/// alone.
class SteadyStreams {
 public:
  static constexpr int kStreamFrames = 24;

  /// Begins with step `first`. Throws InputError when there is no training clip of `unroll` frames.
  SteadyStreams(std::shared_ptr<const FilmSet> films, const StreamOptions& options,
                std::int64_t first = 0);
  ~SteadyStreams();
  SteadyStreams(const SteadyStreams&) = delete;
  SteadyStreams& operator=(const SteadyStreams&) = delete;

  /// The next step: `unroll` frames. Rethrows what the thread met (InputError: a broken file).
  std::vector<StreamFrames> next();

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

}  // namespace afterglow
