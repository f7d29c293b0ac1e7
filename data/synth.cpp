#include "data/synth.hpp"

#include <algorithm>
#include <utility>

#include "base/random.hpp"
#include "data/colour.hpp"
#include "data/synth_scene.hpp"

namespace afterglow {

using synth::Layer;
using synth::Motion;
using synth::Point;
using synth::Scene;

namespace {

/// A layer's two motions at a time: its own, then the camera's.
struct Placed {
  Motion own;
  Motion camera;
  Point surface(const Point& seen) const { return own.inverse(camera.inverse(seen)); }
  Point seen(const Point& surface) const { return camera.apply(own.apply(surface)); }
};

std::vector<Placed> place(const Scene& scene, int t) {
  std::vector<Placed> placed;
  for (const Layer& layer : scene.layers) {
    placed.push_back({layer.motion(t), scene.camera.motion(t, layer.nearness)});
  }
  return placed;
}

/// How much of a pixel lies inside an edge at this signed distance.
double coverage(double distance, double pixel) {
  return std::clamp(0.5 - distance / pixel, 0.0, 1.0);
}

/// The colour at a point: layers are laid over each other from the front until nothing shows
/// through.
Triple colour_at(const Scene& scene, const std::vector<Placed>& placed, const Point& at,
                 double pixel) {
  Triple colour{};
  double open = 1;
  for (std::size_t i = scene.layers.size(); i-- > 0 && open > 0;) {
    const Point p = placed[i].surface(at);
    const double share =
        open * coverage(scene.layers[i].distance(p), pixel / placed[i].camera.scale);
    if (share <= 0) continue;
    const Triple own = scene.layers[i].colour(p);
    for (std::size_t c = 0; c < 3; ++c) colour[c] += share * own[c];
    open -= share;
  }
  return colour;
}

}  // namespace

struct SynthClip::Content {
  SynthOptions options;
  std::vector<Scene> scenes;
  std::vector<int> cuts;

  /// Which scene frame t shows, and its time in it.
  std::pair<const Scene*, int> at(int t) const {
    std::size_t scene = 0;
    while (scene < cuts.size() && t >= cuts[scene]) ++scene;
    return {&scenes[scene], scene == 0 ? t : t - cuts[scene - 1]};
  }
  double pixel() const { return 2.0 / options.size; }
  /// A pixel's centre in scene units.
  Point centre(int x, int y) const { return {(x + 0.5) * pixel() - 1, (y + 0.5) * pixel() - 1}; }
};

SynthClip::SynthClip(std::uint64_t seed, const SynthOptions& options)
    : content_(std::make_unique<Content>()) {
  content_->options = options;
  Rng rng(seed);
  content_->scenes.push_back(synth::draw_scene(rng.next()));
  if (options.cut && options.frames >= 4) {
    content_->cuts.push_back(
        options.frames / 4 +
        static_cast<int>(rng.below(static_cast<std::uint64_t>(options.frames / 2))) + 1);
    content_->scenes.push_back(synth::draw_scene(rng.next()));
  }
}

SynthClip::~SynthClip() = default;
SynthClip::SynthClip(SynthClip&&) noexcept = default;
SynthClip& SynthClip::operator=(SynthClip&&) noexcept = default;

Picture SynthClip::frame(int t) const {
  const auto [scene, time] = content_->at(t);
  const std::vector<Placed> placed = place(*scene, time);
  const double light = scene->camera.light(time);
  const int size = content_->options.size;
  Picture picture(size, size);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const Triple colour = colour_at(*scene, placed, content_->centre(x, y), content_->pixel());
      for (std::size_t c = 0; c < 3; ++c) {
        picture.rgb[static_cast<std::size_t>(3 * (y * size + x)) + c] = to_byte(light * colour[c]);
      }
    }
  }
  return picture;
}

Flow SynthClip::flow(int t) const {
  const int size = content_->options.size;
  Flow flow(size, size);
  const auto [scene, time] = content_->at(t);
  if (content_->at(t + 1).first != scene) {
    std::fill(flow.uv.begin(), flow.uv.end(), kUnknownFlow);
    return flow;
  }
  const std::vector<Placed> now = place(*scene, time);
  const std::vector<Placed> next = place(*scene, time + 1);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const Point at = content_->centre(x, y);
      std::size_t top = scene->layers.size() - 1;
      Point surface = now[top].surface(at);
      while (scene->layers[top].distance(surface) > 0) surface = now[--top].surface(at);
      const Point then = next[top].seen(surface);
      const auto i = static_cast<std::size_t>(2 * (y * size + x));
      flow.uv[i] = static_cast<float>((then.x - at.x) / content_->pixel());
      flow.uv[i + 1] = static_cast<float>((then.y - at.y) / content_->pixel());
    }
  }
  return flow;
}

std::vector<int> SynthClip::cuts() const { return content_->cuts; }

}  // namespace afterglow
