#include "data/simulated_colorizer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
#include "base/sha256.hpp"
#include "data/colour.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

struct Range {
  double low;
  double high;
  double draw(Rng& rng) const { return rng.uniform(low, high); }
};

std::ostream& operator<<(std::ostream& stream, const Range& range) {
  return stream << range.low << ' ' << range.high;
}

// The stated parameters. Chroma is Cb, Cr of full-range BT.601, -128..128, a unit of which is about
// one of CIE a, b: mean |ab| / mean |CbCr| of films is 0.8 to 1.2. Lengths are in pixels of the
// working picture, which has a kShrink-th of the frame's sides.
constexpr int kVersion = 2;
constexpr int kShrink = 4;
constexpr Range kBleeding{0.5, 2.0};       // sigma of the blur
constexpr Range kRegions{3, 8};            // how many, the end excluded
constexpr double kAcross = 0.4;            // errors across the blue-orange axis, as a share
constexpr Range kRegionMemory{0.8, 0.96};  // rho of AR(1)
constexpr Range kPatches{3, 8};            // a side, the end excluded
constexpr Range kPatchMemory{0.6, 0.93};
constexpr double kDriftMemory = 0.98;
constexpr Range kFast{0.2, 1.5};  // from frame to frame, of the whole picture
constexpr double kGainMemory = 0.8;
constexpr double kLeaking = 0.6;   // the share of regions that leak
constexpr double kStrongest = 90;  // chroma comes no further from gray
constexpr double kBlack = 8.0;     // no colour below this luma nor above 255 minus it,
constexpr double kFade = 16.0;     // all of it from this much further inside

/// What differs from kind to kind.
struct KindParameters {
  Range gain;                    // of the film
  double gain_flicker;           // sd of its logarithm over time
  double turn;                   // sd of a region's turn of hue, degrees
  double region_gain;            // sd of the logarithm of a region's gain
  double region_gain_flicker;    // its sd over time
  double region_offset;          // sd of a region's offset along blue-orange
  double region_offset_flicker;  // its sd over time
  double leak;                   // sd of the part towards orange of a region's offset
  Range patch_flicker;           // sd over time
  Range drift;                   // slow, of the whole picture: sd over time
};

constexpr KindParameters kMutedParameters{{0.35, 0.85}, 0.08, 20, 0.2,        0.12,
                                          5.2,          2.6,  0,  {1.3, 5.2}, {1, 4}};
constexpr KindParameters kVividParameters{{0.8, 1.8}, 0.12, 30, 0.35,       0.25,
                                          11.7,       6.5,  10, {2.6, 9.1}, {1, 5}};

const KindParameters& parameters_of(SimulatedKind kind) {
  return kind == SimulatedKind::kMuted ? kMutedParameters : kVividParameters;
}

std::string statement(SimulatedKind kind) {
  const KindParameters& of_kind = parameters_of(kind);
  std::ostringstream text;
  text << SimulatedColorizer::name(kind) << " shrink " << kShrink << " bleeding " << kBleeding
       << " regions " << kRegions << " turn " << of_kind.turn << " gain " << of_kind.region_gain
       << ' ' << of_kind.region_gain_flicker << " offset " << of_kind.region_offset << ' '
       << kAcross << ' ' << of_kind.region_offset_flicker << " leak " << of_kind.leak << ' '
       << kLeaking << " memory " << kRegionMemory << " patches " << kPatches << ' '
       << of_kind.patch_flicker << ' ' << kPatchMemory << " drift " << of_kind.drift << ' '
       << kDriftMemory << " fast " << kFast << " film " << of_kind.gain << ' '
       << of_kind.gain_flicker << ' ' << kGainMemory << " strongest " << kStrongest << " black "
       << kBlack << ' ' << kFade;
  return text.str();
}

struct Chroma {
  float cb = 0;
  float cr = 0;
};

/// A chroma error: mostly along blue-orange (Cb up and Cr down, or the reverse).
Chroma along_blue_orange(double along, double across) {
  const double half = std::numbers::sqrt2 / 2;
  return {float(half * (along + kAcross * across)), float(half * (kAcross * across - along))};
}

/// Numbers that wander: AR(1) noise of unit variance.
class Wander {
 public:
  Wander(std::size_t count, double rho, Rng& rng) : rho_(rho), values_(count) {
    for (double& value : values_) value = rng.normal();
  }

  void step(Rng& rng) {
    const double fresh = std::sqrt(1 - rho_ * rho_);
    for (double& value : values_) value = rho_ * value + fresh * rng.normal();
  }

  double operator[](std::size_t i) const { return values_[i]; }

 private:
  double rho_;
  std::vector<double> values_;
};

