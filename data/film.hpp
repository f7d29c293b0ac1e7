// Films whose luma stays: the decoded source frames with their own YCbCr planes, and a writer that
// joins a source's luma with another picture's chroma. The pieces of `colorize --output source`.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/frames.hpp"
#include "data/picture.hpp"

namespace afterglow {

/// One decoded frame of a film, in its own pixel format; cheap to copy (shares the pixels).
class FilmFrame {
 public:
  struct Content;
  explicit FilmFrame(std::shared_ptr<const Content> content) : content_(std::move(content)) {}

  std::int64_t index() const;  // from 0
  double seconds() const;      // presentation time from the first frame
  int width() const;
  int height() const;
  /// The whole frame as RGB, converted as open_frames() does.
  Picture picture() const;
  /// The whole frame area-resized to width x height: resize_area(picture(), width, height).
  Picture picture(int width, int height) const;
  /// Nearly the same in a fraction of the time, without making the whole picture: area means of the
  /// frame's own planes, converted; see reduced_picture(). Of RGB frames, picture(width, height).
  Picture reduced_picture(int width, int height) const;
  /// What R, G and B count in its luma.
  std::array<float, 3> luma_weights() const;

  const Content& content() const { return *content_; }

 private:
  std::shared_ptr<const Content> content_;
};

/// The frames of a film whose time, counted in seconds from the film's first frame, is at least
/// `begin` and below `begin + seconds`, both less half a millisecond: a frame's time, rounded to
/// milliseconds, means that frame.
struct Stretch {
  double begin = 0;
  double seconds = std::numeric_limits<double>::infinity();
  bool is_whole() const { return begin <= 0 && seconds == std::numeric_limits<double>::infinity(); }
};

/// Reads a film, or a folder of numbered pictures (25 a second), or a stretch of either, once from
/// front to back. The frames of a stretch count from 0, and so do their times; of
/// a film, info().count is 0 then.
class FilmReader {
 public:
  /// Throws InputError as open_frames() does.
  explicit FilmReader(const std::filesystem::path& path) : FilmReader(path, Stretch{}) {}
  /// The same of a stretch (begin at least 0, seconds above 0, both below 1e9, or `seconds`
  /// infinite), exactly by the frames' times: decoding begins at the key frame before, or at the
  /// front where that is not sure to give the same frames. Throws InputError, too, when no frame
  /// lies in it.
  FilmReader(const std::filesystem::path& path, const Stretch& stretch);
  ~FilmReader();
  FilmReader(FilmReader&&) noexcept;
  FilmReader& operator=(FilmReader&&) noexcept;

  const FramesInfo& info() const;
  bool has_audio() const;
  /// What a film holds beside its picture, a name each: "the subtitles of stream 2 (subrip, eng)".
  std::vector<std::string> others() const;
  /// How many frames there are: as the container says, or about, by its duration; 0: unknown.
  std::int64_t expected_frames() const;
  /// The first frame's time in the whole film, in seconds from the film's first.
  double begun() const;
  /// How many frames of the whole film lie before the first; of a film this may read it from the
  /// front. Throws InputError on a broken stream, Interrupted after Ctrl-C.
  std::int64_t frames_before() const;
  /// The next frame, or nothing at the end. Throws InputError on a broken stream.
  std::optional<FilmFrame> read();
  /// Passes over the next `frames` frames, of a folder without a look at them. Returns how many
  /// there were: fewer where the film ends. Throws as read() does, Interrupted after Ctrl-C.
  std::int64_t skip(std::int64_t frames);

  struct Source;
  const Source& source() const { return *source_; }

