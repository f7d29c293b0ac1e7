// The dataset file (HDF5; docs/formats.md): clips of per-frame colorized input and truth, of one
// size.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/hdf5.hpp"
#include "base/output_file.hpp"
#include "data/picture.hpp"
#include "data/split.hpp"

namespace afterglow {

/// How whole frames became the dataset's squares: the centre of the frame, or all of it shrunk.
enum class Fit { kCrop, kResize };

/// "crop" or "resize".
std::string fit_name(Fit fit);

/// The inverse of fit_name. Throws InputError(subject, ...) for anything else.
Fit parse_fit(const std::string& text, const std::string& subject);

/// Attributes of the file's root.
struct DatasetHeader {
  int size = 128;  // pixels a side
  std::uint64_t seed = 0;
  Fit fit = Fit::kResize;
  std::string colorizer;         // "files", "simulated 1", "files, else simulated 1", ...
  std::string colorizer_sha256;  // of its weights or its stated parameters; empty for "files"
};

/// One clip: a piece of a film without a scene cut in it.
struct ClipInfo {
  std::string id;
  std::int64_t frames = 0;
  double fps = 0;
  std::string source;  // the truth's file name
  Split split = Split::kTrain;
  bool has_flow = false;
};

/// Reads a dataset file. Everything is checked when it is opened; frames are read when asked for.
/// Const functions may be called from several threads.
class Dataset {
 public:
  static constexpr std::int64_t kFormatVersion = 1;

  /// Throws InputError when missing, not HDF5, not a dataset, of a later version, without clips, or
  /// with clips that are incomplete, empty, of another size or element type, flow included.
  explicit Dataset(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const DatasetHeader& header() const { return header_; }
  /// In the order of writing (HDF5's creation order).
  const std::vector<ClipInfo>& clips() const { return clips_; }
  std::vector<ClipInfo> clips(Split split) const;
  /// Throws InputError when there is no such clip.
  const ClipInfo& clip(const std::string& id) const;

  /// Bytes of one frame: size * size * 3.
  std::size_t frame_bytes() const;
  /// Frames first .. first+count-1 into dst (count, size, size, 3), RGB. Throws InputError when the
  /// file is broken there.
  void read_colorized(const std::string& id, std::int64_t first, std::int64_t count,
                      std::span<std::uint8_t> dst) const;
  void read_truth(const std::string& id, std::int64_t first, std::int64_t count,
                  std::span<std::uint8_t> dst) const;
  /// True when every clip has flow.
  bool has_flow() const;
  /// Where the true pixels of frames first .. first+count-1 lie in the frame before, (u right, v
  /// down) in pixels, into dst (count, size, size, 2); NaN in both where a pixel cannot be compared
  /// (hidden there, outside, at a boundary of motion, or a clip's first frame). Throws InputError
  /// when the clip has no flow or the file is broken there.
  void read_flow(const std::string& id, std::int64_t first, std::int64_t count,
                 std::span<float> dst) const;

 private:
  std::filesystem::path path_;
  hdf5::File file_;
  DatasetHeader header_;
  std::vector<ClipInfo> clips_;
};

/// Writes a dataset file, whole or not at all.
class DatasetWriter {
 public:
  /// Throws InputError when the file cannot be made.
  DatasetWriter(const std::filesystem::path& path, const DatasetHeader& header);

  /// Begins a clip; its frames follow. Throws InputError when the id is taken, empty or has a '/'.
  void begin_clip(const std::string& id, double fps, const std::string& source,
                  Split split = Split::kTrain);
  /// Adds a frame to the clip begun last, with its flow as Dataset::read_flow gives it, or without:
  /// all frames of a clip alike. Throws ShapeError for another size, RunError (disk full).
  void add_frame(const Picture& colorized, const Picture& truth, std::span<const float> flow = {});

  /// Takes a clip out again, or moves it to another split: what is only known after reading it.
  /// Throws InputError when there is no such clip.
  void drop_clip(const std::string& id);
  void set_split(const std::string& id, Split split);

  const std::vector<ClipInfo>& clips() const { return clips_; }

  /// Puts the file in place. Throws RunError when it cannot, or when a clip has no frames.
  void commit();

 private:
  ClipInfo& find(const std::string& id);

  DatasetHeader header_;
  OutputFile output_;
  std::optional<hdf5::File> file_;  // empty once committed
  std::vector<ClipInfo> clips_;     // the last one is growing
};

}  // namespace afterglow
