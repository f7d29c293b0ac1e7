#include "data/keyed_colours.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "data/optical_flow.hpp"

namespace afterglow {
namespace {

/// The confidence at which filled colours count as much as carried ones.
constexpr float kHalfKnown = 0.003F;
/// That at which what is beside them (a network's colours) counts as much as carried ones: it knows
/// more of the frame than ColourGrid does.
constexpr float kHalfKnownBeside = 0.1F;
/// That of filled colours on the next frame, so that they stay as they are while nothing better is
/// known.
constexpr float kFilled = 0.05F;

LightPlane light_of(const SteadyPlanes& planes) {
  LightPlane light{planes.width, planes.height, planes.lightness};
  for (float& value : light.lightness) value = kSteadyUnit * (value + 1);
  return light;
}

}  // namespace

KeyedColours::KeyedColours(const std::filesystem::path& film, Options options,
                           const FilmPlace& place)
    : options_(std::move(options)), film_(film) {
  const FramesInfo& info = film_.info();
  size_ = steady_size(info.width, info.height, options_.long_side);
  for (const KeyFrame& key : options_.keys) {
    if (info.count > 0 && key.index >= info.count) {
      throw InputError(key.picture.string(),
                       "is for frame " + std::to_string(key.index) + ", but " + info.source +
                           " has " + std::to_string(info.count) + " frames, counted from 0",
                       "give the number of the frame that it shows");
    }
    key_picture(key, info.width, info.height);
  }
  const KeyFrame* behind = nullptr;
  for (const KeyFrame& key : options_.keys) {
    if (key.index < place.frames && !place.carried.empty()) behind = &key;
  }
  if (behind == nullptr) {
    skip_coloured(film_, place.frames);
  } else {
    skip_coloured(film_, behind->index);
    if (const std::optional<FilmFrame> frame = film_.read()) {
      const Picture picture = frame->reduced_picture(size_.width, size_.height);
      grid_ = give(*behind, light_of(steady_planes(picture, picture))).grid;
    }
    skip_coloured(film_, place.frames - behind->index - 1);
  }
  read_ = place.frames;
  detector_.remember(place.cuts);
  last_read_ = place.light;
  if (behind == nullptr) return;
  behind_ = behind;
  keyed_scene_ = true;
  forward_ = place.carried;
  last_light_ = light_of(steady_planes(place.light, place.light));
}

/// The first key frame behind a frame, or null.
const KeyFrame* KeyedColours::next_key(std::int64_t frame) const {
  const auto next =
      std::partition_point(options_.keys.begin(), options_.keys.end(),
                           [frame](const KeyFrame& key) { return key.index <= frame; });
  return next == options_.keys.end() ? nullptr : &*next;
}

/// light: of the frame itself, as the film has it.
KeyedColours::Given KeyedColours::give(const KeyFrame& key, const LightPlane& light) const {
  const FramesInfo& info = film_.info();
  const Picture picture =
      resize_area(key_picture(key, info.width, info.height), size_.width, size_.height);
  const SteadyPlanes planes = steady_planes(picture, picture);
  Given given{{planes.chroma, std::vector<float>(planes.lightness.size(), 1.0F)}, {}};
  for (float& value : given.colours.ab) value *= kSteadyUnit;
  given.grid.add(light, given.colours);
  return given;
}

bool KeyedColours::read_one() {
  throw_if_interrupted();
  const std::optional<FilmFrame> frame = film_.read();
  if (!frame) return false;
  Waiting now;
  now.index = read_++;
  Picture picture = frame->reduced_picture(size_.width, size_.height);
  now.light = light_of(steady_planes(picture, picture));
  const SteadySize seen = steady_size(frame->width(), frame->height());
  now.begins = (detector_.push(frame->reduced_picture(seen.width, seen.height)) && options_.cuts) ||
               last_read_.rgb.empty();
  if (now.begins) keyed_scene_ = false;
  const KeyFrame* const next = next_key(now.index - 1);
  const bool ahead = next != nullptr && next->index - now.index <= kKeyReach;
  if (!now.begins && (keyed_scene_ || ahead)) {
    now.back = halved_flow(dis_flow(picture, last_read_));
    now.ahead = halved_flow(dis_flow(last_read_, picture));
  }
  if (next != nullptr && next->index == now.index) {
    now.key = next;
    keyed_scene_ = true;
  }
  last_read_ = std::move(picture);
  waiting_.push_back(std::move(now));
  return true;
}

/// Reads on until it is known whether a key frame colours the first waiting frame backward.
void KeyedColours::look_ahead() {
  const std::int64_t now = waiting_.front().index;
  if (waiting_.front().key != nullptr || !waiting_.front().backward.empty()) return;
  const KeyFrame* const next = next_key(now);
  if (next == nullptr || next->index - now > kKeyReach) return;
  for (std::size_t i = 1;; ++i) {
    if (i == waiting_.size() && !read_one()) return;
    if (waiting_[i].begins) return;
    if (waiting_[i].key != nullptr) {
      carry_backward(i);
      return;
    }
  }
}

void KeyedColours::carry_backward(std::size_t from) {
  const Given given = give(*waiting_[from].key, waiting_[from].light);
  CarriedColours colours = given.colours;
  for (std::size_t i = from; i-- > 0;) {
    throw_if_interrupted();
    const Waiting& later = waiting_[i + 1];
    Waiting& now = waiting_[i];
    colours = step(colours, {later.light, now.light, later.ahead, later.back}, given.grid);
    now.backward = colours;
  }
}

CarriedColours KeyedColours::step(const CarriedColours& colours, const FrameStep& step,
                                  const ColourGrid& grid) const {
  CarriedColours carried = carry(colours, step);
  if (!options_.fill) return carried;
  ColourGrid known = grid;
  known.add(step.to, carried);
  const std::vector<float> filled = known.colours(step.to);
  for (std::size_t i = 0; i < carried.confidence.size(); ++i) {
    float& confidence = carried.confidence[i];
    const float share = confidence / (confidence + kHalfKnown);
    for (std::size_t c = 2 * i; c < 2 * i + 2; ++c) {
      carried.ab[c] = share * carried.ab[c] + (1 - share) * filled[c];
    }
    confidence = std::max(confidence, kFilled);
  }
  return carried;
}

CarriedColours KeyedColours::blended(const Waiting& now) const {
  float share = 0;  // of the key frame ahead, by distance
  if (!now.backward.empty()) {
    const std::int64_t left = next_key(now.index)->index - now.index;
    const std::int64_t way =
        behind_ == nullptr ? kKeyReach : std::min(now.index + left - behind_->index, kKeyReach);
    share = std::max(0.0F, 1 - static_cast<float>(left) / static_cast<float>(way));
  }
  CarriedColours result = forward_.empty() ? now.backward : forward_;
  for (std::size_t i = 0; i < result.confidence.size(); ++i) {
    const float forward = forward_.empty() ? 0 : (1 - share) * forward_.confidence[i];
    const float backward = now.backward.empty() ? 0 : share * now.backward.confidence[i];
    const float both = forward + backward;
    if (forward > 0 && backward > 0) {
      for (std::size_t c = 2 * i; c < 2 * i + 2; ++c) {
        result.ab[c] = (forward * forward_.ab[c] + backward * now.backward.ab[c]) / both;
      }
    } else if (backward > 0) {
      std::copy_n(&now.backward.ab[2 * i], 2, &result.ab[2 * i]);
    }
    if (options_.fill || now.key != nullptr) {
      result.confidence[i] = 1;
    } else {
      result.confidence[i] = both / (both + kHalfKnownBeside);
    }
  }
  return result;
}

std::optional<KeyedColours::Frame> KeyedColours::next() {
  if (waiting_.empty() && !read_one()) return std::nullopt;
  look_ahead();
  Waiting now = std::move(waiting_.front());
  waiting_.pop_front();
  if (now.key != nullptr) {
    behind_ = now.key;
    Given given = give(*now.key, now.light);
    forward_ = std::move(given.colours);
    grid_ = std::move(given.grid);
  } else if (now.begins) {
    behind_ = nullptr;
    forward_ = {};
  } else if (!forward_.empty()) {
    forward_ = step(forward_, {last_light_, now.light, now.back, now.ahead}, grid_);
  }
  Frame frame{now.light, blended(now), std::move(now.back)};
  last_light_ = std::move(now.light);
  return frame;
}

}  // namespace afterglow
