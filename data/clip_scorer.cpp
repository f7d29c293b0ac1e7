#include "data/clip_scorer.hpp"

#include <cmath>
#include <cstddef>
#include <utility>

#include "data/ssim.hpp"

namespace afterglow {

Scores ClipScorer::push(const Picture& picture, const Picture& truth, const TrueMotion& motion) {
  Scores frame;
  frame.frames = 1;
  frame.psnr = psnr(picture, truth);
  frame.ssim = ssim(picture, truth);
  frame.pixel_match_percent = pixel_match_percent(picture, truth);
  frame.colorfulness = colorfulness(picture);
  LabChroma chroma = lab_chroma(picture);
  if (!last_.rgb.empty()) {
    frame.temporal_mse = mean_squared_error(picture, last_);
    if (motion.dis) {
      frame.ewarp_dis = warp_error(last_, picture, *motion.dis);
      frame.ewarp_ab_dis = warp_error(last_chroma_, chroma, *motion.dis);
    }
    if (motion.flo) {
      frame.ewarp_flo = warp_error(last_, picture, *motion.flo);
      frame.ewarp_ab_flo = warp_error(last_chroma_, chroma, *motion.flo);
    }
  }
  for (std::size_t i = 0; i < ab_.size(); ++i) ab_[i].push_back(chroma.mean[i]);
  consistency_.push(picture);
  means_.add(frame);
  last_ = picture;
  last_chroma_ = std::move(chroma);
  return frame;
}

std::optional<double> ClipScorer::fast_colour(double fps) const {
  const std::optional<double> a = fast_power(ab_[0], fps), b = fast_power(ab_[1], fps);
  return a && b ? std::optional(*a + *b) : std::nullopt;
}

Scores ClipScorer::scores(double fps, const ClipScorer& truth) const {
  Scores scores = means_.means();
  const std::optional<double> own = fast_colour(fps), true_one = truth.fast_colour(fps);
  if (own && true_one) scores.flicker = *own - *true_one;
  scores.cdc = consistency_.value();
  const std::optional<double> true_cdc = truth.consistency_.value();
  if (scores.cdc && true_cdc) scores.cdc_difference = std::abs(*scores.cdc - *true_cdc);
  return scores;
}

}  // namespace afterglow
