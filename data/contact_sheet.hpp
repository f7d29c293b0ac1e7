// Films side by side in one picture: a row a film, a column a moment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/picture.hpp"

namespace afterglow {

/// A film's frames under its name. The name may hold letters (drawn as capitals), digits, space,
/// '-', '.' and ','; other characters leave a gap.
struct SheetRow {
  std::string label;
  std::vector<Picture> frames;
};

/// `count` frame indices spread evenly from the first to the last of `frames`; all of them when
/// there are fewer.
std::vector<std::int64_t> evenly_spaced(std::int64_t frames, int count);

/// Copies a picture onto a larger one, its corner to (left, top); it must fit.
void draw_picture(Picture& sheet, const Picture& picture, int left, int top);

/// Draws the rows on white, each with its label at the left. Every picture is resized to the first
/// one's shape with the longer side at most `cell` pixels. Throws ShapeError when there are no
/// pictures or rows differ in length.
Picture contact_sheet(const std::vector<SheetRow>& rows, int cell = 192);

}  // namespace afterglow
