// Colour distribution consistency: how much a film's histograms change.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <optional>

#include "data/picture.hpp"

namespace afterglow {

/// CDC (Liu et al., "Temporally Consistent Video Colorization with Deep Feature Propagation and
/// Self-regularization Learning", 2021) of a film as its frames go by. CDC_t is the Jensen-Shannon
/// divergence, in nats, of one channel's 256-bin histograms (divided by the number of pixels) of
/// two frames t apart, mean over channels and pairs; CDC = (CDC_1 + CDC_2 + CDC_4) / 3. Lower is
/// not simply better: a gray film's is that of its luma, so read it beside the truth's.
class ColourConsistency {
 public:
  /// Adds the next frame.
  void push(const Picture& picture);

  /// CDC so far; nothing below five frames, which have no pair four apart.
  std::optional<double> value() const;

 private:
  using Histograms = std::array<std::array<double, 256>, 3>;

  static constexpr std::array<std::size_t, 3> kApart = {1, 2, 4};  // frames

  std::deque<Histograms> last_;  // of up to four frames, the newest last
  std::array<double, kApart.size()> sums_{};
  std::array<int, kApart.size()> pairs_{};
};

}  // namespace afterglow
