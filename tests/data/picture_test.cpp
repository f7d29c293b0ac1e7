#include "data/picture.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <string>

#include "base/error.hpp"
#include "base/random.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

Picture random_picture(int width, int height, std::uint64_t seed) {
  Rng rng(seed);
  Picture picture(width, height);
  for (std::uint8_t& value : picture.rgb) value = std::uint8_t(rng.below(256));
  return picture;
}

Picture smooth_picture(int width, int height) {
  Picture picture(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::uint8_t* const pixel = &picture.rgb[std::size_t(y * width + x) * 3];
      pixel[0] = std::uint8_t(255 * x / width);
      pixel[1] = std::uint8_t(255 * y / height);
      pixel[2] = std::uint8_t(120);
    }
  }
  return picture;
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// The share of source sample `j` in output sample `i` of one axis, from the definitions.
double oracle_weight(int from, int to, int i, int j) {
  const double ratio = double(from) / to;
  if (to <= from) {
    const double overlap = std::min((i + 1) * ratio, j + 1.0) - std::max(i * ratio, double(j));
    return std::max(0.0, overlap) / ratio;
  }
  const double position = std::clamp((i + 0.5) * ratio - 0.5, 0.0, from - 1.0);
  return std::max(0.0, 1 - std::abs(position - j));
}

double oracle_sample(const Picture& src, int width, int height, int x, int y, int channel) {
  double sum = 0;
  for (int j = 0; j < src.height; ++j) {
    const double down = oracle_weight(src.height, height, y, j);
    if (down == 0) continue;
    for (int i = 0; i < src.width; ++i) {
      sum += down * oracle_weight(src.width, width, x, i) *
             src.rgb[std::size_t((j * src.width + i) * 3 + channel)];
    }
  }
  return sum;
}

TEST_CASE("area resize equals its definition in double, rounded") {
  // Half a step of rounding, and the oracle's own error in ties.
  constexpr double kHalfStep = 0.5 + 1e-9;
  struct Row {
    int from_width, from_height, width, height;
  };
  const Row row =
      GENERATE(Row{8, 8, 4, 4}, Row{13, 7, 5, 3}, Row{1, 1, 4, 3}, Row{5, 4, 1, 1},
               Row{31, 17, 32, 16}, Row{6, 40, 17, 40}, Row{40, 30, 39, 31}, Row{97, 61, 12, 10});
  const Picture src = random_picture(row.from_width, row.from_height, 5);
  const Picture result = resize_area(src, row.width, row.height);
  REQUIRE(result.width == row.width);
  REQUIRE(result.height == row.height);
  double worst = 0;
  for (int y = 0; y < row.height; ++y) {
    for (int x = 0; x < row.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double expected = oracle_sample(src, row.width, row.height, x, y, c);
        const int value = result.rgb[std::size_t((y * row.width + x) * 3 + c)];
        worst = std::max(worst, std::abs(value - expected));
      }
    }
  }
  CAPTURE(row.from_width, row.from_height, row.width, row.height);
  CHECK(worst <= kHalfStep);
}

TEST_CASE("area resize keeps constants and its own size") {
  Picture white(1920, 3);
  std::fill(white.rgb.begin(), white.rgb.end(), std::uint8_t(255));
  const Picture small = resize_area(white, 128, 2);
  CHECK(std::all_of(small.rgb.begin(), small.rgb.end(), [](int v) { return v == 255; }));
  const Picture picture = random_picture(9, 5, 1);
  CHECK(resize_area(picture, 9, 5) == picture);
  CHECK_THROWS_AS(resize_area(picture, 0, 5), ShapeError);
  CHECK_THROWS_AS(resize_area(Picture(), 4, 4), ShapeError);
}

TEST_CASE("the centre crop is the centre") {
  const Picture picture = random_picture(10, 7, 2);
  const Picture crop = crop_centre(picture, 4);
  REQUIRE(crop.width == 4);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 4 * 3; ++x) {
      REQUIRE(crop.rgb[std::size_t(y * 12 + x)] == picture.rgb[std::size_t((y + 1) * 30 + 9 + x)]);
    }
  }
  CHECK_THROWS_AS(crop_centre(picture, 8), InputError);
}

