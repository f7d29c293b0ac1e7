// A film set with known motion.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/film_set.hpp"

namespace afterglow::test {

/// Frame t of coloured waves that move two pixels to the right a frame.
inline Picture moving_waves(int width, int height, int t, double saturation = 1) {
  Picture picture(width, height);
  std::size_t at = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double place = x - 2.0 * t;
      const double luma = 120 + 50 * std::sin(0.11 * place + 0.02 * y);
      for (const double angle : {0.0, 2.1, 4.2}) {
        const double chroma = 40 * std::sin(0.05 * place + 0.07 * y + angle);
        picture.rgb[at++] = static_cast<std::uint8_t>(luma + saturation * chroma);
      }
    }
  }
  return picture;
}

struct FilmRequest {
  std::string id;
  int frames, width, height;
  bool colorized = false;
  Split split = Split::kTrain;
};

/// Writes such clips with their true flow; the colorized version is a paler one.
inline void write_film_set(const std::filesystem::path& path,
                           const std::vector<FilmRequest>& clips) {
  FilmSetWriter writer(path);
  for (const FilmRequest& clip : clips) {
    writer.begin_clip(
        {clip.id, 0, clip.width, clip.height, 25, clip.id + ".mkv", clip.split, clip.colorized});
    for (int t = 0; t < clip.frames; ++t) {
      Flow back(clip.width / 2, clip.height / 2), forward = back;
      for (std::size_t i = 0; t > 0 && i < back.uv.size(); i += 2) {
        back.uv[i] = -1;  // half of two pixels, to where a pixel was
        forward.uv[i] = 1;
      }
      const Picture pale = moving_waves(clip.width, clip.height, t, 0.5);
      writer.add_frame(moving_waves(clip.width, clip.height, t), clip.colorized ? &pale : nullptr,
                       back, forward);
    }
    writer.set_split(clip.id, clip.split);
  }
  writer.commit();
}

}  // namespace afterglow::test
