#include "data/names.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "data/video_file.hpp"

namespace afterglow {

std::string size_text(int width, int height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

std::string lower_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

bool is_hdf5(const std::filesystem::path& path) {
  return path.extension() == ".h5" || path.extension() == ".hdf5";
}

bool is_writable_film(const std::filesystem::path& path) {
  return find_film_format(path) != nullptr;
}

bool is_film(const std::filesystem::path& path) {
  static constexpr std::array kOnlyRead = {".m4v", ".mpg", ".mpeg", ".ts", ".y4m", ".gif"};
  return is_writable_film(path) ||
         std::find(kOnlyRead.begin(), kOnlyRead.end(), lower_extension(path)) != kOnlyRead.end();
}

}  // namespace afterglow
