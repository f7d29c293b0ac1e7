#include "data/synth.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <utility>
#include <vector>

#include "data/colour.hpp"
#include "data/synth_scene.hpp"

namespace afterglow {
namespace {

double luma_at(const Picture& picture, int x, int y) {
  const auto i = static_cast<std::size_t>(3 * (y * picture.width + x));
  return luma(picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]);
}

double bilinear_luma(const Picture& picture, double x, double y) {
  const int left = static_cast<int>(std::floor(x));
  const int top = static_cast<int>(std::floor(y));
  const double u = x - left;
  const double v = y - top;
  return (1 - v) * ((1 - u) * luma_at(picture, left, top) + u * luma_at(picture, left + 1, top)) +
         v * ((1 - u) * luma_at(picture, left, top + 1) + u * luma_at(picture, left + 1, top + 1));
}

/// Mean absolute luma difference of `now` and of `next` fetched along `share` of the flow, over
/// pixels whose goal is in the picture; the change of light between them is divided out.
double error_along(const Picture& now, const Picture& next, const Flow& flow, double share) {
  std::vector<std::pair<double, double>> values;
  double now_sum = 0;
  double next_sum = 0;
  for (int y = 0; y < now.height; ++y) {
    for (int x = 0; x < now.width; ++x) {
      const auto i = static_cast<std::size_t>(2 * (y * now.width + x));
      const double u = x + share * double{flow.uv[i]};
      const double v = y + share * double{flow.uv[i + 1]};
      if (u < 0 || v < 0 || u >= now.width - 1 || v >= now.height - 1) continue;
      values.emplace_back(luma_at(now, x, y), bilinear_luma(next, u, v));
      now_sum += values.back().first;
      next_sum += values.back().second;
    }
  }
  double sum = 0;
  for (const auto& [here, there] : values) sum += std::abs(here - there * now_sum / next_sum);
  return sum / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("a clip is a function of seed and options") {
  const SynthOptions options{6, 128, false};
  const Picture picture = SynthClip(3, options).frame(4);
  CHECK(picture.width == 128);
  CHECK(picture.height == 128);
  CHECK(SynthClip(3, options).frame(4) == picture);
  CHECK(SynthClip(4, options).frame(4) != picture);
  CHECK(SynthClip(3, options).frame(5) != picture);
}

TEST_CASE("the camera of an endless clip stops zooming") {
  constexpr int kUnbounded = 2000;  // frames
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const synth::Camera camera = synth::draw_scene(seed).camera;
    CHECK(camera.motion(kUnbounded, 1).scale == std::exp(camera.zoom * kUnbounded));
    const double scale = camera.motion(100000, 1).scale;
    CHECK(std::abs(std::log(scale)) <= Approx(synth::kMostZoom));
    CHECK(camera.motion(99999, 1).scale == scale);
  }
}

TEST_CASE("the flow leads from each frame to the next") {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6}) {
    CAPTURE(seed);
    const SynthClip clip(seed, {12, 160, false});
    double along = 0;
    double still = 0;
    double half = 0;
    for (int t = 2; t < 10; t += 3) {
      const Picture now = clip.frame(t);
      const Picture next = clip.frame(t + 1);
      const Flow flow = clip.flow(t);
      REQUIRE(flow.width == 160);
      REQUIRE(flow.height == 160);
      along += error_along(now, next, flow, 1);
      half += error_along(now, next, flow, 0.5);
      still += error_along(now, next, flow, 0);
    }
    // What is left along the flow: occlusion, interpolation, light that clips.
    CHECK(along < 0.6 * still);
    CHECK(along < 0.9 * half);
    CHECK(along / 3 < 2.0);
  }
}

TEST_CASE("a cut changes the scene, and no flow leads over it") {
  const SynthClip clip(9, {20, 128, true});
  REQUIRE(clip.cuts().size() == 1);
  const int cut = clip.cuts()[0];
  CHECK(cut > 0);
  CHECK(cut < 20);
  for (int t = 0; t < 19; ++t) {
    const Flow flow = clip.flow(t);
    const bool unknown = std::all_of(flow.uv.begin(), flow.uv.end(),
                                     [](float value) { return value == kUnknownFlow; });
    const bool known = std::all_of(flow.uv.begin(), flow.uv.end(),
                                   [](float value) { return std::abs(value) < 100; });
    CHECK(unknown == (t == cut - 1));
    CHECK(known == (t != cut - 1));
  }
  CHECK(SynthClip(9, {3, 128, true}).cuts().empty());
  CHECK(SynthClip(9, {20, 128, false}).cuts().empty());
}

TEST_CASE("clips are colourful and bright enough to learn from") {
  for (const std::uint64_t seed : {11, 12, 13}) {
    CAPTURE(seed);
    const Picture picture = SynthClip(seed, {1, 128, false}).frame(0);
    double chroma = 0;
    double brightness = 0;
    for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
      const Triple lab = rgb_to_lab(picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]);
      chroma += std::hypot(lab[1], lab[2]);
      brightness += lab[0];
    }
    const double pixels = static_cast<double>(picture.rgb.size()) / 3;
    CHECK(chroma / pixels > 10);
    CHECK(brightness / pixels > 25);
    CHECK(brightness / pixels < 85);
  }
}

}  // namespace afterglow
