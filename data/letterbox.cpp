#include "data/letterbox.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "data/colour.hpp"
#include "data/film_samples.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

constexpr int kSamples = 32;
constexpr int kLit = 26;           // luma above limited-range black that was coded as full range
constexpr double kSpecks = 0.01;   // of a bar's line may be lit: noise
constexpr double kAsBlack = 8;     // a bar's mean luma above the film's darkest: noise round black
constexpr double kDarkest = 0.01;  // of the film's pixels
constexpr double kLevel = 3;       // by how much the lines of a bar differ
constexpr double kSpread = 6;      // standard deviation within a bar's line: noise
// Encoding spreads an edge: over a transform's block, and no more than a quarter of a thin bar.
constexpr std::size_t kSoft = 8, kSoftShare = 4;
constexpr std::size_t kEdge = 3;    // the picture's first lines
constexpr double kMostSeen = 0.5;   // of a frame's side: less that is lit tells nothing of an edge
constexpr double kEdgeSeen = 0.45;  // of what is lit in the widest line, in one of the first

}  // namespace

LetterboxDetector::LetterboxDetector(int width, int height)
    : width_(width),
      height_(height),
      rows_(std::size_t(height)),
      columns_(std::size_t(width)),
      lit_(std::size_t(width) * std::size_t(height)),
      histogram_(256) {}

void LetterboxDetector::push(const Picture& picture) {
  if (picture.width != width_ || picture.height != height_) {
    throw ShapeError("LetterboxDetector: a picture of " + size_text(picture.width, picture.height) +
                     " in a film of " + size_text(width_, height_));
  }
  struct Sum {
    std::int64_t lit = 0, luma = 0, squares = 0;
    void add(int y) {
      luma += y;
      squares += y * y;
      if (y > kLit) ++lit;
    }
  };
  std::vector<Sum> rows(rows_.size()), columns(columns_.size());
  std::size_t i = 0;
  for (Sum& row : rows) {
    for (Sum& column : columns) {
      const std::uint8_t* const rgb = &picture.rgb[3 * i];
      const int y = to_byte(luma(rgb[0], rgb[1], rgb[2]));
      ++histogram_[std::size_t(y)];
      row.add(y);
      column.add(y);
      if (y > kLit) lit_[i] = true;
      ++i;
    }
  }
  const auto note = [](std::vector<Line>& lines, const std::vector<Sum>& sums, int length) {
    for (std::size_t k = 0; k < lines.size(); ++k) {
      lines[k].lit = std::max(lines[k].lit, double(sums[k].lit) / length);
      const double mean = double(sums[k].luma) / length;
      lines[k].level = std::max(lines[k].level, mean);
      const double variance = double(sums[k].squares) / length - mean * mean;
      lines[k].spread = std::max(lines[k].spread, std::sqrt(std::max(variance, 0.0)));
    }
  };
  note(rows_, rows, width_);
  note(columns_, columns, height_);
}

/// The luma that a hundredth of the film's pixels do not exceed.
double LetterboxDetector::darkest() const {
  std::int64_t all = 0;
  for (const std::int64_t count : histogram_) all += count;
  std::int64_t below = 0;
  int y = 0;
  while (y < 255 && double(below += histogram_[std::size_t(y)]) < kDarkest * double(all)) ++y;
  return y;
}

/// The lines of the bar at the front; seen: how many of the `length` pixels of each line were lit
/// once.
int LetterboxDetector::bar_of(std::span<const Line> lines, std::span<const int> seen,
                              int length) const {
  const auto is_lit = [](const Line& line) { return line.lit > kSpecks; };
  const auto first = std::find_if(lines.begin(), lines.end(), is_lit);
  const auto bar = std::size_t(first - lines.begin());
  if (bar == 0 || bar == lines.size()) return 0;
  const std::span<const Line> inner = lines.first(bar - std::min(kSoft, bar / kSoftShare));
  const auto [low, high] = std::minmax_element(
      inner.begin(), inner.end(), [](const Line& a, const Line& b) { return a.level < b.level; });
  if (high->level > darkest() + kAsBlack || high->level - low->level > kLevel) return 0;
  const auto is_uneven = [](const Line& line) { return line.spread > kSpread; };
  if (std::any_of(inner.begin(), inner.end(), is_uneven)) return 0;
  const int most = *std::max_element(seen.begin(), seen.end());
  const std::span<const int> edge = seen.subspan(bar, std::min(kEdge, seen.size() - bar));
  const int at_edge = *std::max_element(edge.begin(), edge.end());
  const bool enough = most >= kMostSeen * length && at_edge >= kEdgeSeen * most;
  return enough ? int(bar) : 0;
}

LetterboxDetector::Bars LetterboxDetector::bars_of(const std::vector<Line>& lines,
                                                   const std::vector<int>& seen, int length) const {
  const std::vector<Line> lines_back(lines.rbegin(), lines.rend());
  const std::vector<int> seen_back(seen.rbegin(), seen.rend());
  return {bar_of(lines, seen, length), bar_of(lines_back, seen_back, length)};
}

ActiveRectangle LetterboxDetector::active() const {
  std::vector<int> row_seen(rows_.size()), column_seen(columns_.size());
  for (std::size_t i = 0; i < lit_.size(); ++i) {
    if (!lit_[i]) continue;
    ++row_seen[i / columns_.size()];
    ++column_seen[i % columns_.size()];
  }
  const Bars rows = bars_of(rows_, row_seen, width_);
  const Bars columns = bars_of(columns_, column_seen, height_);
  return {columns.before, rows.before, width_ - columns.before - columns.behind,
          height_ - rows.before - rows.behind};
}

ActiveRectangle find_active(const std::filesystem::path& film) {
  std::optional<LetterboxDetector> detector;
  sample_frames(film, kSamples, [&](const FilmFrame& frame) {
    if (!detector) detector.emplace(frame.width(), frame.height());
    detector->push(frame.picture());
  });
  return detector->active();
}

void blacken_bars(const ActiveRectangle& active, int film_width, int film_height,
                  std::span<float> rgb, int width, int height) {
  // Pixel x of the picture is what lies from x to x + 1, times film_width / width, in the film.
  const auto outside = [](int at, int size, int film_size, int begin, int length) {
    const std::int64_t from = std::int64_t{at} * film_size, to = from + film_size;
    return to <= std::int64_t{begin} * size || from >= std::int64_t{begin + length} * size;
  };
  float* pixel = rgb.data();
  for (int y = 0; y < height; ++y) {
    const bool above_or_below = outside(y, height, film_height, active.top, active.height);
    for (int x = 0; x < width; ++x, pixel += 3) {
      if (above_or_below || outside(x, width, film_width, active.left, active.width)) {
        std::fill_n(pixel, 3, 0.0F);
      }
    }
  }
}

}  // namespace afterglow
