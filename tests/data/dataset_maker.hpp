// Small datasets for tests: every byte tells clip, frame and kind.
#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "data/dataset.hpp"

namespace afterglow {

struct TestClip {
  std::string id;
  int frames;
  Split split = Split::kTrain;
};

/// The value of byte `i` of a frame.
inline std::uint8_t test_byte(std::size_t clip, std::int64_t frame, bool truth, std::size_t i) {
  return static_cast<std::uint8_t>(clip * 71 + static_cast<std::size_t>(frame) * 13 +
                                   (truth ? 101 : 0) + i % 7);
}

inline Picture test_picture(int size, std::size_t clip, std::int64_t frame, bool truth) {
  Picture picture(size, size);
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) {
    picture.rgb[i] = test_byte(clip, frame, truth, i);
  }
  return picture;
}

/// Value `i` of a frame's flow: NaN in all of a first frame and in every seventh pixel of the
/// others.
inline std::vector<float> test_flow(int size, std::size_t clip, std::int64_t frame) {
  std::vector<float> uv(2 * std::size_t(size) * std::size_t(size));
  for (std::size_t i = 0; i < uv.size(); ++i) {
    uv[i] = frame == 0 || i / 2 % 7 == 3
                ? std::numeric_limits<float>::quiet_NaN()
                : 0.25F * static_cast<float>((clip + std::size_t(frame) + i) % 13) - 1.5F;
  }
  return uv;
}

inline void make_dataset(const std::filesystem::path& path, const std::vector<TestClip>& clips,
                         int size = 8, bool flow = false) {
  DatasetHeader header;
  header.size = size;
  header.seed = 5;
  header.fit = Fit::kCrop;
  header.colorizer = "files";
  DatasetWriter writer(path, header);
  for (std::size_t c = 0; c < clips.size(); ++c) {
    writer.begin_clip(clips[c].id, 25, clips[c].id + ".mkv", clips[c].split);
    for (int t = 0; t < clips[c].frames; ++t) {
      writer.add_frame(test_picture(size, c, t, false), test_picture(size, c, t, true),
                       flow ? test_flow(size, c, t) : std::vector<float>());
    }
  }
  writer.commit();
}

}  // namespace afterglow
