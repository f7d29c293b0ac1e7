// Where the colouring of a film stands behind one of its frames: all that the next one needs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data/colour_carrier.hpp"
#include "data/picture.hpp"
#include "data/scene_cut.hpp"

namespace afterglow {

struct SteadyPlace {
  std::int64_t frames = 0;  // behind us
  std::int64_t scenes = 0;  // begun
  SceneCutDetector::Memory cuts;
  Picture light{};  // of the last frame, as the network takes it
  int width = 0;    // of the planes; 0 where no network coloured them
  int height = 0;
  std::vector<float> chroma{};     // what the network made of the last frame, (height, width, 2)
  std::vector<float> lightness{};  // its lightness, (height, width)
  CarriedColours carried{};        // of key frames, on the last frame (data/keyed_colours.hpp)
};

/// Writes a place to a file that is there whole or not at all. Throws InputError or RunError.
void save_place(const std::filesystem::path& path, const SteadyPlace& place);

/// Throws InputError when the file is missing or damaged.
SteadyPlace load_place(const std::filesystem::path& path);

}  // namespace afterglow
