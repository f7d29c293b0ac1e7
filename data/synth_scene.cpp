#include "data/synth_scene.hpp"

#include <algorithm>
#include <numbers>

#include "base/random.hpp"

namespace afterglow::synth {
namespace {

/// Random numbers on a grid, 0..1, smoothly interpolated: one octave of value noise.
double noise(const Point& p, std::uint64_t seed) {
  const double fx = std::floor(p.x);
  const double fy = std::floor(p.y);
  const auto corner = [&](int i, int j) {
    std::uint64_t h = seed + static_cast<std::uint64_t>(static_cast<std::int64_t>(fx) + i) *
                                 0x9E3779B97F4A7C15ULL;
    h ^= static_cast<std::uint64_t>(static_cast<std::int64_t>(fy) + j) * 0xC2B2AE3D27D4EB4FULL;
    h = (h ^ h >> 29) * 0xBF58476D1CE4E5B9ULL;
    h = (h ^ h >> 32) * 0x94D049BB133111EBULL;
    return static_cast<double>(h >> 40) * 0x1p-24;
  };
  const auto smooth = [](double t) { return t * t * (3 - 2 * t); };
  const double x = smooth(p.x - fx);
  const double y = smooth(p.y - fy);
  const double above = corner(0, 0) + x * (corner(1, 0) - corner(0, 0));
  const double below = corner(0, 1) + x * (corner(1, 1) - corner(0, 1));
  return above + y * (below - above);
}

/// Several octaves, each finer by two and weaker by `rough`; about 0..1 around one half.
double fractal(Point p, int octaves, double rough, std::uint64_t seed) {
  double sum = 0;
  double weight = 1;
  double total = 0;
  for (int i = 0; i < octaves; ++i) {
    sum += weight * noise(p, seed + static_cast<std::uint64_t>(i));
    total += weight;
    weight *= rough;
    p = {2 * p.x, 2 * p.y};
  }
  return 0.5 + 1.5 * (sum / total - 0.5);
}

// Skies are smooth and pale towards the horizon; foliage is dark green in the shade and yellowish
// in the light; soil, stone, skin and fabric run as they do in photographs.
constexpr Material kSky{
    {{{70, 115, 185}, {115, 160, 215}, {180, 205, 230}, {240, 242, 244}}}, 1.5, 4, 0.5, 0.5};
constexpr Material kForest{
    {{{12, 26, 14}, {34, 62, 26}, {72, 104, 42}, {138, 156, 78}}}, 9, 4, 0.7, 1.2};
constexpr Material kMeadow{
    {{{38, 62, 20}, {82, 112, 40}, {128, 146, 62}, {188, 186, 104}}}, 6, 4, 0.6, 0.8};
constexpr Material kSoil{
    {{{44, 28, 18}, {98, 70, 46}, {152, 118, 82}, {206, 176, 136}}}, 7, 4, 0.6, 0.8};
constexpr Material kSand{
    {{{120, 96, 66}, {172, 144, 104}, {212, 186, 146}, {240, 222, 190}}}, 10, 3, 0.6, 0.5};
constexpr Material kStone{
    {{{38, 38, 42}, {84, 84, 88}, {138, 136, 134}, {204, 200, 192}}}, 5, 4, 0.7, 1.0};
constexpr Material kSkin{
    {{{86, 46, 34}, {156, 100, 76}, {212, 160, 130}, {242, 206, 180}}}, 1.5, 2, 0.4, 0.35};
constexpr Material kRedFabric{
    {{{62, 8, 12}, {132, 22, 26}, {186, 52, 46}, {226, 120, 100}}}, 3, 2, 0.5, 0.6};
constexpr Material kBlueFabric{
    {{{10, 18, 52}, {26, 46, 108}, {58, 88, 158}, {124, 152, 204}}}, 3, 2, 0.5, 0.6};
constexpr Material kStraw{
    {{{112, 84, 14}, {178, 142, 34}, {224, 192, 76}, {248, 230, 150}}}, 12, 3, 0.7, 0.7};

constexpr std::array kDistant = {&kForest, &kStone, &kMeadow};
constexpr std::array kGround = {&kMeadow, &kSoil, &kSand};
constexpr std::array kObjects = {&kRedFabric, &kBlueFabric, &kStraw, &kSkin, &kForest, &kStone};

Triple colour_at(const Material& material, double shade) {
  const double place = std::clamp(shade, 0.0, 1.0) * 3;
  const auto i = std::min<std::size_t>(2, static_cast<std::size_t>(place));
  Triple colour{};
  for (std::size_t c = 0; c < 3; ++c) {
    const double from = material.colours[i][c];
    colour[c] = from + (place - static_cast<double>(i)) * (material.colours[i + 1][c] - from);
  }
  return colour;
}

}  // namespace

double Layer::distance(const Point& p) const {
  switch (form) {
    case Form::kEverywhere:
      return -1;
    case Form::kBelowHorizon:
      return size.y + size.x * (fractal({1.3 * p.x + 40, 0.5}, 3, 0.45, seed + 90) - 0.5) - p.y;
    case Form::kEllipse: {
      const double radius = std::hypot(p.x / size.x, p.y / size.y);
      return (radius - 1) * std::min(size.x, size.y);
    }
    case Form::kBox: {
      const double corner = 0.25 * std::min(size.x, size.y);
      const double x = std::abs(p.x) - size.x + corner;
      const double y = std::abs(p.y) - size.y + corner;
      return std::hypot(std::max(x, 0.0), std::max(y, 0.0)) + std::min(std::max(x, y), 0.0) -
             corner;
    }
    case Form::kBlob:
      return std::hypot(p.x, p.y) - size.x * (1 + 0.22 * std::cos(lobes * std::atan2(p.y, p.x)));
  }
  return 1;
}

Motion Layer::motion(int t) const {
  return {{start.x + speed.x * t + sway * std::sin(pace * t),
           start.y + speed.y * t + 0.5 * sway * std::cos(pace * t)},
          angle + spin * t,
          1};
}

Triple Layer::colour(const Point& p) const {
  const double grain = material->grain;
  const double texture =
      fractal({grain * p.x + 100, grain * p.y + 100}, material->octaves, material->rough, seed);
  double value = shade + material->contrast * (texture - 0.5);
  switch (form) {
    case Form::kEverywhere:
    case Form::kBelowHorizon:
      value += gradient * p.y;
      break;
    case Form::kEllipse:
    case Form::kBox:
    case Form::kBlob:
      value -= gradient * (p.x + p.y) / (size.x + size.y);  // lit from the upper left
      break;
  }
  if (stripes > 0) value += 0.16 * std::sin(2 * std::numbers::pi * stripes * p.x);
  return colour_at(*material, value);
}

namespace {

template <std::size_t N>
const Material* pick(const std::array<const Material*, N>& materials, Rng& rng) {
  return materials[rng.below(N)];
}

Layer landscape(const Material* material, double height, double relief, double nearness, Rng& rng) {
  Layer layer;
  layer.form = Form::kBelowHorizon;
  layer.material = material;
  layer.seed = rng.next();
  layer.size = {relief, height};
  layer.shade = rng.uniform(0.35, 0.6);
  layer.gradient = rng.uniform(0.0, 0.25);
  layer.nearness = nearness;
  return layer;
}

Layer object(Rng& rng) {
  constexpr std::array kForms = {Form::kEllipse, Form::kBox, Form::kBlob};
  Layer layer;
  layer.form = kForms[rng.below(kForms.size())];
  layer.material = pick(kObjects, rng);
  layer.seed = rng.next();
  layer.size = {rng.uniform(0.14, 0.36), rng.uniform(0.14, 0.36)};
  layer.shade = rng.uniform(0.4, 0.65);
  layer.gradient = rng.uniform(0.2, 0.5);
  layer.stripes = rng.uniform() < 0.3 ? rng.uniform(4, 9) : 0;
  layer.lobes = 3 + static_cast<int>(rng.below(4));
  layer.start = {rng.uniform(-0.8, 0.8), rng.uniform(-0.4, 0.7)};
  layer.speed = {rng.uniform(-0.012, 0.012), rng.uniform(-0.004, 0.004)};
  layer.sway = rng.uniform(0.0, 0.12);
  layer.pace = rng.uniform(0.05, 0.16);
  layer.angle = rng.uniform(-0.6, 0.6);
  layer.spin = rng.uniform(-0.02, 0.02);
  layer.nearness = rng.uniform(0.9, 1.4);
  return layer;
}

}  // namespace

Scene draw_scene(std::uint64_t seed) {
  Rng rng(seed);
  Scene scene;
  Layer sky;
  sky.material = &kSky;
  sky.seed = rng.next();
  sky.shade = rng.uniform(0.4, 0.65);
  sky.gradient = rng.uniform(0.15, 0.35);
  sky.nearness = 0.2;
  scene.layers.push_back(sky);
  const double horizon = rng.uniform(-0.35, 0.05);
  const double relief = rng.uniform(0.3, 0.8);
  const Material* const distant = pick(kDistant, rng);
  scene.layers.push_back(landscape(distant, horizon, relief, 0.45, rng));
  const double ground_height = horizon + rng.uniform(0.25, 0.5);
  const Material* const ground = pick(kGround, rng);
  scene.layers.push_back(landscape(ground, ground_height, 0.25, 0.8, rng));
  const std::uint64_t objects = 3 + rng.below(4);
  for (std::uint64_t i = 0; i < objects; ++i) scene.layers.push_back(object(rng));
  Camera& camera = scene.camera;
  camera.pan = {rng.uniform(-0.008, 0.008), rng.uniform(-0.002, 0.002)};
  camera.zoom = rng.uniform(-0.003, 0.004);
  camera.swing = rng.uniform(0.0, 0.06);
  camera.roll = rng.uniform(-0.03, 0.03);
  camera.pace = rng.uniform(0.04, 0.12);
  camera.light_depth = rng.uniform(0.04, 0.25);
  camera.light_pace = rng.uniform(0.05, 0.2);
  camera.light_phase = rng.uniform(0, 2 * std::numbers::pi);
  return scene;
}

}  // namespace afterglow::synth
