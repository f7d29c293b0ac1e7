#include "data/key_frames.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>

#include "base/error.hpp"
#include "data/names.hpp"
#include "data/picture_folder.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr double kSameShape = 0.01;  // of the ratio of two sides

std::optional<std::int64_t> frame_number(std::string_view digits) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 0) {
    return std::nullopt;
  }
  return value;
}

/// The number in which a name ends.
std::optional<std::int64_t> frame_in_name(const fs::path& picture) {
  const std::string name = picture.stem().string();
  const std::size_t other = name.find_last_not_of("0123456789");
  return frame_number(std::string_view(name).substr(other == std::string::npos ? 0 : other + 1));
}

KeyFrame single_key(const std::string& text) {
  const std::size_t sign = text.find('=');
  if (sign == std::string::npos && !fs::exists(text)) {
    throw InputError("--key " + text, "does not exist",
                     "give a folder of numbered pictures, or N=PICTURE, as in 120=frame.png");
  }
  const auto number = frame_number(std::string_view(text).substr(0, sign));
  if (sign == std::string::npos || !number || sign + 1 == text.size()) {
    throw InputError("--key " + text, "is neither N=PICTURE nor a folder of numbered pictures",
                     "name a frame, counted from 0, and its picture, as in 120=frame.png");
  }
  return {*number, text.substr(sign + 1)};
}

}  // namespace

std::vector<KeyFrame> parse_key_frames(const std::vector<std::string>& texts) {
  std::vector<KeyFrame> keys;
  for (const std::string& text : texts) {
    if (!fs::is_directory(text)) {
      keys.push_back(single_key(text));
      continue;
    }
    for (const fs::path& picture : list_pictures(text)) {
      const auto number = frame_in_name(picture);
      if (!number) {
        throw InputError(picture.string(), "does not say which frame it is",
                         "let its name end in the frame's number, counted from 0, as in 00120.png");
      }
      keys.push_back({*number, picture});
    }
  }
  std::sort(keys.begin(), keys.end(),
            [](const KeyFrame& a, const KeyFrame& b) { return a.index < b.index; });
  const auto twice =
      std::adjacent_find(keys.begin(), keys.end(),
                         [](const KeyFrame& a, const KeyFrame& b) { return a.index == b.index; });
  if (twice != keys.end()) {
    throw InputError(std::next(twice)->picture.string(),
                     "is a second picture of frame " + std::to_string(twice->index) + ", beside " +
                         twice->picture.string(),
                     "give one of them");
  }
  return keys;
}

std::vector<std::int64_t> parse_frame_numbers(const std::string& text, const std::string& subject) {
  std::set<std::int64_t> numbers;
  std::string_view rest = text;
  for (;;) {
    const std::size_t comma = rest.find(',');
    const auto number = frame_number(rest.substr(0, comma));
    if (!number) {
      throw InputError(subject, "'" + text + "' names no frames",
                       "give their numbers, counted from 0, as in 120,480");
    }
    numbers.insert(*number);
    if (comma == std::string_view::npos) return {numbers.begin(), numbers.end()};
    rest.remove_prefix(comma + 1);
  }
}

Picture key_picture(const KeyFrame& key, int width, int height) {
  Picture picture = read_picture(key.picture);
  const double shape =
      static_cast<double>(picture.width) * height / (static_cast<double>(picture.height) * width);
  if (std::abs(shape - 1) > kSameShape) {
    throw InputError(
        key.picture.string(),
        "is " + size_text(picture.width, picture.height) + ", but the film's frames are " +
            size_text(width, height),
        "colour the picture that --export-frames " + std::to_string(key.index) + " writes");
  }
  if (!has_colour(picture)) {
    throw InputError(key.picture.string(), "has no colour", "colour it, or leave it out");
  }
  if (picture.width == width && picture.height == height) return picture;
  return resize_area(picture, width, height);
}

}  // namespace afterglow
