// Black bars round a film's picture (letterbox, pillarbox), and keeping them without colour.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "data/picture.hpp"

namespace afterglow {

/// The part of a film's frames that shows something, in pixels.
struct ActiveRectangle {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
  bool operator==(const ActiveRectangle&) const = default;
};

/// Finds the bars of a film from some of its frames.
///
/// A bar is what lies outside an edge of the picture in every frame, level and as dark as anything
/// in the film, though noise may lie on it, and black be coded too bright; and the picture begins
/// at once behind it: about half of the line there is lit in one frame or another. In doubt there
/// is no bar: pictures that are dark at an edge, and films that are dark throughout, stay whole.
/// Bars that hold something in one of the frames (subtitles) end before it.
class LetterboxDetector {
 public:
  /// width, height: of all frames.
  LetterboxDetector(int width, int height);

  /// Looks at a frame; the order does not matter. Throws ShapeError when it has another size.
  void push(const Picture& picture);

  /// The picture inside the bars seen so far; the whole frame before the first.
  ActiveRectangle active() const;

 private:
  /// What is known of a row, or of a column.
  struct Line {
    double lit = 0;     // largest share of lit pixels in a frame
    double level = 0;   // largest mean luma in a frame
    double spread = 0;  // largest standard deviation of its luma in a frame
  };
  struct Bars {
    int before = 0, behind = 0;
  };

  Bars bars_of(const std::vector<Line>& lines, const std::vector<int>& seen, int length) const;
  int bar_of(std::span<const Line> lines, std::span<const int> seen, int length) const;
  double darkest() const;

  int width_, height_;
  std::vector<Line> rows_, columns_;
  std::vector<bool> lit_;  // pixels that were lit once, row by row
  std::vector<std::int64_t> histogram_;
};

/// The picture inside the bars of a film or a folder of pictures, from frames spread over it.
/// Throws InputError when it cannot be read.
ActiveRectangle find_active(const std::filesystem::path& film);

/// Takes the colour from what lies outside of a film's active rectangle: `rgb` (height, width, 3)
/// is a picture of a whole frame of the film, in a size of its own; pixels of which no part lies
/// inside become black.
void blacken_bars(const ActiveRectangle& active, int film_width, int film_height,
                  std::span<float> rgb, int width, int height);

}  // namespace afterglow
