// Frames in order, wherever they come from: a film or a folder of numbered pictures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
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

/// A stream of RGB frames, read once from front to back, in order of presentation.
class FrameReader {
 public:
  virtual ~FrameReader() = default;
  virtual const FramesInfo& info() const = 0;
  /// The next frame, or nothing at the end. Throws InputError on a broken stream.
  virtual std::optional<Frame> read() = 0;
};

/// How open_frames() makes RGB of YCbCr, in words: how many values of two films are equal depends
/// on it.
inline constexpr const char* kFilmConversion =
    "libswscale, accurate rounding, full chroma interpolation; the film's own matrix and range, "
    "where it names none limited, and BT.601, or BT.709 from 1280 pixels in width or 577 lines";

/// Opens a film (any container and codec that libav reads; its best video stream) or a folder of
/// numbered pictures (natural order: frame_2 before frame_10; all of one size; other files
/// ignored). YCbCr becomes RGB by swscale with accurate rounding and full chroma interpolation, in
/// the stream's matrix and range; limited when it names none, and BT.601, or BT.709 from
/// 1280 pixels in width or 577 lines. Throws InputError when missing, empty, not a film, or without
/// frames.
std::unique_ptr<FrameReader> open_frames(const std::filesystem::path& path);

/// Throws InputError, naming both, for two films of which only `ended` has ended after `frames`
/// frames; counts what `reader` (a FrameReader or FilmReader of `longer`, one frame past that)
/// still has.
template <typename Reader>
[[noreturn]] void refuse_lengths(const std::string& ended, const std::string& longer,
                                 std::int64_t frames, Reader& reader) {
  std::int64_t count = frames + 1;
  while (reader.read()) ++count;
  throw InputError(
      longer,
      "has " + std::to_string(count) + " frames, but " + ended + " has " + std::to_string(frames),
      "give films of the same frames");
}

/// How a film of ours is encoded.
enum class VideoCodec {
  kH264,      // libx264 crf 14, 4:2:0 (4:4:4 for odd sizes), BT.601; VP9 in .webm
  kH265,      // libx265 crf 17 in .mp4, .mov and .mkv
  kFfv1,      // FFV1 in .mkv
  kProRes,    // ProRes 422 HQ, of 10 bits, in .mov and .mkv
  kLossless,  // RGB kept to the bit: x264 RGB qp 0 in .mp4 and .mov, FFV1 in .mkv and .avi, VP9 in
              // .webm
};

/// Writes RGB frames as a film (by extension .mp4 .mkv .mov .avi .webm) or a folder of PNG pictures
/// (no extension; 00000.png onwards). Times are kept to 10 microseconds in .mp4 and .mov, to 1 ms
/// in .mkv and .webm; .avi has a constant rate, so times are rounded to multiples of 1/fps.
class FrameWriter {
 public:
  virtual ~FrameWriter() = default;
  /// seconds: presentation time; strictly increasing. Throws ShapeError when the picture has
  /// another size, RunError when it cannot be written (disk full).
  virtual void write(const Picture& picture, double seconds) = 0;
  /// Finishes the file and gives it its final name; without it nothing is left behind.
  virtual void commit() = 0;
};

/// fps: the nominal rate. Throws InputError when the extension is unknown, such films cannot hold
/// the codec, the place cannot be written, or `path` is a folder that holds anything but numbered
/// pictures.
std::unique_ptr<FrameWriter> create_frames(const std::filesystem::path& path, int width, int height,
                                           double fps, VideoCodec codec = VideoCodec::kLossless);

}  // namespace afterglow
