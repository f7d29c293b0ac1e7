// The colours of a film of which some frames are given: carried forward and backward from each of
// them.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <vector>

#include "data/colour_carrier.hpp"
#include "data/film.hpp"
#include "data/film_place.hpp"
#include "data/key_frames.hpp"
#include "data/scene_cut.hpp"
#include "data/steady_planes.hpp"

namespace afterglow {

/// How far colours are carried backward, frames: what is read ahead. Each frame that waits takes 32
/// bytes for every pixel of its colours, all together some 280 MB for 256 x 144.
inline constexpr std::int64_t kKeyReach = 240;

/// Reads a film ahead and makes small colours for each of its frames. A scene's key frames colour
/// that scene: behind the first of them and before the last both ways, blended by distance and by
/// confidence.
class KeyedColours {
 public:
  struct Options {
    std::vector<KeyFrame> keys;  // by index, at least one
    bool cuts = true;            // a detected scene cut ends the way of colours
    /// What no key frame's colours reach gets colours by place and light (ColourGrid).
    bool fill = true;
    /// The longer side of the pictures that motion is found on, twice that of the colours.
    int long_side = kSteadyLongSide;
  };
  struct Frame {
    LightPlane light;
    /// Their confidence is their share of the frame's colours; empty: no key frame in reach.
    CarriedColours colours;
    Flow back;  // to the frame before; empty where no colours could go that way
  };

  /// Reads `film` from its beginning, in steady_size() of the long side, and goes on behind
  /// `place`, whose cuts, light and carried colours it takes. Throws InputError as FilmReader and
  /// key_picture() do, for a key frame beyond the film's end where its length is known, and when
  /// the film ends before `place`.
  KeyedColours(const std::filesystem::path& film, Options options, const FilmPlace& place);

  /// The next frame's, or nothing at the end. Throws InputError on a broken stream, Interrupted
  /// after Ctrl-C.
  std::optional<Frame> next();
  /// What FilmPlace::carried is behind the frame that next() gave last.
  const CarriedColours& carried() const { return forward_; }

 private:
  /// What a key frame gives.
  struct Given {
    CarriedColours colours;
    ColourGrid grid;
  };
  /// A frame that is read.
  struct Waiting {
    std::int64_t index = 0;
    bool begins = true;
    LightPlane light;
    Flow back, ahead;  // to the frame before, and from it to this one; where colours may go there
    const KeyFrame* key = nullptr;  // that it is
    CarriedColours backward;        // carried from the next key frame
  };

  bool read_one();
  void look_ahead();
  void carry_backward(std::size_t from);
  CarriedColours step(const CarriedColours& colours, const FrameStep& step,
                      const ColourGrid& grid) const;
  Given give(const KeyFrame& key, const LightPlane& light) const;
  const KeyFrame* next_key(std::int64_t frame) const;
  CarriedColours blended(const Waiting& now) const;

  Options options_;
  FilmReader film_;
  SteadySize size_;
  SceneCutDetector detector_;
  Picture last_read_;
  std::int64_t read_ = 0;     // frames
  bool keyed_scene_ = false;  // there was a key frame in the scene that is read
  std::deque<Waiting> waiting_;
  LightPlane last_light_;             // of the frame that next() gave
  CarriedColours forward_;            // on it
  const KeyFrame* behind_ = nullptr;  // the scene's last key frame so far
  ColourGrid grid_;                   // of it
};

}  // namespace afterglow
