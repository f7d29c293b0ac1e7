// Small films, datasets and models for tests of the program.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/frames.hpp"
#include "nn/checkpoint.hpp"

namespace afterglow::test {

namespace fs = std::filesystem;

inline constexpr double kFixtureFps = 25;

/// A coloured texture, different in every scene, that moves a little from frame to frame.
inline Picture textured(int width, int height, int frame, int scene = 0) {
  Picture picture(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const std::size_t at = 3 * (std::size_t(y) * std::size_t(width) + std::size_t(x));
      const int u = x + frame + 37 * scene, v = y * (1 + 2 * scene);
      picture.rgb[at] = static_cast<std::uint8_t>(40 + (u / 16 * 53 + v / 16 * 91) % 180);
      picture.rgb[at + 1] = static_cast<std::uint8_t>(40 + (u / 24 * 71 + v / 8 * 29) % 150);
      picture.rgb[at + 2] = static_cast<std::uint8_t>(30 + (u / 8 * 17 + v / 32 * 67) % 190);
    }
  }
  return picture;
}

using PictureOf = std::function<Picture(int frame)>;

inline void write_film(const fs::path& path, int frames, const PictureOf& picture,
                       VideoCodec codec = VideoCodec::kLossless) {
  const Picture first = picture(0);
  const auto writer = create_frames(path, first.width, first.height, kFixtureFps, codec);
  for (int t = 0; t < frames; ++t) writer->write(picture(t), t / kFixtureFps);
  writer->commit();
}

inline std::vector<Picture> read_film(const fs::path& path) {
  std::vector<Picture> pictures;
  const auto reader = open_frames(path);
  while (auto frame = reader->read()) pictures.push_back(std::move(frame->picture));
  return pictures;
}

/// A fresh network whose pictures are its last layer's bias and a little of what it sees.
inline std::unique_ptr<ColorizationModel> reddish_model(const std::shared_ptr<Backend>& backend) {
  auto model = make_model(backend, {}, 7);
  std::vector<Weight> weights = model->weights();
  const std::vector<float> bias = {180, 110.25F, 60};
  weights.back().value.copy_from_host(bias);
  return model;
}

inline void write_model(const fs::path& path, const std::string& fit = "resize") {
  save_model(path, *reddish_model(make_cpu_backend()), fit);
}

/// Clips "a" (test), "b" (train) and "c" (val) of a few frames.
inline void write_dataset(const fs::path& path, int frames = 3) {
  DatasetWriter writer(path, {});
  for (const auto& [id, split] :
       {std::pair{"a", Split::kTest}, std::pair{"b", Split::kTrain}, std::pair{"c", Split::kVal}}) {
    writer.begin_clip(id, kFixtureFps, std::string(id) + ".mkv", split);
    for (int t = 0; t < frames; ++t) {
      writer.add_frame(textured(128, 128, t, id[0] - 'a'), textured(128, 128, t + 5, id[0] - 'a'));
    }
  }
  writer.commit();
}

inline void write_text(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// Names of everything in a folder, hidden files too, sorted.
inline std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace afterglow::test