TEST_CASE("PNG keeps every bit, JPEG the picture") {
  const TemporaryFolder folder;
  const Picture picture = random_picture(37, 21, 9);
  write_picture(folder.path() / "a.png", picture);
  CHECK(read_picture(folder.path() / "a.png") == picture);

  constexpr int kJpegError = 12;  // quality 95 on a smooth picture
  const Picture smooth = smooth_picture(64, 48);
  write_picture(folder.path() / "a.jpg", smooth);
  const Picture back = read_picture(folder.path() / "a.jpg");
  REQUIRE(back.rgb.size() == smooth.rgb.size());
  int worst = 0;
  for (std::size_t i = 0; i < back.rgb.size(); ++i) {
    worst = std::max(worst, std::abs(back.rgb[i] - smooth.rgb[i]));
  }
  CHECK(worst <= kJpegError);
  CHECK(bytes_of(folder.path() / "a.jpg").substr(0, 2) == "\xFF\xD8");
}

TEST_CASE("pictures that cannot be read say why and which") {
  const TemporaryFolder folder;
  const auto path = [&](const char* name) { return folder.path() / name; };
  write_picture(path("good.png"), random_picture(40, 30, 4));
  write_picture(path("good.jpg"), smooth_picture(64, 64));
  const std::string png = bytes_of(path("good.png"));
  const std::string jpg = bytes_of(path("good.jpg"));
  write_bytes(path("empty.png"), "");
  write_bytes(path("text.png"), "this is no picture\n");
  write_bytes(path("cut.png"), png.substr(0, png.size() / 2));
  write_bytes(path("cut.jpg"), jpg.substr(0, jpg.size() / 2));
  std::string huge = png;
  write_bytes(path("huge.png"), huge.replace(16, 4, std::string("\0\0\x4E\x20", 4)));  // its width
  std::filesystem::create_directory(path("folder.png"));

  struct Row {
    const char* name;
    const char* problem;
  };
  const Row rows[] = {{"missing.png", "does not exist"}, {"empty.png", "is empty"},
                      {"text.png", "not a picture"},     {"cut.png", "broken picture"},
                      {"cut.jpg", "broken picture"},     {"huge.png", "larger than 16384"},
                      {"folder.png", "is not a file"}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK_THROWS_AS(read_picture(path(row.name)), InputError);
    CHECK_THROWS_WITH(read_picture(path(row.name)), Catch::Contains(row.name) &&
                                                        Catch::Contains(row.problem) &&
                                                        Catch::Contains(";"));
  }
}

