#include "data/picture_folder.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

/// What a command leaves beside its result, in a folder.
constexpr const char* kConfiguration = "config.toml";

bool is_decimal(char c) { return c >= '0' && c <= '9'; }

bool is_picture_name(const fs::path& path) {
  static constexpr std::array<std::string_view, 8> kExtensions = {".png", ".jpg", ".jpeg", ".bmp",
                                                                  ".tga", ".ppm", ".pgm",  ".pnm"};
  const std::string extension = lower_extension(path);
  return path.filename().string().front() != '.' &&
         std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

/// Takes the run of digits at `position`, without its leading zeros, off the text.
std::string_view take_number(std::string_view text, std::size_t& position) {
  while (position < text.size() && text[position] == '0') ++position;
  const std::size_t begin = position;
  while (position < text.size() && is_decimal(text[position])) ++position;
  return text.substr(begin, position - begin);
}

bool is_numbered_picture(const fs::path& path) {
  const std::string stem = path.stem().string();
  return path.extension() == ".png" && stem.size() >= 5 &&
         std::all_of(stem.begin(), stem.end(), is_decimal);
}

}  // namespace

bool natural_less(const std::string& a, const std::string& b) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_decimal(a[i]) && is_decimal(b[j])) {
      const std::string_view left = take_number(a, i);
      const std::string_view right = take_number(b, j);
      if (left.size() != right.size()) return left.size() < right.size();
      if (left != right) return left < right;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  const std::size_t left_over = a.size() - i;
  const std::size_t right_over = b.size() - j;
  if (left_over != right_over) return left_over < right_over;
  return a < b;  // 01 and 1: any fixed order
}

void sort_naturally(std::vector<fs::path>& paths) {
  std::sort(paths.begin(), paths.end(), [](const fs::path& a, const fs::path& b) {
    return natural_less(a.filename().string(), b.filename().string());
  });
}

std::vector<fs::path> list_pictures(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> pictures;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (is_picture_name(entry->path()) && entry->is_regular_file()) {
      pictures.push_back(entry->path());
    }
  }
  if (error) {
    throw InputError(folder.string(), "cannot be read: " + error.message(),
                     "check its permissions");
  }
  if (pictures.empty()) {
    throw InputError(folder.string(), "holds no pictures",
                     "give a folder of numbered PNG or JPEG pictures");
  }
  sort_naturally(pictures);
  return pictures;
}

std::string numbered_picture(std::int64_t index) {
  std::string digits = std::to_string(index);
  if (digits.size() < 5) digits.insert(0, 5 - digits.size(), '0');
  return digits + ".png";
}

void require_replaceable(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  const char* const remedy = "choose a new folder";
  if (!fs::is_directory(folder)) {
    throw InputError(folder.string(), "exists and is not a folder",
                     "choose a new folder, or a name that ends in .mp4 or .mkv");
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename() == kConfiguration) continue;
    if (!entry.is_regular_file() || !is_numbered_picture(entry.path())) {
      throw InputError(folder.string(),
                       "exists and holds something else than numbered pictures: " +
                           entry.path().filename().string(),
                       remedy);
    }
  }
  if (error) throw InputError(folder.string(), "cannot be read: " + error.message(), remedy);
}

}  // namespace afterglow
