#include "data/simulated_colorizer.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "data/colour.hpp"
#include "data/synth.hpp"

namespace afterglow {
namespace {

// Each of R, G, B is rounded by at most one half, and so is their mean by the luma's weights.
constexpr double kRounding = 0.5 + 1e-9;

struct Chroma {
  double mean_cb = 0;
  double mean_cr = 0;
  double size = 0;  // mean distance from gray
};

Chroma chroma_of(const Picture& picture) {
  Chroma sum;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const Triple ycbcr = rgb_to_ycbcr(
        {double(picture.rgb[i]), double(picture.rgb[i + 1]), double(picture.rgb[i + 2])},
        {Matrix::kBt601, true, 8});
    sum.mean_cb += ycbcr[1] - 128;
    sum.mean_cr += ycbcr[2] - 128;
    sum.size += std::hypot(ycbcr[1] - 128, ycbcr[2] - 128);
  }
  const double pixels = static_cast<double>(picture.rgb.size()) / 3;
  return {sum.mean_cb / pixels, sum.mean_cr / pixels, sum.size / pixels};
}

/// How far a film's chroma (Cb, Cr) lies from the truth's.
struct ErrorStatistics {
  double ratio = 0;            // of mean chroma
  double still = 0;            // rms over pixels of the error's mean over time
  double moving = 0;           // rms over pixels of its sd over time
  double autocorrelation = 0;  // of the frames' mean errors, from one frame to the next
};

ErrorStatistics error_statistics(const std::vector<Picture>& truth, std::uint64_t seed,
                                 SimulatedKind kind) {
  SimulatedColorizer colorizer(seed, kind);
  const std::size_t values = truth[0].rgb.size() / 3 * 2;
  const auto frames = double(truth.size());
  std::vector<double> sums(values), squares(values);
  std::vector<std::array<double, 2>> means;
  double size = 0, true_size = 0;
  for (const Picture& frame : truth) {
    const Picture result = colorizer.colorize(frame);
    const Chroma now = chroma_of(result), wanted = chroma_of(frame);
    size += now.size;
    true_size += wanted.size;
    means.push_back({now.mean_cb - wanted.mean_cb, now.mean_cr - wanted.mean_cr});
    for (std::size_t i = 0; i < frame.rgb.size(); i += 3) {
      // Of equal luma: B - Y = 1.772 Cb, R - Y = 1.402 Cr.
      const std::array<double, 2> error = {(result.rgb[i + 2] - frame.rgb[i + 2]) / 1.772,
                                           (result.rgb[i] - frame.rgb[i]) / 1.402};
      for (std::size_t c = 0; c < 2; ++c) {
        sums[i / 3 * 2 + c] += error[c];
        squares[i / 3 * 2 + c] += error[c] * error[c];
      }
    }
  }
  ErrorStatistics result;
  result.ratio = size / true_size;
  for (std::size_t i = 0; i < values; ++i) {
    const double mean = sums[i] / frames;
    result.still += mean * mean / double(values);
    result.moving += (squares[i] / frames - mean * mean) / double(values);
  }
  result.still = std::sqrt(result.still);
  result.moving = std::sqrt(result.moving);
  double variance = 0, covariance = 0;
  for (std::size_t c = 0; c < 2; ++c) {
    double mean = 0;
    for (const auto& of_frame : means) mean += of_frame[c] / frames;
    for (std::size_t t = 0; t < means.size(); ++t) {
      variance += (means[t][c] - mean) * (means[t][c] - mean);
      if (t > 0) covariance += (means[t][c] - mean) * (means[t - 1][c] - mean);
    }
  }
  result.autocorrelation = covariance / variance;
  return result;
}

/// A clip of colours as weak as films' are.
std::vector<Picture> weakly_coloured_clip(std::uint64_t seed, int frames) {
  constexpr double kShare = 0.4;
  const SynthClip clip(seed, {frames, 128, false});
  std::vector<Picture> pictures;
  for (int t = 0; t < frames; ++t) {
    Picture picture = resize_area(clip.frame(t), 64, 64);
    const Picture gray = gray_picture(picture);
    for (std::size_t i = 0; i < picture.rgb.size(); ++i) {
      picture.rgb[i] = to_byte(kShare * picture.rgb[i] + (1 - kShare) * gray.rgb[i]);
    }
    pictures.push_back(picture);
  }
  return pictures;
}

}  // namespace

TEST_CASE("the simulated colorizer keeps luma") {
  const SynthClip clip(5, {3, 130, false});
  const SimulatedKind kind = GENERATE(SimulatedKind::kMuted, SimulatedKind::kVivid);
  SimulatedColorizer colorizer(1, kind);
  for (int t = 0; t < 3; ++t) {
    const Picture truth = clip.frame(t);
    const Picture result = colorizer.colorize(truth);
    double worst = 0;
    for (std::size_t i = 0; i < truth.rgb.size(); i += 3) {
      worst = std::max(worst, std::abs(luma(truth.rgb[i], truth.rgb[i + 1], truth.rgb[i + 2]) -
                                       luma(result.rgb[i], result.rgb[i + 1], result.rgb[i + 2])));
    }
    CHECK(worst <= kRounding);
    CHECK(result != truth);
  }
}

