// Frames of a film that somebody coloured by hand.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/picture.hpp"

namespace afterglow {

struct KeyFrame {
  std::int64_t index = 0;  // of the film's frames, from 0
  std::filesystem::path picture;
};

/// The key frames that --key names, by index: "120=frame.png", or a folder of pictures whose names
/// end in the frame's number ("00120.png", "shot 120.jpg"). Throws InputError for anything else,
/// and for two pictures of one frame.
std::vector<KeyFrame> parse_key_frames(const std::vector<std::string>& texts);

/// The numbers in "120,480", ascending, each once. Throws InputError(subject, ...) for anything
/// else.
std::vector<std::int64_t> parse_frame_numbers(const std::string& text, const std::string& subject);

/// The picture of a key frame of a width x height film, in that size. Throws InputError as
/// read_picture() does, when its shape is not the film's (sides' ratio to 1 %), or it has no
/// colour.
Picture key_picture(const KeyFrame& key, int width, int height);

}  // namespace afterglow