using Plane = std::vector<float>;  // (height, width)

/// One direction of a Gaussian blur, of `lines` lines of `length` samples; the border is repeated.
Plane blur_lines(const Plane& src, int lines, int length, int to_line, int to_sample,
                 const std::vector<float>& weights) {
  const auto reach = int(weights.size() / 2);
  Plane dst(src.size());
  std::vector<float> line(std::size_t(length + 2 * reach));
  for (int l = 0; l < lines; ++l) {
    for (int i = -reach; i < length + reach; ++i) {
      line[std::size_t(i + reach)] =
          src[std::size_t(l * to_line + std::clamp(i, 0, length - 1) * to_sample)];
    }
    for (int i = 0; i < length; ++i) {
      float sum = 0;
      for (std::size_t k = 0; k < weights.size(); ++k) sum += weights[k] * line[std::size_t(i) + k];
      dst[std::size_t(l * to_line + i * to_sample)] = sum;
    }
  }
  return dst;
}

Plane blur(const Plane& src, int width, int height, double sigma) {
  const int reach = int(std::ceil(2.5 * sigma));
  std::vector<float> weights;
  double sum = 0;
  for (int i = -reach; i <= reach; ++i) {
    weights.push_back(float(std::exp(-0.5 * i * i / (sigma * sigma))));
    sum += double{weights.back()};
  }
  for (float& weight : weights) weight = float(double{weight} / sum);
  return blur_lines(blur_lines(src, height, width, width, 1, weights), width, height, 1, width,
                    weights);
}

/// What tells regions apart: luma, texture, chroma and height in the picture, in comparable units.
using Feature = std::array<float, 5>;

/// A quarter of a frame: its chroma, blurred, and each pixel's feature.
struct Field {
  int width = 0;
  int height = 0;
  std::vector<Chroma> chroma;
  std::vector<Feature> features;
};

Field working_picture(const Picture& picture, double bleeding) {
  const Picture small = resize_area(picture, std::max(1, picture.width / kShrink),
                                    std::max(1, picture.height / kShrink));
  const std::size_t pixels = small.rgb.size() / 3;
  Plane brightness(pixels), squares(pixels), cb(pixels), cr(pixels);
  const YCbCrCoding coding{Matrix::kBt601, true, 8};
  for (std::size_t i = 0; i < pixels; ++i) {
    const std::uint8_t* rgb = &small.rgb[3 * i];
    const Triple ycbcr = rgb_to_ycbcr({double(rgb[0]), double(rgb[1]), double(rgb[2])}, coding);
    brightness[i] = float(ycbcr[0]);
    squares[i] = brightness[i] * brightness[i];
    cb[i] = float(ycbcr[1] - 128);
    cr[i] = float(ycbcr[2] - 128);
  }
  const auto blurred = [&small](const Plane& plane, double sigma) {
    return blur(plane, small.width, small.height, sigma);
  };
  const Plane smooth = blurred(brightness, 1), mean = blurred(brightness, 2);
  const Plane mean_square = blurred(squares, 2);
  cb = blurred(cb, bleeding);
  cr = blurred(cr, bleeding);
  Field field{small.width, small.height, {}, {}};
  for (std::size_t i = 0; i < pixels; ++i) {
    const float texture = std::sqrt(std::max(0.0F, mean_square[i] - mean[i] * mean[i]));
    const std::size_t row = i / std::size_t(small.width);
    const float height = 2 * (float(row) + 0.5F) / float(small.height) - 1;
    field.chroma.push_back({cb[i], cr[i]});
    field.features.push_back({smooth[i] / 45, texture / 15, cb[i] / 14, cr[i] / 14, 1.2F * height});
  }
  return field;
}

struct Region {
  Feature centre{};
  double turn = 0;  // radians
  double log_gain = 0;
  Chroma offset;
};

Region draw_region(const KindParameters& of_kind, const Field& field, Rng& rng) {
  Region region;
  region.centre = field.features[rng.below(field.features.size())];
  region.turn = of_kind.turn * rng.normal() * std::numbers::pi / 180;
  region.log_gain = of_kind.region_gain * rng.normal();
  const double along = of_kind.region_offset * rng.normal();
  const double across = of_kind.region_offset * rng.normal();
  const double orange = of_kind.leak * std::abs(rng.normal());
  region.offset = along_blue_orange(rng.uniform() < kLeaking ? along - orange : along, across);
  return region;
}

/// A region's linear map of chroma in one frame.
struct Map {
  float cosine;  // times gain
  float sine;
  Chroma offset;
};

/// Where a coordinate of a fine grid falls between two samples of a coarse one.
struct Between {
  std::size_t low;
  std::size_t high;
  float share;  // of high
};

