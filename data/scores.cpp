#include "data/scores.hpp"

#include <cstddef>

namespace afterglow {

void ScoreMeans::add(const Scores& scores) {
  frames_ += scores.frames;
  for (std::size_t i = 0; i < std::size(kMetrics); ++i) {
    const std::optional<double>& value = scores.*kMetrics[i].value;
    if (!value) continue;
    sums_[i] += *value;
    ++counts_[i];
  }
}

Scores ScoreMeans::means() const {
  Scores scores;
  scores.frames = frames_;
  for (std::size_t i = 0; i < std::size(kMetrics); ++i) {
    if (counts_[i] > 0) scores.*kMetrics[i].value = sums_[i] / static_cast<double>(counts_[i]);
  }
  return scores;
}

Scores mean_scores(const std::vector<Scores>& clips) {
  ScoreMeans means;
  for (const Scores& clip : clips) means.add(clip);
  return means.means();
}

}  // namespace afterglow
