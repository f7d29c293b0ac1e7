#include "data/picture.hpp"

#include <stb_image.h>
#include <stb_image_write.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/output_file.hpp"
#include "data/names.hpp"
#include "data/picture_check.hpp"
#include "data/resample.hpp"

namespace afterglow {
namespace {

constexpr int kLargestSide = 16384;
constexpr std::uintmax_t kLargestFile = std::uintmax_t{1} << 30;
constexpr int kJpegQuality = 95;
const char* const kGiveAPicture = "give a PNG, JPEG, BMP, TGA or PNM picture";

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw InputError(path.string(), "does not exist", "check the name");
  }
  if (!std::filesystem::is_regular_file(path, error)) {
    throw InputError(path.string(), "is not a file", kGiveAPicture);
  }
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw InputError(path.string(), "cannot be read: " + error.message(), kGiveAPicture);
  if (size == 0) throw InputError(path.string(), "is empty", kGiveAPicture);
  if (size > kLargestFile) {
    throw InputError(path.string(), "is larger than 1 GiB", kGiveAPicture);
  }
  std::vector<std::uint8_t> bytes(size);
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream.read(reinterpret_cast<char*>(bytes.data()), std::streamsize(size))) {
    throw InputError(path.string(), std::string("cannot be read: ") + std::strerror(errno),
                     "check its permissions");
  }
  return bytes;
}

/// One source row resized along x: sums of weighted samples, not yet divided.
void resize_row(const std::uint8_t* row, const ResampleAxis& axis,
                std::vector<std::uint64_t>& sums) {
  std::size_t out = 0;
  for (const Taps& taps : axis.taps) {
    const std::uint8_t* sample = row + std::ptrdiff_t(taps.first) * 3;
    std::uint32_t red = 0;
    std::uint32_t green = 0;
    std::uint32_t blue = 0;  // at most 255 * 2 * 16384
    for (const std::uint32_t weight : taps.weights) {
      red += weight * sample[0];
      green += weight * sample[1];
      blue += weight * sample[2];
      sample += 3;
    }
    sums[out] = red;
    sums[out + 1] = green;
    sums[out + 2] = blue;
    out += 3;
  }
}

}  // namespace

Picture read_picture(const std::filesystem::path& path) {
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  const auto broken = [&](const std::string& problem) {
    return InputError(path.string(), "is a broken picture: " + problem, "make it again");
  };
  if (const std::string problem = picture_problem(bytes); !problem.empty()) throw broken(problem);
  const int size = int(bytes.size());
  int width = 0;
  int height = 0;
  int channels = 0;
  if (is_unwanted_format(bytes) ||
      stbi_info_from_memory(bytes.data(), size, &width, &height, &channels) == 0) {
    throw InputError(path.string(), "is not a picture that can be read", kGiveAPicture);
  }
  if (width > kLargestSide || height > kLargestSide) {
    throw InputError(path.string(), "is " + size_text(width, height) + ", larger than 16384 a side",
                     "make it smaller");
  }
  if (std::uint64_t(width) * std::uint64_t(height) > most_pixels(bytes)) {
    throw broken("it is too short for " + size_text(width, height));
  }
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_memory(bytes.data(), size, &width, &height, &channels, 3), stbi_image_free);
  if (!pixels) throw broken(stbi_failure_reason());
  Picture picture(width, height);
  std::copy_n(pixels.get(), picture.rgb.size(), picture.rgb.begin());
  return picture;
}

std::string encode_picture(const std::filesystem::path& path, const Picture& picture) {
  std::string bytes;
  const auto append = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data), std::size_t(size));
  };
  const std::string extension = path.extension().string();
  const bool jpeg = extension == ".jpg" || extension == ".jpeg";
  const int done = jpeg ? stbi_write_jpg_to_func(append, &bytes, picture.width, picture.height, 3,
                                                 picture.rgb.data(), kJpegQuality)
                        : stbi_write_png_to_func(append, &bytes, picture.width, picture.height, 3,
                                                 picture.rgb.data(), picture.width * 3);
  if (done == 0) throw RunError(path.string() + ": could not be encoded as a picture");
  return bytes;
}

void write_picture(const std::filesystem::path& path, const Picture& picture) {
  write_text_file(path, encode_picture(path, picture));
}

Picture resize_area(const Picture& src, int width, int height) {
  if (src.width <= 0 || src.height <= 0 || width <= 0 || height <= 0 || width > kLargestSide ||
      height > kLargestSide) {
    throw ShapeError("resize_area: cannot make " + size_text(width, height) + " of " +
                     size_text(src.width, src.height));
  }
  if (src.width == width && src.height == height) return src;
  const ResampleAxis across = make_axis(src.width, width);
  const ResampleAxis down = make_axis(src.height, height);
  const std::uint64_t total = across.sum * down.sum;
  const std::size_t row_size = std::size_t(width) * 3;

  Picture result(width, height);
  std::vector<std::uint64_t> resized(row_size);
  std::vector<std::uint64_t> sums(row_size);
  int resized_row = -1;  // neighbouring outputs share a source row: it is not resized twice
  for (std::size_t y = 0; y < std::size_t(height); ++y) {
    std::fill(sums.begin(), sums.end(), 0);
    int source_row = down.taps[y].first;
    for (const std::uint32_t weight : down.taps[y].weights) {
      if (source_row != resized_row) {
        resize_row(src.rgb.data() + std::size_t(source_row) * std::size_t(src.width) * 3, across,
                   resized);
        resized_row = source_row;
      }
      for (std::size_t x = 0; x < row_size; ++x) sums[x] += weight * resized[x];
      ++source_row;
    }
    std::transform(
        sums.begin(), sums.end(), result.rgb.begin() + std::ptrdiff_t(y * row_size),
        [total](std::uint64_t sum) { return std::uint8_t((2 * sum + total) / (2 * total)); });
  }
  return result;
}

bool has_colour(const Picture& picture) {
  constexpr int kNeutral = 12;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const auto [low, high] = std::minmax({picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]});
    if (high - low > kNeutral) return true;
  }
  return false;
}

Picture crop_centre(const Picture& src, int size, const std::string& name) {
  if (size <= 0 || src.width < size || src.height < size) {
    throw InputError(name,
                     "has " + size_text(src.width, src.height) + " pixels, fewer than the " +
                         size_text(size, size) + " to cut out of its centre",
                     "give larger pictures, or prepare and train with --fit resize");
  }
  const std::size_t left = std::size_t((src.width - size) / 2);
  const std::size_t top = std::size_t((src.height - size) / 2);
  const std::size_t row = std::size_t(size) * 3;
  Picture result(size, size);
  for (std::size_t y = 0; y < std::size_t(size); ++y) {
    std::copy_n(src.rgb.data() + ((top + y) * std::size_t(src.width) + left) * 3, row,
                result.rgb.data() + y * row);
  }
  return result;
}

}  // namespace afterglow
