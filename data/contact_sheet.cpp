#include "data/contact_sheet.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>

#include "base/error.hpp"

namespace afterglow {
namespace {

constexpr int kGlyphWidth = 3, kGlyphHeight = 5;
constexpr int kScale = 3;                             // pixels per dot of a glyph
constexpr int kAdvance = (kGlyphWidth + 1) * kScale;  // from letter to letter
constexpr int kGap = 4;                               // between pictures, and around the sheet

/// Glyphs of 5 rows of 3 dots: one octal digit a row, the top row first, 4 the left dot.
constexpr const char* kCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.,";
constexpr std::uint16_t kGlyphs[] = {025755, 065656, 034443, 065556, 074647, 074644, 034553, 055755,
                                     072227, 011152, 055655, 044447, 057755, 065555, 025552, 065644,
                                     025563, 065655, 034216, 072222, 055557, 055552, 055775, 055255,
                                     055222, 071247, 075557, 026227, 061247, 061216, 055711, 074616,
                                     034757, 071244, 075757, 075716, 000700, 000002, 000024};

void draw_label(Picture& sheet, const std::string& label, int left, int top) {
  const std::string known(kCharacters);
  for (const char character : label) {
    const std::size_t index = known.find(char(std::toupper(static_cast<unsigned char>(character))));
    const int glyph = index == std::string::npos ? 0 : kGlyphs[index];
    for (int y = 0; y < kGlyphHeight * kScale; ++y) {
      for (int x = 0; x < kGlyphWidth * kScale; ++x) {
        const int bit = 3 * (kGlyphHeight - 1 - y / kScale) + kGlyphWidth - 1 - x / kScale;
        if ((glyph >> bit & 1) == 0) continue;
        const std::size_t at =
            3 * (std::size_t(top + y) * std::size_t(sheet.width) + std::size_t(left + x));
        std::fill_n(sheet.rgb.begin() + std::ptrdiff_t(at), 3, std::uint8_t{0});
      }
    }
    left += kAdvance;
  }
}

void check_rows(const std::vector<SheetRow>& rows) {
  if (rows.empty() || rows.front().frames.empty()) {
    throw ShapeError("contact sheet: no pictures");
  }
  for (const SheetRow& row : rows) {
    if (row.frames.size() == rows.front().frames.size()) continue;
    throw ShapeError("contact sheet: " + std::to_string(row.frames.size()) + " frames of " +
                     row.label + " beside " + std::to_string(rows.front().frames.size()) + " of " +
                     rows.front().label);
  }
}

}  // namespace

void draw_picture(Picture& sheet, const Picture& picture, int left, int top) {
  const std::ptrdiff_t row = 3 * std::ptrdiff_t(picture.width);
  for (int y = 0; y < picture.height; ++y) {
    const std::ptrdiff_t at = 3 * (std::ptrdiff_t(top + y) * sheet.width + left);
    std::copy_n(picture.rgb.begin() + y * row, row, sheet.rgb.begin() + at);
  }
}

std::vector<std::int64_t> evenly_spaced(std::int64_t frames, int count) {
  const std::int64_t shown = std::min(frames, std::int64_t{count});
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < shown; ++i) {
    indices.push_back(shown == 1 ? 0 : (i * (frames - 1) + (shown - 1) / 2) / (shown - 1));
  }
  return indices;
}

Picture contact_sheet(const std::vector<SheetRow>& rows, int cell) {
  check_rows(rows);
  const Picture& first = rows.front().frames.front();
  const int longer = std::max(first.width, first.height);
  const int side = std::min(cell, longer);
  const int width = std::max(1, first.width * side / longer);
  const int height = std::max(1, first.height * side / longer);

  std::size_t letters = 0;
  for (const SheetRow& row : rows) letters = std::max(letters, row.label.size());
  const int margin = kGap + static_cast<int>(letters) * kAdvance;
  const int line = std::max(height, kGlyphHeight * kScale) + kGap;

  Picture sheet(margin + static_cast<int>(rows.front().frames.size()) * (width + kGap) + kGap,
                static_cast<int>(rows.size()) * line + kGap);
  std::fill(sheet.rgb.begin(), sheet.rgb.end(), std::uint8_t{255});
  int top = kGap;
  for (const SheetRow& row : rows) {
    draw_label(sheet, row.label, kGap, top + (line - kGap - kGlyphHeight * kScale) / 2);
    int left = margin + kGap;
    for (const Picture& frame : row.frames) {
      draw_picture(sheet, resize_area(frame, width, height), left, top);
      left += width + kGap;
    }
    top += line;
  }
  return sheet;
}

}  // namespace afterglow