/// Why read_picture refuses these bytes; empty when it does not.
std::string complaint(const std::string& bytes) {
  const TemporaryFolder folder;
  write_bytes(folder.path() / "a", bytes);
  try {
    read_picture(folder.path() / "a");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// Big-endian, as PNG and JPEG have them.
std::string number(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes; i-- > 0;) text += static_cast<char>(value >> (8 * i) & 255);
  return text;
}

std::string png_header(std::uint32_t width, std::uint32_t height, int depth, int colour) {
  return "\x89PNG\r\n\x1a\n" + number(13, 4) + "IHDR" + number(width, 4) + number(height, 4) +
         static_cast<char>(depth) + static_cast<char>(colour) + std::string(3 + 4, '\0');
}

std::string jpeg_segment(int marker, const std::string& content) {
  return "\xFF" + std::string(1, static_cast<char>(marker)) +
         number(static_cast<std::uint32_t>(content.size()) + 2, 2) + content;
}

/// A JPEG of one gray block, whose Huffman tables have so many codes of 16 bits.
std::string jpeg(std::uint8_t codes, const std::string& tables = {"\0\x10", 2}) {
  std::string bytes = "\xFF\xD8" + jpeg_segment(0xDB, '\0' + std::string(64, '\1'));
  bytes += jpeg_segment(0xC0, "\x08" + number(8, 2) + number(8, 2) + std::string("\1\1\x11\0", 4));
  for (const char table : tables) {
    const std::string counts = std::string(14, '\0') + static_cast<char>(codes) + '\1';
    bytes += jpeg_segment(0xC4, table + counts + std::string(std::size_t{codes} + 1, '\0'));
  }
  return bytes + jpeg_segment(0xDA, std::string("\1\1\0\0\x3F\0", 6)) + std::string(8, '\0') +
         "\xFF\xD9";
}

TEST_CASE("a JPEG's Huffman table has no more codes than there are symbols") {
  CHECK(complaint(jpeg(255)).empty());
  std::string bytes = jpeg(255);
  // One more, of 15 bits.
  const std::string table = '\0' + std::string(14, '\0') + '\xFF' + '\1';
  const std::size_t at = bytes.find(jpeg_segment(0xC4, table + std::string(256, '\0')));
  REQUIRE(at != std::string::npos);
  const std::string more =
      '\0' + std::string(13, '\0') + '\1' + '\xFF' + '\1' + std::string(257, '\0');
  bytes.replace(at, 4 + 17 + 256, jpeg_segment(0xC4, more));
  CHECK_THAT(complaint(bytes), Catch::Contains("segments are damaged"));
}

TEST_CASE("a JPEG's scan has the tables that it needs") {
  CHECK(complaint(jpeg(1)).empty());
  for (const std::string& tables : {std::string(), std::string("\0", 1), std::string("\x10")}) {
    CHECK_THAT(complaint(jpeg(1, tables)), Catch::Contains("segments are damaged"));
  }
  std::string progressive = jpeg(1);
  progressive[progressive.find("\xFF\xC0") + 1] = '\xC2';
  const std::size_t scan = progressive.find("\xFF\xDA");
  const std::string others = jpeg_segment(0xDA, std::string("\1\1\1\1\x3F\0", 6));
  CHECK_THAT(complaint(progressive.substr(0, scan) + others + "\xFF\xD9"),
             Catch::Contains("segments are damaged"));  // refines what never began
}

TEST_CASE("a PNG's chunk is no longer than its file") {
  CHECK_THAT(complaint(png_header(1, 1, 8, 0) + number(1 << 30, 4) + "IDAT"),
             Catch::Contains("cut off"));
}

TEST_CASE("a PNG's palette has no 16 bits") {
  CHECK_THAT(complaint(png_header(1, 1, 16, 3)), Catch::Contains("header is damaged"));
}

TEST_CASE("a PNM is whole and has 8 bits") {
  CHECK(complaint("P5 2 1 255\nab").empty());
  CHECK(complaint("P6\n# made\n1 1 255\nabc").empty());
  CHECK_THAT(complaint("P5 2 1 255\na"), Catch::Contains("cut off"));
  CHECK_THAT(complaint("P556  2 256  2 2255\n"), Catch::Contains("more than 8 bits"));
  CHECK_THAT(complaint("P5 99999999999 1 255\na"), Catch::Contains("header is damaged"));
}

TEST_CASE("a TGA is whole") {
  const std::string head =
      std::string("\0\0\2", 3) + std::string(9, '\0') + std::string("\2\0\1\0\x18\0", 6);
  CHECK(complaint(head + "abcdef").empty());
  CHECK_THAT(complaint(head + "abcde"), Catch::Contains("cut off"));
}

TEST_CASE("a few bytes are no large picture") {
  CHECK_THAT(complaint(png_header(16000, 16000, 8, 2) + std::string(100, '\0')),
             Catch::Contains("too short for 16000x16000"));
}

TEST_CASE("formats that were never meant to be read are not") {
  for (const std::string start : {"GIF89a", "8BPS", "#?RADIANCE\n"}) {
    CHECK_THAT(complaint(start + std::string(100, '\1')), Catch::Contains("not a picture"));
  }
}

}  // namespace
}  // namespace afterglow