TEST_CASE("each kind errs as far, and as steadily, as what it stands for") {
  // The real ECCV16's films: chroma 1.3 to 5.9 times the truth's, errors of 7 to 16 that stay and
  // of 8 to 12 that move, and whose frames' means follow each other with about 0.87 (0.63 to 0.88
  // of so short a clip).
  struct Expected {
    SimulatedKind kind;
    double ratio[2], still[2], moving[2], autocorrelation[2];
  };
  const Expected expected =
      GENERATE(Expected{SimulatedKind::kMuted, {0.4, 1}, {2, 7}, {2, 7}, {0.4, 0.9}},
               Expected{SimulatedKind::kVivid, {1.3, 5.9}, {7, 16}, {6, 12}, {0.5, 0.9}});
  CAPTURE(simulated_kind_name(expected.kind));
  const std::vector<Picture> truth = weakly_coloured_clip(6, 24);
  constexpr int kSeeds = 16;
  ErrorStatistics mean;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const ErrorStatistics one = error_statistics(truth, seed, expected.kind);
    mean.ratio += one.ratio / kSeeds;
    mean.still += one.still / kSeeds;
    mean.moving += one.moving / kSeeds;
    mean.autocorrelation += one.autocorrelation / kSeeds;
  }
  const auto between = [](double value, const double(&range)[2]) {
    CHECK(value > range[0]);
    CHECK(value < range[1]);
  };
  between(mean.ratio, expected.ratio);
  between(mean.still, expected.still);
  between(mean.moving, expected.moving);
  between(mean.autocorrelation, expected.autocorrelation);
}

TEST_CASE("it flickers on a still film, mutes colours, and bleeds over edges") {
  const SynthClip clip(6, {1, 128, false});
  const Picture still = clip.frame(0);
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    CAPTURE(seed);
    SimulatedColorizer colorizer(seed);
    double step = 0;
    double size = 0;
    Chroma last = chroma_of(colorizer.colorize(still));
    constexpr int kFrames = 40;
    for (int t = 0; t < kFrames; ++t) {
      const Chroma now = chroma_of(colorizer.colorize(still));
      step += std::hypot(now.mean_cb - last.mean_cb, now.mean_cr - last.mean_cr) / kFrames;
      size += now.size / kFrames;
      last = now;
    }
    CHECK(step > 0.4);  // 0..255 units from frame to frame, averaged over the whole picture
    CHECK(step < 8);
    CHECK(size < chroma_of(still).size);
    CHECK(size > 0.2 * chroma_of(still).size);
  }
}

TEST_CASE("black and white carry no colour") {
  Picture picture(128, 128);
  std::fill(picture.rgb.begin(), picture.rgb.begin() + 128 * 64 * 3, std::uint8_t{255});
  SimulatedColorizer colorizer(2, GENERATE(SimulatedKind::kMuted, SimulatedKind::kVivid));
  CHECK(colorizer.colorize(picture) == picture);
}

TEST_CASE("the same seed gives the same film; sizes may not change") {
  const Picture picture = SynthClip(7, {1, 128, false}).frame(0);
  const SimulatedKind kind = GENERATE(SimulatedKind::kMuted, SimulatedKind::kVivid);
  SimulatedColorizer a(3, kind);
  SimulatedColorizer b(3, kind);
  SimulatedColorizer c(4, kind);
  CHECK(a.colorize(picture) == b.colorize(picture));
  const Picture second = a.colorize(picture);
  CHECK(second == b.colorize(picture));
  c.colorize(picture);
  CHECK(c.colorize(picture) != second);
  CHECK_THROWS_AS(a.colorize(Picture(128, 64)), ShapeError);
}

TEST_CASE("kinds have names, and a statement each") {
  for (const SimulatedKind kind : {SimulatedKind::kMuted, SimulatedKind::kVivid}) {
    CHECK(parse_simulated_kind(simulated_kind_name(kind), "test") == kind);
    CHECK(SimulatedColorizer::sha256(kind).size() == 64);
  }
  CHECK_THROWS_AS(parse_simulated_kind("loud", "test"), InputError);
  CHECK(SimulatedColorizer::name(SimulatedKind::kMuted) == "simulated 2 muted");
  CHECK(SimulatedColorizer::name(SimulatedKind::kVivid) == "simulated 2 vivid");
  CHECK(SimulatedColorizer::sha256(SimulatedKind::kMuted) !=
        SimulatedColorizer::sha256(SimulatedKind::kVivid));
}

TEST_CASE("pictures of any size can be coloured") {
  for (const int width : {1, 3, 5, 17}) {
    SimulatedColorizer colorizer(1);
    CHECK(colorizer.colorize(Picture(width, 2)).width == width);
  }
}

}  // namespace afterglow
