// What FilmReader and FilmWriter share behind data/film.hpp. Included by data's own .cpp files
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "data/film.hpp"
#include "data/pixels.hpp"
#include "data/video_decoder.hpp"

namespace afterglow {

/// A decoded frame (of a film) or a picture (of a folder).
struct FilmFrame::Content {
  std::int64_t index = 0;
  double seconds = 0;
  libav::FramePtr frame;  // null: `picture` it is
  Picture picture;
  std::shared_ptr<RgbConverter> converter;
};

/// Frames per second of a folder of pictures.
inline constexpr int kFolderRate = 25;

/// An open film (`decoder`) or folder (`pictures`).
struct FilmReader::Source {
  FramesInfo info;
  std::filesystem::path path;
  std::optional<VideoDecoder> decoder;
  std::vector<std::filesystem::path> pictures;
  std::shared_ptr<RgbConverter> converter = std::make_shared<RgbConverter>();
  libav::FramePtr first;  // read ahead by the constructor, which needs to know size and format
  AVPixelFormat format = AV_PIX_FMT_RGB24;
  YCbCrCoding coding;      // of YCbCr and gray films
  std::int64_t begin = 0;  // pts of the first frame
  std::int64_t end =
      std::numeric_limits<std::int64_t>::max();  // pts behind the last (of a stretch)
  double begun = 0;                              // the first frame's time in the whole film
  std::optional<std::int64_t> before = 0;        // frames before the first; unknown behind seek()
  bool is_whole = true;                          // no stretch
  std::int64_t next = 0;                         // index
};

}  // namespace afterglow
