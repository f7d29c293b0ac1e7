#include "data/contact_sheet.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "support/flat_picture.hpp"

namespace afterglow {
namespace {

Picture flat(int width, int height, std::uint8_t red) {
  return test::flat(width, height, red, 0, 0);
}

/// Pixels of exactly this colour.
std::int64_t count(const Picture& picture, int red, int green, int blue) {
  std::int64_t found = 0;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    found += picture.rgb[i] == red && picture.rgb[i + 1] == green && picture.rgb[i + 2] == blue;
  }
  return found;
}

TEST_CASE("frames are spread evenly from first to last") {
  CHECK(evenly_spaced(7, 7) == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6});
  CHECK(evenly_spaced(61, 7) == std::vector<std::int64_t>{0, 10, 20, 30, 40, 50, 60});
  CHECK(evenly_spaced(90, 7) == std::vector<std::int64_t>{0, 15, 30, 45, 59, 74, 89});
  CHECK(evenly_spaced(3, 7) == std::vector<std::int64_t>{0, 1, 2});
  CHECK(evenly_spaced(1, 7) == std::vector<std::int64_t>{0});
  CHECK(evenly_spaced(9, 1) == std::vector<std::int64_t>{0});
  CHECK(evenly_spaced(0, 7).empty());
}

TEST_CASE("a sheet shows every picture once, whole, and labels in black") {
  const Picture sheet = contact_sheet({{"truth", {flat(20, 10, 201), flat(20, 10, 202)}},
                                       {"a-1", {flat(20, 10, 203), flat(20, 10, 204)}}});
  for (const int red : {201, 202, 203, 204}) {
    CAPTURE(red);
    CHECK(count(sheet, red, 0, 0) == 20 * 10);
  }
  // T 7 dots, R 10 (110 101 110 101 101), U 11, T 7, H 11; A 10, - 3, 1 8; each dot 3x3 pixels.
  CHECK(count(sheet, 0, 0, 0) == 9 * (7 + 10 + 11 + 7 + 11 + 10 + 3 + 8));
  // All the rest is paper.
  CHECK(count(sheet, 255, 255, 255) ==
        std::int64_t{sheet.width} * sheet.height - 4 * 200 - count(sheet, 0, 0, 0));
}

TEST_CASE("labels can be told apart") {
  const auto label = [](const char* text) { return contact_sheet({{text, {flat(4, 4, 9)}}}); };
  const std::string characters = "abcdefghijklmnopqrstuvwxyz0123456789-., ";
  for (std::size_t i = 0; i < characters.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      CAPTURE(characters[i], characters[j]);
      CHECK(label(std::string(1, characters[i]).c_str()).rgb !=
            label(std::string(1, characters[j]).c_str()).rgb);
    }
  }
  CHECK(label("Q").rgb == label("q").rgb);
}

TEST_CASE("large pictures are shrunk to the cell, small ones are kept") {
  const Picture sheet = contact_sheet({{"", {flat(400, 200, 7), flat(40, 20, 8)}}}, 100);
  CHECK(count(sheet, 7, 0, 0) == 100 * 50);
  CHECK(count(sheet, 8, 0, 0) == 100 * 50);
}

TEST_CASE("a sheet refuses rows that do not fit") {
  CHECK_THROWS_AS(contact_sheet({}), ShapeError);
  CHECK_THROWS_AS(contact_sheet({{"empty", {}}}), ShapeError);
  CHECK_THROWS_AS(contact_sheet({{"a", {flat(2, 2, 1)}}, {"b", {}}}), ShapeError);
}

}  // namespace
}  // namespace afterglow
