// The file that steady networks learn from (HDF5; docs/formats.md): clips in their films' own
// shapes, with their motion.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/hdf5.hpp"
#include "base/output_file.hpp"
#include "data/flow_file.hpp"
#include "data/picture.hpp"
#include "data/split.hpp"

namespace afterglow {

/// A clip of a film set: a piece of a film without a scene cut in it.
struct FilmSetClip {
  std::string id;
  std::int64_t frames = 0;
  int width = 0;  // both even
  int height = 0;
  double fps = 0;
  std::string source;  // the truth's file name
  Split split = Split::kTrain;
  bool has_colorized = false;  // what a real colorizer made of it
};

/// Reads a film set. Everything is checked when it is opened; frames are read when asked for. Const
/// functions may be called from several threads.
class FilmSet {
 public:
  static constexpr std::int64_t kFormatVersion = 1;

  /// Throws InputError when missing, not HDF5, no film set, of a later version, without clips, or
  /// with clips that are incomplete.
  explicit FilmSet(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  /// In the order of writing.
  const std::vector<FilmSetClip>& clips() const { return clips_; }

  /// Frames first .. first+count-1 into dst (count, height, width, 3), RGB. Throws InputError when
  /// the file is broken there, or the clip has no colorized frames.
  void read_truth(const FilmSetClip& clip, std::int64_t first, std::int64_t count,
                  std::span<std::uint8_t> dst) const;
  void read_colorized(const FilmSetClip& clip, std::int64_t first, std::int64_t count,
                      std::span<std::uint8_t> dst) const;
  /// Flow of frames first .. first+count-1 into dst (count, height / 2, width / 2, 2), as
  /// halved_flow() gives it: from each frame to the one before, or from the one before to it; 0 for
  /// a clip's first. Throws InputError when the file is broken there.
  void read_flow_back(const FilmSetClip& clip, std::int64_t first, std::int64_t count,
                      std::span<float> dst) const;
  void read_flow_forward(const FilmSetClip& clip, std::int64_t first, std::int64_t count,
                         std::span<float> dst) const;

 private:
  template <typename T>
  void read(const FilmSetClip& clip, const char* name, std::int64_t first, std::int64_t count,
            std::span<T> dst) const;

  std::filesystem::path path_;
  hdf5::File file_;
  std::vector<FilmSetClip> clips_;
};

/// True for a file that says that it is a film set; false for any other, or none.
bool is_film_set(const std::filesystem::path& path);

/// Writes a film set, whole or not at all.
class FilmSetWriter {
 public:
  /// Throws InputError when the file cannot be made.
  explicit FilmSetWriter(const std::filesystem::path& path);

  /// Begins a clip; its frames follow. `clip` says all but frames and split. Throws InputError when
  /// the id is taken, empty or has a '/'.
  void begin_clip(const FilmSetClip& clip);
  /// Adds a frame to the clip begun last; colorized: null where the clip has none. Flow as FilmSet
  /// reads it. Throws ShapeError for another size, RunError (disk full).
  void add_frame(const Picture& truth, const Picture* colorized, const Flow& back,
                 const Flow& forward);

  /// Takes a clip out again, or says its split. Throws InputError when there is no such clip.
  void drop_clip(const std::string& id);
  void set_split(const std::string& id, Split split);

  const std::vector<FilmSetClip>& clips() const { return clips_; }

  /// Puts the file in place. Throws RunError when it cannot.
  void commit();

 private:
  OutputFile output_;
  std::optional<hdf5::File> file_;  // empty once committed
  std::vector<FilmSetClip> clips_;  // the last one is growing
};

}  // namespace afterglow
