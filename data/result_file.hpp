// What a network made of clips, to the last bit (HDF5; docs/formats.md): neither rounded nor
// clamped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/hdf5.hpp"
#include "base/output_file.hpp"

namespace afterglow {

/// A clip of a result file.
struct ResultClip {
  std::string id;
  std::int64_t frames = 0;
  double fps = 0;
};

/// Reads a result file.
class ResultFile {
 public:
  static constexpr std::int64_t kFormatVersion = 1;

  /// Throws InputError when missing, not HDF5, no result file, of a later version, or with clips
  /// that are incomplete.
  explicit ResultFile(const std::filesystem::path& path);

  /// Pixels a side.
  int size() const { return size_; }
  const std::vector<ResultClip>& clips() const { return clips_; }
  /// One frame of a clip into dst (size, size, 3). Throws InputError when the file is broken there.
  void read_frame(const std::string& id, std::int64_t index, std::span<float> dst) const;

 private:
  hdf5::File file_;
  int size_ = 0;
  std::vector<ResultClip> clips_;
};

/// Writes a result file, whole or not at all.
class ResultWriter {
 public:
  /// Throws InputError when the file cannot be made.
  ResultWriter(const std::filesystem::path& path, int size);

  /// Begins a clip; source: the input's file name. Throws InputError when the id is taken.
  void begin_clip(const std::string& id, double fps, const std::string& source);
  /// Adds a frame (size, size, 3) to the clip begun last. Throws RunError (disk full).
  void add_frame(std::span<const float> frame);
  /// Puts the file in place. Throws RunError.
  void commit();

 private:
  OutputFile output_;
  std::uint64_t size_;
  std::optional<hdf5::File> file_;  // empty once committed
  std::set<std::string> ids_;
  std::string clip_;  // the clip begun last
};

}  // namespace afterglow
