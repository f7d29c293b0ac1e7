// What the clips of synth show: layers of textured forms that move under a camera.
//
// Scenes are drawn in their own units: the picture spans -1..1 in both directions, y down, whatever
// its size in pixels.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "data/colour.hpp"

namespace afterglow::synth {

struct Point {
  double x = 0;
  double y = 0;
};

/// A similarity: p -> scale * rotate(angle) * p + shift.
struct Motion {
  Point shift;
  double angle = 0;
  double scale = 1;

  Point apply(const Point& p) const {
    const double c = scale * std::cos(angle);
    const double s = scale * std::sin(angle);
    return {c * p.x - s * p.y + shift.x, s * p.x + c * p.y + shift.y};
  }
  Point inverse(const Point& p) const {
    const double c = std::cos(angle) / scale;
    const double s = std::sin(angle) / scale;
    const Point q{p.x - shift.x, p.y - shift.y};
    return {c * q.x + s * q.y, c * q.y - s * q.x};
  }
};

/// What something is made of: a texture, and colours from its dark to its light parts.
struct Material {
  std::array<Triple, 4> colours;  // RGB 0..255 at shade 0, 1/3, 2/3, 1
  double grain;                   // features of the texture per unit length
  int octaves;
  double rough;
  double contrast;  // how far the texture moves the shade
};

enum class Form { kEverywhere, kBelowHorizon, kEllipse, kBox, kBlob };

/// Something seen: a form filled with a material, moving over time.
struct Layer {
  Form form = Form::kEverywhere;
  const Material* material = nullptr;
  std::uint64_t seed = 0;
  double shade = 0.5;     // of the untextured surface
  double gradient = 0.3;  // how much lighter a landscape is below, an object at its upper left
  double stripes = 0;     // per unit length; 0: none
  Point size{1, 1};       // half extents; of a horizon: relief and y
  int lobes = 3;
  Point start;
  Point speed;        // units per frame
  double sway = 0;    // units
  double pace = 0.1;  // radians of the sway per frame
  double angle = 0;
  double spin = 0;      // radians per frame
  double nearness = 1;  // how much of the camera's pan it shows

  /// Signed distance to the edge in its own units, about right near it; negative inside.
  double distance(const Point& p) const;
  Motion motion(int t) const;
  /// The colour at a point of the surface.
  Triple colour(const Point& p) const;
};

/// The camera's zoom ends at exp(8) or exp(-8), after 2000 frames or more: further off, coordinates
/// would leave the range of the textures' grid.
inline constexpr double kMostZoom = 8;

/// What the camera does and how the light changes.
struct Camera {
  Point pan;        // units per frame
  double zoom = 0;  // logarithm of the scale per frame
  double swing = 0;
  double roll = 0;
  double pace = 0.05;
  double light_depth = 0;
  double light_pace = 0.1;
  double light_phase = 0;

  /// The motion of what is `nearness` near.
  Motion motion(int t, double nearness) const {
    return {{nearness * (pan.x * t + swing * std::sin(pace * t)),
             nearness * (pan.y * t + 0.4 * swing * std::sin(1.3 * pace * t))},
            roll * std::sin(pace * t),
            std::exp(std::clamp(zoom * t, -kMostZoom, kMostZoom))};
  }
  double light(int t) const { return 1 + light_depth * std::sin(light_pace * t + light_phase); }
};

struct Scene {
  std::vector<Layer> layers;  // from the back to the front
  Camera camera;
};

/// A landscape with objects in front.
Scene draw_scene(std::uint64_t seed);

}  // namespace afterglow::synth
