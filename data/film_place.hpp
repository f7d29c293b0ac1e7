// Where the colouring of a film stands behind one of its frames: all that the next one needs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/colour_carrier.hpp"
#include "data/picture.hpp"
#include "data/scene_cut.hpp"

namespace afterglow {

struct FilmPlace {
  std::int64_t frames = 0;  // behind us
  std::int64_t scenes = 0;  // begun
  SceneCutDetector::Memory cuts{};
  Picture light{};  // of the last frame, as a steady network takes it
  int width = 0;    // of what a network made of it; 0 where none coloured it
  int height = 0;
  std::vector<float> chroma{};     // of a steady network, (height, width, 2)
  std::vector<float> lightness{};  // the last frame's, (height, width)
  CarriedColours carried{};        // of key frames, on the last frame (data/keyed_colours.hpp)
  std::vector<float> previous{};   // of the paper's networks: what the next frame is seen beside
};

/// True where a part of a film ends behind `frames` frames of it: where a scene is cut from the
/// 48th on, elsewhere after 240. What a killed job loses is one part.
bool ends_part(std::int64_t frames, bool cut);

/// Writes a place to a file that is there whole or not at all. Throws InputError or RunError.
void save_place(const std::filesystem::path& path, const FilmPlace& place);

/// Throws InputError when the file is missing or damaged.
FilmPlace load_place(const std::filesystem::path& path);

}  // namespace afterglow
