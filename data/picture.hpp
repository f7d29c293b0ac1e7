// A picture in memory and picture files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace afterglow {

/// Interleaved 8-bit RGB, (H, W, 3).
struct Picture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;

  Picture() = default;
  Picture(int w, int h) : width(w), height(h), rgb(std::size_t(w) * std::size_t(h) * 3) {}
  bool operator==(const Picture&) const = default;
};

/// Reads PNG, JPEG, BMP, TGA or PNM (stb_image). Throws InputError when missing, unreadable, empty,
/// or larger than 16384 a side.
Picture read_picture(const std::filesystem::path& path);

/// The bytes of a PNG file (or JPEG at quality 95 when the name ends in .jpg or .jpeg). Throws
/// RunError.
std::string encode_picture(const std::filesystem::path& path, const Picture& picture);

/// Writes encode_picture() whole or not at all. Throws
/// InputError or RunError.
void write_picture(const std::filesystem::path& path, const Picture& picture);

/// Box-filter (area) resize, exact for shrinking by any factor; bilinear when growing.
Picture resize_area(const Picture& src, int width, int height);

/// True when the channels of any pixel differ by more than a lossy encoding makes of gray (12).
bool has_colour(const Picture& picture);

/// The centre size x size square. Throws InputError, naming `name`, when the picture is smaller.
Picture crop_centre(const Picture& src, int size, const std::string& name = "a picture");

}  // namespace afterglow
