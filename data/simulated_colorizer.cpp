#include "data/simulated_colorizer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
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

// The stated parameters. Chroma is Cb, Cr of full-range BT.601, -128..128; lengths are in pixels of
// the working picture, which has a kShrink-th of the frame's sides.
constexpr int kVersion = 1;
constexpr int kShrink = 4;
constexpr Range kBleeding{1.0, 2.0};         // sigma of the blur
constexpr Range kRegions{3, 8};              // how many, the end excluded
constexpr double kTurn = 20.0;               // sd of a region's turn of hue, degrees
constexpr double kRegionGain = 0.2;          // sd of the logarithm of a region's gain
constexpr double kRegionOffset = 4.0;        // sd of its offset along blue-orange
constexpr double kAcross = 0.4;              // offsets across that axis, as a share
constexpr double kRegionGainFlicker = 0.12;  // sd over time
constexpr double kRegionOffsetFlicker = 3.0;
constexpr Range kRegionMemory{0.8, 0.96};  // rho of AR(1)
constexpr Range kPatches{3, 8};            // a side, the end excluded
constexpr Range kPatchFlicker{2.0, 4.5};   // sd over time
constexpr Range kPatchMemory{0.6, 0.93};
constexpr Range kDrift{1.5, 4.0};  // slow, of the whole picture: sd over time
constexpr double kDriftMemory = 0.98;
constexpr Range kFast{0.8, 2.0};       // from frame to frame, of the whole picture
constexpr Range kGain{0.45, 0.85};     // desaturation
constexpr double kGainFlicker = 0.08;  // sd of its logarithm
constexpr double kGainMemory = 0.8;
constexpr double kBlack = 8.0;  // no colour below this luma nor above 255 minus it,
constexpr double kFade = 16.0;  // all of it from this much further inside

std::string statement() {
  std::ostringstream text;
  text << SimulatedColorizer::name() << " shrink " << kShrink << " bleeding " << kBleeding.low
       << ' ' << kBleeding.high << " regions " << kRegions.low << ' ' << kRegions.high << " turn "
       << kTurn << " gain " << kRegionGain << ' ' << kRegionGainFlicker << " offset "
       << kRegionOffset << ' ' << kAcross << ' ' << kRegionOffsetFlicker << " memory "
       << kRegionMemory.low << ' ' << kRegionMemory.high << " patches " << kPatches.low << ' '
       << kPatches.high << ' ' << kPatchFlicker.low << ' ' << kPatchFlicker.high << ' '
       << kPatchMemory.low << ' ' << kPatchMemory.high << " drift " << kDrift.low << ' '
       << kDrift.high << ' ' << kDriftMemory << " fast " << kFast.low << ' ' << kFast.high
       << " desaturation " << kGain.low << ' ' << kGain.high << ' ' << kGainFlicker << ' '
       << kGainMemory << " black " << kBlack << ' ' << kFade;
  return text.str();
}

struct Chroma {
  double cb = 0;
  double cr = 0;
};

/// A chroma error: mostly along blue-orange (Cb up and Cr down, or the reverse).
Chroma along_blue_orange(double along, double across) {
  const double half = std::numbers::sqrt2 / 2;
  return {half * (along + kAcross * across), half * (kAcross * across - along)};
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

/// What tells regions apart: luma, chroma and height in the picture, in comparable units.
using Feature = std::array<double, 4>;

Feature feature_of(double luma, const Chroma& chroma, double height) {
  return {luma / 45, chroma.cb / 14, chroma.cr / 14, 1.2 * height};
}

struct Region {
  Feature centre{};
  double turn = 0;  // radians
  double log_gain = 0;
  Chroma offset;
};

Region draw_region(Rng& rng) {
  Region region;
  const double height = rng.uniform(-1, 1);
  const double cb = 14 * rng.normal();
  const double cr = 14 * rng.normal();
  const double luma = rng.uniform(20, 235);
  region.centre = feature_of(luma, {cb, cr}, height);
  region.turn = kTurn * rng.normal() * std::numbers::pi / 180;
  region.log_gain = kRegionGain * rng.normal();
  const double along = kRegionOffset * rng.normal();
  region.offset = along_blue_orange(along, kRegionOffset * rng.normal());
  return region;
}

/// A region's linear map of chroma in one frame.
struct Map {
  double cosine;  // times gain
  double sine;
  Chroma offset;
};

/// A picture of chroma and luma.
struct Field {
  int width = 0;
  int height = 0;
  std::vector<double> luma;
  std::vector<Chroma> chroma;
};

Field working_picture(const Picture& picture) {
  const Picture small = resize_area(picture, std::max(1, picture.width / kShrink),
                                    std::max(1, picture.height / kShrink));
  Field field{small.width, small.height, {}, {}};
  const YCbCrCoding coding{Matrix::kBt601, true, 8};
  for (std::size_t i = 0; i < small.rgb.size(); i += 3) {
    const Triple ycbcr =
        rgb_to_ycbcr({static_cast<double>(small.rgb[i]), static_cast<double>(small.rgb[i + 1]),
                      static_cast<double>(small.rgb[i + 2])},
                     coding);
    field.luma.push_back(ycbcr[0]);
    field.chroma.push_back({ycbcr[1] - 128, ycbcr[2] - 128});
  }
  return field;
}

/// One direction of a Gaussian blur; the border is repeated.
std::vector<Chroma> blur(const std::vector<Chroma>& src, int width, int height, double sigma,
                         int step_x, int step_y) {
  const int reach = static_cast<int>(std::ceil(2.5 * sigma));
  std::vector<double> weights;
  double sum = 0;
  for (int i = -reach; i <= reach; ++i) {
    weights.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
    sum += weights.back();
  }
  std::vector<Chroma> dst(src.size());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Chroma& pixel = dst[static_cast<std::size_t>(y * width + x)];
      for (int i = -reach; i <= reach; ++i) {
        const int u = std::clamp(x + i * step_x, 0, width - 1);
        const int v = std::clamp(y + i * step_y, 0, height - 1);
        const Chroma& from = src[static_cast<std::size_t>(v * width + u)];
        const double weight = weights[static_cast<std::size_t>(i + reach)] / sum;
        pixel.cb += weight * from.cb;
        pixel.cr += weight * from.cr;
      }
    }
  }
  return dst;
}

