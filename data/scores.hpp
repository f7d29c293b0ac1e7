// What films score, by all metrics at once. Definitions: docs/numerics.md.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <vector>

namespace afterglow {

/// Scores of a frame, a film, or several; nothing where there is too little for a number.
struct Scores {
  std::int64_t frames = 0;
  std::optional<double> psnr;                 // dB, mean over frames
  std::optional<double> ssim;                 // mean over frames
  std::optional<double> pixel_match_percent;  // mean over frames
  std::optional<double> temporal_mse;         // mean over the frames - 1 pairs, 0..255 units
  std::optional<double> flicker;       // fast_power of mean a plus that of mean b, less the truth's
  std::optional<double> colorfulness;  // mean over frames
  std::optional<double> cdc;           // nats
  std::optional<double> cdc_difference;  // |CDC - the truth's|
  // Warping error along the truth's motion, mean over the pairs with visible pixels: of RGB in
  // 0..1, and of a and b / 110; along flow that DIS estimates, and along given flow.
  std::optional<double> ewarp_dis, ewarp_ab_dis;
  std::optional<double> ewarp_flo, ewarp_ab_flo;
};

/// A metric by its name in JSON and CSV files. per_frame: single frames have it (what compares a
/// frame with the one before belongs to the later one).
struct Metric {
  const char* key;
  std::optional<double> Scores::*value;
  bool per_frame;
};

inline constexpr Metric kMetrics[] = {
    {"psnr", &Scores::psnr, true},
    {"ssim", &Scores::ssim, true},
    {"pixel_match_percent", &Scores::pixel_match_percent, true},
    {"temporal_mse", &Scores::temporal_mse, true},
    {"flicker", &Scores::flicker, false},
    {"colorfulness", &Scores::colorfulness, true},
    {"cdc", &Scores::cdc, false},
    {"cdc_difference", &Scores::cdc_difference, false},
    {"ewarp_dis", &Scores::ewarp_dis, true},
    {"ewarp_ab_dis", &Scores::ewarp_ab_dis, true},
    {"ewarp_flo", &Scores::ewarp_flo, true},
    {"ewarp_ab_flo", &Scores::ewarp_ab_flo, true},
};

/// Means of each score over those that have it; frames are added up.
class ScoreMeans {
 public:
  void add(const Scores& scores);
  Scores means() const;

 private:
  std::int64_t frames_ = 0;
  std::array<double, std::size(kMetrics)> sums_{};
  std::array<std::int64_t, std::size(kMetrics)> counts_{};
};

/// The mean of each score over the clips that have it; frames are added up.
Scores mean_scores(const std::vector<Scores>& clips);

}  // namespace afterglow