Between between(int at, int fine, int coarse) {
  const double place = std::clamp((at + 0.5) * coarse / fine - 0.5, 0.0, coarse - 1.0);
  const int low = int(place);
  return {std::size_t(low), std::size_t(std::min(low + 1, coarse - 1)), float(place - low)};
}

Chroma mixed(const Chroma& low, const Chroma& high, float share) {
  return {low.cb + share * (high.cb - low.cb), low.cr + share * (high.cr - low.cr)};
}

/// Bilinear; calls sink(i, chroma) for every pixel of the fine grid, row by row.
template <typename Sink>
void enlarge(const std::vector<Chroma>& coarse, int coarse_width, int coarse_height, int width,
             int height, const Sink& sink) {
  std::vector<Between> columns;
  for (int x = 0; x < width; ++x) columns.push_back(between(x, width, coarse_width));
  const auto pitch = std::size_t(coarse_width);
  std::vector<Chroma> row(pitch);
  std::size_t i = 0;
  for (int y = 0; y < height; ++y) {
    const Between rows = between(y, height, coarse_height);
    for (std::size_t u = 0; u < pitch; ++u) {
      row[u] = mixed(coarse[rows.low * pitch + u], coarse[rows.high * pitch + u], rows.share);
    }
    for (const Between& x : columns) sink(i++, mixed(row[x.low], row[x.high], x.share));
  }
}

/// RGB of a luma and a chroma that is drawn in as far as RGB needs; luma stays.
void store(double brightness, const Chroma& chroma, std::uint8_t* rgb) {
  // BT.601, as ycbcr_to_rgb() has it, here once a pixel of the frame.
  const double red = 1.402 * double{chroma.cr};
  const double blue = 1.772 * double{chroma.cb};
  const std::array<double, 3> away = {red, -(0.299 * red + 0.114 * blue) / 0.587, blue};
  double share = 1;
  for (const double step : away) {
    if (brightness + share * step > 255) share = (255 - brightness) / step;
    if (brightness + share * step < 0) share = -brightness / step;
  }
  // Within 0..255 by now: rounding needs no clamp, and this is done thrice a pixel.
  const double half_up = brightness + 0.5;
  for (std::size_t c = 0; c < 3; ++c) rgb[c] = std::uint8_t(half_up + share * away[c]);
}

std::size_t draw_count(const Range& range, Rng& rng) {
  return static_cast<std::size_t>(std::floor(range.draw(rng)));
}

}  // namespace

struct SimulatedColorizer::State {
  State(std::uint64_t seed, const KindParameters& parameters)
      : of_kind(parameters),
        rng(seed),
        bleeding(kBleeding.draw(rng)),
        regions(draw_count(kRegions, rng)),
        patch_side(static_cast<int>(draw_count(kPatches, rng))),
        patch_flicker(of_kind.patch_flicker.draw(rng)),
        drift(of_kind.drift.draw(rng)),
        fast(kFast.draw(rng)),
        gain(of_kind.gain.draw(rng)),
        region_wander(3 * regions.size(), kRegionMemory.draw(rng), rng),
        patch_wander(static_cast<std::size_t>(2 * patch_side * patch_side), kPatchMemory.draw(rng),
                     rng),
        drift_wander(2, kDriftMemory, rng),
        fast_wander(2, 0, rng),
        gain_wander(1, kGainMemory, rng) {}

  void step() {
    for (Wander* wander :
         {&region_wander, &patch_wander, &drift_wander, &fast_wander, &gain_wander}) {
      wander->step(rng);
    }
  }

  std::vector<Map> region_maps() const;
  std::vector<Chroma> colour(const Field& field) const;

  const KindParameters& of_kind;
  Rng rng;
  double bleeding;
  std::vector<Region> regions;  // drawn with the first frame
  int patch_side;
  double patch_flicker;
  double drift;
  double fast;
  double gain;
  Wander region_wander;
  Wander patch_wander;
  Wander drift_wander;
  Wander fast_wander;
  Wander gain_wander;
  int width = 0;  // of the frames; 0 before the first
  int height = 0;
};

std::vector<Map> SimulatedColorizer::State::region_maps() const {
  std::vector<Map> maps;
  for (std::size_t k = 0; k < regions.size(); ++k) {
    const Region& region = regions[k];
    const double strength =
        std::exp(region.log_gain + of_kind.region_gain_flicker * region_wander[3 * k]);
    const Chroma flicker =
        along_blue_orange(of_kind.region_offset_flicker * region_wander[3 * k + 1],
                          of_kind.region_offset_flicker * region_wander[3 * k + 2]);
    maps.push_back({float(strength * std::cos(region.turn)),
                    float(strength * std::sin(region.turn)),
                    {region.offset.cb + flicker.cb, region.offset.cr + flicker.cr}});
  }
  return maps;
}

