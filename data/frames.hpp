// Frames in order, wherever they come from: a film or a folder of numbered pictures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "data/picture.hpp"

namespace afterglow {

/// One frame with its place in time.
struct Frame {
  Picture picture;
  std::int64_t index = 0;  // from 0
  double seconds = 0;      // presentation time from the first frame
};

/// What is known before the first frame is read.
struct FramesInfo {
  std::string source;  // as given
  int width = 0;       // as shown: rotation and sample aspect applied by no one
  int height = 0;
  double fps = 0;          // average rate; 25 for a picture folder
  std::int64_t count = 0;  // 0 when the container does not say
  std::string codec;       // "h264", "png", ...
  std::string matrix;      // "bt601", "bt709", ...: the one used for RGB
  bool full_range = false;
};

/// A stream of RGB frames, read once from front to back.
class FrameReader {
 public:
  virtual ~FrameReader() = default;
  virtual const FramesInfo& info() const = 0;
  /// The next frame, or nothing at the end. Throws InputError on a broken stream.
  virtual std::optional<Frame> read() = 0;
};

/// Opens a film (any container and codec that libav reads) or a folder of numbered pictures
/// (natural order). Throws InputError when missing, empty, not a film, or without frames.
std::unique_ptr<FrameReader> open_frames(const std::filesystem::path& path);

/// How a film of ours is encoded.
enum class VideoCodec {
  kH264,
  kLossless
};  // libx264 crf 14 yuv420p; FFV1 (or libx264rgb qp 0 in .mp4)

/// Writes RGB frames as a film (by extension .mp4 .mkv .mov .avi .webm) or a folder of PNG pictures
/// (no extension).
class FrameWriter {
 public:
  virtual ~FrameWriter() = default;
  /// seconds: presentation time; strictly increasing.
  virtual void write(const Picture& picture, double seconds) = 0;
  /// Finishes the file and gives it its final name; without it nothing is left behind.
  virtual void commit() = 0;
};

std::unique_ptr<FrameWriter> create_frames(const std::filesystem::path& path, int width, int height,
                                           double fps, VideoCodec codec = VideoCodec::kLossless);

}  // namespace afterglow
