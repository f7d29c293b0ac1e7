#include "data/clip_scorer.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.hpp"
#include "data/metrics.hpp"
#include "data/ssim.hpp"
#include "support/flat_picture.hpp"

namespace afterglow {
namespace {

using test::flat;

constexpr double kExact = 1e-12;  // everything is computed in double

}  // namespace

TEST_CASE("a clip's scores are means over its frames and pairs") {
  ClipScorer scorer, truth_scorer;
  const Picture truth = flat(4, 4, 100, 100, 100);
  const int values[] = {100, 110, 90};
  for (const int value : values) {
    scorer.push(flat(4, 4, value, value, value), truth);
    truth_scorer.push(truth, truth);
  }
  const Scores scores = scorer.scores(30, truth_scorer);
  CHECK(scores.frames == 3);
  CHECK(scores.psnr.value() == Approx((100 + 2 * 20 * std::log10(25.5)) / 3).epsilon(kExact));
  CHECK(scores.pixel_match_percent.value() == Approx(100 / 3.0).epsilon(kExact));
  CHECK(scores.temporal_mse.value() == Approx((100 + 400) / 2.0).epsilon(kExact));
  CHECK(scores.colorfulness.value() == Approx(0).margin(kExact));
  CHECK_FALSE(scores.flicker.has_value());  // a tenth of a second
  CHECK(truth_scorer.scores(30, truth_scorer).temporal_mse.value() == 0);
}

TEST_CASE("one frame has no temporal score") {
  ClipScorer scorer;
  scorer.push(flat(2, 2, 1, 2, 3), flat(2, 2, 1, 2, 3));
  CHECK_FALSE(scorer.scores(30, scorer).temporal_mse.has_value());
  CHECK(scorer.scores(30, scorer).psnr.value() == 100);
}

TEST_CASE("flicker is the fast power of mean a and b beyond the truth's") {
  ClipScorer scorer, truth_scorer;
  std::vector<double> a, b, true_a, true_b;
  for (int t = 0; t < 60; ++t) {
    const Picture picture = flat(2, 2, t % 2 == 0 ? 120 : 150, 120, 100);
    const Picture truth = flat(2, 2, t % 3 == 0 ? 130 : 135, 120, 100 + t % 4);
    scorer.push(picture, truth);
    truth_scorer.push(truth, truth);
    const auto mean = lab_chroma(picture).mean, true_mean = lab_chroma(truth).mean;
    a.push_back(mean[0]), b.push_back(mean[1]);
    true_a.push_back(true_mean[0]), true_b.push_back(true_mean[1]);
  }
  const double expected = fast_power(a, 30).value() + fast_power(b, 30).value() -
                          fast_power(true_a, 30).value() - fast_power(true_b, 30).value();
  CHECK(expected > 1);
  CHECK(scorer.scores(30, truth_scorer).flicker.value() == Approx(expected).epsilon(kExact));
  CHECK(truth_scorer.scores(30, truth_scorer).flicker.value() == 0);
}

TEST_CASE("the mean over clips leaves out clips without a score") {
  Scores first, second;
  first.frames = 10, first.psnr = 20, first.flicker = 3;
  second.frames = 1, second.psnr = 30;
  const Scores mean = mean_scores({first, second});
  CHECK(mean.frames == 11);
  CHECK(mean.psnr.value() == Approx(25).epsilon(kExact));
  CHECK(mean.flicker.value() == Approx(3).epsilon(kExact));
  CHECK_FALSE(mean.temporal_mse.has_value());
}

TEST_CASE("each frame's scores are returned, and the clip's are their means") {
  ClipScorer scorer;
  const Picture truth = flat(12, 12, 100, 90, 80);
  std::vector<Scores> frames;
  for (const int value : {100, 110, 95}) {
    frames.push_back(scorer.push(flat(12, 12, value, 90, 80), truth));
  }
  CHECK_FALSE(frames[0].temporal_mse.has_value());
  CHECK(frames[1].temporal_mse.value() == Approx(100 / 3.0).epsilon(kExact));
  CHECK(frames[2].temporal_mse.value() == Approx(225 / 3.0).epsilon(kExact));
  CHECK(frames[1].psnr.value() == psnr(flat(12, 12, 110, 90, 80), truth));
  CHECK(frames[1].ssim.value() == ssim(flat(12, 12, 110, 90, 80), truth).value());
  const Scores means = mean_scores(frames);
  const Scores clip = scorer.scores(30, scorer);
  for (const Metric& metric : kMetrics) {
    CAPTURE(metric.key);
    if (metric.per_frame) {
      CHECK(clip.*metric.value == means.*metric.value);
    } else {
      CHECK_FALSE((means.*metric.value).has_value());
    }
  }
}

TEST_CASE("CDC stands beside its distance from the truth's") {
  ClipScorer scorer, truth_scorer;
  ColourConsistency own, true_one;
  for (int t = 0; t < 5; ++t) {
    const Picture picture = flat(2, 2, t % 2, 0, 0), truth = flat(2, 2, t % 3, t % 2, 0);
    scorer.push(picture, truth);
    truth_scorer.push(truth, truth);
    own.push(picture);
    true_one.push(truth);
    CHECK(scorer.scores(30, truth_scorer).cdc.has_value() == (t == 4));
  }
  const Scores scores = scorer.scores(30, truth_scorer);
  CHECK(scores.cdc.value() == own.value().value());
  CHECK(own.value().value() < true_one.value().value());
  CHECK(scores.cdc_difference.value() ==
        Approx(true_one.value().value() - own.value().value()).epsilon(kExact));
  CHECK(truth_scorer.scores(30, truth_scorer).cdc_difference.value() == 0);
}

TEST_CASE("warping error is from the frame before to this one, each along its flow") {
  // Columns 0, 40, 80, ... move one to the right; a new one comes in.
  Picture before(6, 2), after(6, 2);
  for (std::size_t i = 0; i < before.rgb.size(); ++i) {
    const std::size_t x = i / 3 % 6;
    before.rgb[i] = static_cast<std::uint8_t>(40 * x);
    after.rgb[i] = static_cast<std::uint8_t>(x == 0 ? 255 : 40 * (x - 1));
  }
  Flow right(6, 2), left(6, 2);
  for (std::size_t i = 0; i < right.uv.size(); i += 2) right.uv[i] = 1, left.uv[i] = -1;
  const VisibleFlow moved = visible_flow(right, left);
  const VisibleFlow still = visible_flow(Flow(6, 2), Flow(6, 2));
  ClipScorer scorer;
  const Scores first = scorer.push(before, before, {&moved, &still});
  CHECK_FALSE(first.ewarp_dis.has_value());
  CHECK_FALSE(first.ewarp_flo.has_value());
  const Scores second = scorer.push(after, after, {&moved, &still});
  CHECK(second.ewarp_dis.value() == 0);
  CHECK(second.ewarp_ab_dis.value() == 0);
  CHECK(second.ewarp_flo.value() ==
        Approx(3 * (255.0 * 255 + 5 * 40 * 40) / 6 / (255 * 255)).epsilon(kExact));
  CHECK(second.ewarp_ab_flo.value() == Approx(0).margin(1e-7));  // gray
  CHECK(scorer.scores(30, scorer).ewarp_flo.value() == second.ewarp_flo.value());
  CHECK_FALSE(scorer.push(after, after).ewarp_dis.has_value());
}

TEST_CASE("a clip's frames are of one size") {
  ClipScorer scorer;
  scorer.push(Picture(2, 2), Picture(2, 2));
  CHECK_THROWS_AS(scorer.push(Picture(4, 2), Picture(4, 2)), ShapeError);
}

}  // namespace afterglow