/// Where a coordinate of a fine grid falls between two samples of a coarse one.
struct Between {
  int low;
  int high;
  double share;  // of high
};

Between between(int at, int fine, int coarse) {
  const double place = std::clamp((at + 0.5) * coarse / fine - 0.5, 0.0, coarse - 1.0);
  const int low = static_cast<int>(place);
  return {low, std::min(low + 1, coarse - 1), place - low};
}

template <typename Sample>
Chroma bilinear(const Between& x, const Between& y, const Sample& sample) {
  const auto row = [&](int v) {
    const Chroma a = sample(x.low, v);
    const Chroma b = sample(x.high, v);
    return Chroma{a.cb + x.share * (b.cb - a.cb), a.cr + x.share * (b.cr - a.cr)};
  };
  const Chroma a = row(y.low);
  const Chroma b = row(y.high);
  return {a.cb + y.share * (b.cb - a.cb), a.cr + y.share * (b.cr - a.cr)};
}

/// RGB of a luma and a chroma that is drawn in as far as RGB needs; luma stays.
void store(double luma, const Chroma& chroma, std::uint8_t* rgb) {
  const YCbCrCoding coding{Matrix::kBt601, true, 8};
  const Triple wanted = ycbcr_to_rgb({luma, 128 + chroma.cb, 128 + chroma.cr}, coding);
  double share = 1;
  for (const double value : wanted) {
    if (value > 255) share = std::min(share, (255 - luma) / (value - luma));
    if (value < 0) share = std::min(share, luma / (luma - value));
  }
  for (std::size_t c = 0; c < 3; ++c) rgb[c] = to_byte(luma + share * (wanted[c] - luma));
}

std::size_t draw_count(const Range& range, Rng& rng) {
  return static_cast<std::size_t>(std::floor(range.draw(rng)));
}

}  // namespace

struct SimulatedColorizer::State {
  explicit State(std::uint64_t seed)
      : rng(seed),
        bleeding(kBleeding.draw(rng)),
        regions(draw_count(kRegions, rng)),
        patch_side(static_cast<int>(draw_count(kPatches, rng))),
        patch_flicker(kPatchFlicker.draw(rng)),
        drift(kDrift.draw(rng)),
        fast(kFast.draw(rng)),
        gain(kGain.draw(rng)),
        region_wander(3 * regions.size(), kRegionMemory.draw(rng), rng),
        patch_wander(static_cast<std::size_t>(2 * patch_side * patch_side), kPatchMemory.draw(rng),
                     rng),
        drift_wander(2, kDriftMemory, rng),
        fast_wander(2, 0, rng),
        gain_wander(1, kGainMemory, rng) {
    for (Region& region : regions) region = draw_region(rng);
  }

  void step() {
    for (Wander* wander :
         {&region_wander, &patch_wander, &drift_wander, &fast_wander, &gain_wander}) {
      wander->step(rng);
    }
  }

  std::vector<Map> region_maps() const;
  std::vector<Chroma> colour(const Field& field) const;

  Rng rng;
  double bleeding;
  std::vector<Region> regions;
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
  int width = 0;
  int height = 0;
};