 private:
  std::unique_ptr<Source> source_;
};

/// Passes over the next `frames` frames of a film, which a run before has coloured. Throws
/// InputError when the film ends before, and as FilmReader::skip() does.
void skip_coloured(FilmReader& film, std::int64_t frames);

/// How FilmWriter encodes, and where it finds what is not picture.
struct FilmOptions {
  /// kH264: libx264 crf 14 (luma equals the source's up to the encoding; VP9 in .webm).
  /// kH265: libx265 crf 17, in .mp4, .mov and .mkv.
  /// kFfv1: FFV1, in .mkv: luma is the source's, bit for bit.
  /// kProRes: ProRes, in .mov and .mkv, 422 HQ or 4444, always of limited range and 10 bits.
  /// kLossless: x264 qp 0 in .mp4, .mov and .avi, FFV1 in .mkv, VP9 in .webm: luma is the
  /// source's, bit for bit.
  /// The source's depth and chroma format are kept where the codec has them; else the chroma is
  /// the next finer (4:2:2, then 4:4:4), never coarser.
  VideoCodec codec = VideoCodec::kH264;
  /// A film whose sound, subtitles, attachments, cover and chapters are copied
  /// (data/stream_copy.hpp); empty: the film that gives the luma. A stretch of a film is written
  /// without any of them: packets of sound do not begin where frames do.
  std::filesystem::path streams_from{};
  /// A folder for the parts of a film that is made part by part (data/film_parts.hpp), which may
  /// hold some of them from a run before; empty: the film is made in one go. Folders of pictures
  /// are always made so.
  std::filesystem::path parts{};
  /// Beside the new film, at its left, the film as it was: twice as wide, and each half wide enough
  /// for whole samples of chroma (4:2:0 and 4:2:2: even); what is over is black.
  bool side_by_side = false;
};

/// Writes a film with the luma, pixel format, size, rotation, sample aspect, range, matrix, frame
/// times, metadata and other streams of a source film, and new chroma.
///
/// Cb and Cr are computed from the given RGB at its own size in the source's matrix and range, and
/// resized bilinearly to the chroma planes. Gray sources become 4:2:0. RGB sources (picture
/// folders, RGB codecs) give luma and chroma of full-range BT.601, 4:2:0. 4:2:0 of an odd size
/// becomes 4:2:2 or 4:4:4 where the codec needs even sizes (H.264, H.265). A path without an
/// extension gets a folder of PNG pictures, 00000.png onwards.
///
/// Frame times are the source's as finely as the container counts: .mp4 and .mov in the source's
/// own unit, .mkv and .webm rounded to 1 ms; .avi has a constant rate, so uneven times are rounded
/// to multiples of 1/fps (and moved on where two would fall together).
///
/// With `--gray F` the source is F and only `picture` comes from the film that is coloured.
class FilmWriter {
 public:
  /// Throws InputError when the codec, the pixel format, the audio codec or the rotation cannot be
  /// kept in this kind of file, the output cannot be made, or the source's header says that it is
  /// HDR or interlaced (data/film_refusals.hpp).
  FilmWriter(const std::filesystem::path& path, const FilmReader& source,
             const FilmOptions& options = {});
  ~FilmWriter();
  FilmWriter(FilmWriter&&) noexcept;
  FilmWriter& operator=(FilmWriter&&) noexcept;

  /// Adds one frame: luma and time of `frame`, chroma of `rgb` (height, width, 3), any size,
  /// values 0..255 (clamped), row by row. Frames in order. Throws RunError (disk full), InputError
  /// for a frame that says itself that it is HDR or interlaced. With FilmOptions::side_by_side,
  /// `given` (of any size; null: `frame`) has the chroma of the left half; its luma is `frame`'s.
  /// Throws ShapeError when `frame` is of another size than the source's frames.
  void write(const FilmFrame& frame, std::span<const float> rgb, int width, int height,
             const FilmFrame* given = nullptr);
  void write(const FilmFrame& frame, const Picture& chroma);

  /// The size of the chroma planes; of a folder of pictures, theirs.
  int chroma_width() const;
  int chroma_height() const;

  /// The bytes that a frame of the source, with its own chroma, takes in the new film when it leans
  /// on no other; 0 in a folder of pictures. Throws RunError, and ShapeError as write() does.
  std::int64_t bytes_alone(const FilmFrame& frame) const;
  /// True where frames lean on others and then take less: with all codecs but FFV1 and ProRes.
  bool frames_lean() const;

  /// What of the other streams the container cannot hold, a line each.
  std::vector<std::string> left_out() const;

  /// Frames in finished parts; 0 without FilmOptions::parts. write() goes on behind them.
  std::int64_t frames() const;
  /// Ends a part: what was written so far outlives the process. Throws RunError.
  void end_part();

  /// Copies the rest of the other streams, finishes the file and gives it its final name; without
  /// it nothing is left behind but finished parts. Returns a line for what only the copying has
  /// brought to light: streams that begin too late and are left out, times that go back and are
  /// raised. Throws RunError.
  std::vector<std::string> commit();

 private:
  struct Target;
  std::unique_ptr<Target> target_;
};

}  // namespace afterglow