std::vector<Chroma> SimulatedColorizer::State::colour(const Field& field) const {
  const std::vector<Map> maps = region_maps();
  const Chroma whole{float(drift * drift_wander[0] + fast * fast_wander[0]),
                     float(drift * drift_wander[1] + fast * fast_wander[1])};
  const auto strength = float(gain * std::exp(of_kind.gain_flicker * gain_wander[0]));
  std::vector<Chroma> patches;
  for (std::size_t i = 0; i < static_cast<std::size_t>(patch_side * patch_side); ++i) {
    patches.push_back(along_blue_orange(patch_flicker * patch_wander[2 * i],
                                        patch_flicker * patch_wander[2 * i + 1]));
  }
  std::vector<Chroma> result(field.chroma.size());
  enlarge(patches, patch_side, patch_side, field.width, field.height,
          [&](std::size_t i, const Chroma& patch) {
            const Chroma& bled = field.chroma[i];
            const Feature& here = field.features[i];
            Chroma sum;
            float total = 0;
            for (std::size_t k = 0; k < maps.size(); ++k) {
              float distance = 0;
              for (std::size_t j = 0; j < here.size(); ++j) {
                const float step = here[j] - regions[k].centre[j];
                distance += step * step;
              }
              const float weight =
                  std::exp(-1.5F * distance) + 1e-9F;  // far from all regions: their mean
              const Map& map = maps[k];
              sum.cb += weight * (map.cosine * bled.cb - map.sine * bled.cr + map.offset.cb);
              sum.cr += weight * (map.sine * bled.cb + map.cosine * bled.cr + map.offset.cr);
              total += weight;
            }
            const float cb = strength * (sum.cb / total + patch.cb + whole.cb);
            const float cr = strength * (sum.cr / total + patch.cr + whole.cr);
            constexpr auto kLimit = float(kStrongest);
            const float size = std::sqrt(cb * cb + cr * cr);
            const float share = size > 0 ? kLimit * std::tanh(size / kLimit) / size : 0;
            result[i] = {share * cb, share * cr};
          });
  return result;
}

std::string simulated_kind_name(SimulatedKind kind) {
  return kind == SimulatedKind::kMuted ? "muted" : "vivid";
}

SimulatedKind parse_simulated_kind(const std::string& text, const std::string& subject) {
  for (const SimulatedKind kind : {SimulatedKind::kMuted, SimulatedKind::kVivid}) {
    if (text == simulated_kind_name(kind)) return kind;
  }
  throw InputError(subject, "'" + text + "' is no kind of simulated colorizer",
                   "use muted or vivid");
}

SimulatedColorizer::SimulatedColorizer(std::uint64_t seed, SimulatedKind kind)
    : state_(std::make_unique<State>(seed, parameters_of(kind))) {}
SimulatedColorizer::~SimulatedColorizer() = default;
SimulatedColorizer::SimulatedColorizer(SimulatedColorizer&&) noexcept = default;
SimulatedColorizer& SimulatedColorizer::operator=(SimulatedColorizer&&) noexcept = default;

Picture SimulatedColorizer::colorize(const Picture& truth) {
  State& state = *state_;
  if (state.width != 0 && (truth.width != state.width || truth.height != state.height)) {
    throw ShapeError("a frame of " + size_text(truth.width, truth.height) + " in a film of " +
                     size_text(state.width, state.height));
  }
  const Field field = working_picture(truth, state.bleeding);
  if (state.width == 0) {
    state.width = truth.width;
    state.height = truth.height;
    for (Region& region : state.regions) region = draw_region(state.of_kind, field, state.rng);
  }
  const std::vector<Chroma> chroma = state.colour(field);
  state.step();
  Picture result(truth.width, truth.height);
  enlarge(chroma, field.width, field.height, truth.width, truth.height,
          [&](std::size_t i, const Chroma& here) {
            const std::uint8_t* rgb = &truth.rgb[3 * i];
            const double brightness = luma(rgb[0], rgb[1], rgb[2]);
            const auto light = float(
                std::clamp((std::min(brightness, 255 - brightness) - kBlack) / kFade, 0.0, 1.0));
            store(brightness, {light * here.cb, light * here.cr}, &result.rgb[3 * i]);
          });
  return result;
}

std::string SimulatedColorizer::name(SimulatedKind kind) {
  return "simulated " + std::to_string(kVersion) + ' ' + simulated_kind_name(kind);
}

std::string SimulatedColorizer::sha256(SimulatedKind kind) {
  return afterglow::sha256(statement(kind));
}

}  // namespace afterglow