std::vector<Map> SimulatedColorizer::State::region_maps() const {
  std::vector<Map> maps;
  for (std::size_t k = 0; k < regions.size(); ++k) {
    const Region& region = regions[k];
    const double strength = std::exp(region.log_gain + kRegionGainFlicker * region_wander[3 * k]);
    const Chroma flicker = along_blue_orange(kRegionOffsetFlicker * region_wander[3 * k + 1],
                                             kRegionOffsetFlicker * region_wander[3 * k + 2]);
    maps.push_back({strength * std::cos(region.turn),
                    strength * std::sin(region.turn),
                    {region.offset.cb + flicker.cb, region.offset.cr + flicker.cr}});
  }
  return maps;
}

std::vector<Chroma> SimulatedColorizer::State::colour(const Field& field) const {
  const std::vector<Map> maps = region_maps();
  const Chroma whole = along_blue_orange(drift * drift_wander[0] + fast * fast_wander[0],
                                         drift * drift_wander[1] + fast * fast_wander[1]);
  const double strength = gain * std::exp(kGainFlicker * gain_wander[0]);
  const std::vector<Chroma> bled =
      blur(blur(field.chroma, field.width, field.height, bleeding, 1, 0), field.width, field.height,
           bleeding, 0, 1);
  std::vector<Chroma> result(bled.size());
  for (int y = 0; y < field.height; ++y) {
    for (int x = 0; x < field.width; ++x) {
      const auto i = static_cast<std::size_t>(y * field.width + x);
      const Feature here = feature_of(field.luma[i], bled[i], 2 * (y + 0.5) / field.height - 1);
      Chroma mapped;
      double total = 0;
      for (std::size_t k = 0; k < maps.size(); ++k) {
        double distance = 0;
        for (std::size_t j = 0; j < here.size(); ++j) {
          distance += (here[j] - regions[k].centre[j]) * (here[j] - regions[k].centre[j]);
        }
        const double weight = std::exp(-distance) + 1e-9;  // far from all regions: their mean
        const Map& map = maps[k];
        mapped.cb += weight * (map.cosine * bled[i].cb - map.sine * bled[i].cr + map.offset.cb);
        mapped.cr += weight * (map.sine * bled[i].cb + map.cosine * bled[i].cr + map.offset.cr);
        total += weight;
      }
      const Chroma patch =
          bilinear(between(x, field.width, patch_side), between(y, field.height, patch_side),
                   [&](int u, int v) {
                     const auto at = static_cast<std::size_t>(2 * (v * patch_side + u));
                     return along_blue_orange(patch_wander[at], patch_wander[at + 1]);
                   });
      result[i] = {strength * (mapped.cb / total + patch_flicker * patch.cb + whole.cb),
                   strength * (mapped.cr / total + patch_flicker * patch.cr + whole.cr)};
    }
  }
  return result;
}

SimulatedColorizer::SimulatedColorizer(std::uint64_t seed)
    : state_(std::make_unique<State>(seed)) {}
SimulatedColorizer::~SimulatedColorizer() = default;
SimulatedColorizer::SimulatedColorizer(SimulatedColorizer&&) noexcept = default;
SimulatedColorizer& SimulatedColorizer::operator=(SimulatedColorizer&&) noexcept = default;

Picture SimulatedColorizer::colorize(const Picture& truth) {
  if (state_->width == 0) {
    state_->width = truth.width;
    state_->height = truth.height;
  } else if (truth.width != state_->width || truth.height != state_->height) {
    throw ShapeError("a frame of " + size_text(truth.width, truth.height) + " in a film of " +
                     size_text(state_->width, state_->height));
  }
  const Field field = working_picture(truth);
  const std::vector<Chroma> chroma = state_->colour(field);
  state_->step();
  std::vector<Between> columns;
  for (int x = 0; x < truth.width; ++x) columns.push_back(between(x, truth.width, field.width));
  Picture result(truth.width, truth.height);
  for (int y = 0; y < truth.height; ++y) {
    const Between row = between(y, truth.height, field.height);
    for (int x = 0; x < truth.width; ++x) {
      const auto at = static_cast<std::size_t>(3 * (y * truth.width + x));
      const double brightness = luma(truth.rgb[at], truth.rgb[at + 1], truth.rgb[at + 2]);
      const double light =
          std::clamp((std::min(brightness, 255 - brightness) - kBlack) / kFade, 0.0, 1.0);
      const Chroma here = bilinear(columns[static_cast<std::size_t>(x)], row, [&](int u, int v) {
        return chroma[static_cast<std::size_t>(v * field.width + u)];
      });
      store(brightness, {light * here.cb, light * here.cr}, &result.rgb[at]);
    }
  }
  return result;
}

std::string SimulatedColorizer::name() { return "simulated " + std::to_string(kVersion); }

std::string SimulatedColorizer::sha256() { return afterglow::sha256(statement()); }

}  // namespace afterglow
