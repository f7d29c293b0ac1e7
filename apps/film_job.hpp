// A film that is coloured part by part, so that the job, killed at any moment, goes on behind its
// last part, and is not done again once it is done.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "apps/clip_colorizer.hpp"
#include "apps/colorize_command.hpp"
#include "data/film.hpp"
#include "data/film_place.hpp"
#include "kernels/device.hpp"

namespace afterglow {

/// The folder OUT.parts beside a film OUT that is being made, and the file OUT.job beside one that
/// is made. Folders of pictures, films of the network's own pictures (--output paper) and previews
/// have no parts: they are made in one go; .h5 files have neither.
class FilmJob {
 public:
  /// Throws InputError when the folder holds anything but this job: of other options, files,
  /// another kind of device or another build of the program, or what is no job at all.
  FilmJob(const ColorizeCommand& command, const Device& device, const std::filesystem::path& input,
          const std::filesystem::path& out);
  /// Takes away what begin() made where there is no part to go on from, and what before_commit()
  /// made.
  ~FilmJob();
  FilmJob(const FilmJob&) = delete;
  FilmJob& operator=(const FilmJob&) = delete;

  /// True, with a line on standard error, when OUT is there, was made by this very job, and is as
  /// it left it; takes away what a kill may have left of the parts. Throws InputError when OUT is
  /// what no job left there, or a whole film and this is a preview.
  bool is_done();
  /// For FilmOptions::parts; empty where there are none.
  const std::filesystem::path& folder() const { return folder_; }
  /// Makes OUT of a clip: `colour` goes through the frames behind a place, and calls end_part() now
  /// and then. Says on standard error what OUT loses, what it takes on disk, and where it goes on.
  /// Throws what they throw, InputError when what tells of the job is damaged, or the folder cannot
  /// be written.
  void make(FilmClip& clip, FilmWriter& writer,
            const std::function<void(const FilmPlace&)>& colour);
  /// Ends a part, if there are any. Throws RunError.
  void end_part(FilmWriter& writer, const FilmPlace& place);
  /// Says on standard error that what another job left at OUT will be replaced; make() calls it.
  void tell_replaced() const;
  /// Notes beside OUT that it is being put in place; make() calls it. Throws as is_done() does, of
  /// what has come there since, and RunError.
  void before_commit();
  /// OUT is in place, with so many frames: notes beside it what made it, says so, and takes the
  /// folder away; make() calls it. Throws RunError.
  void finish(std::int64_t frames);

 private:
  FilmPlace begin(const FilmWriter& writer);
  std::string state() const;
  void require_replaceable(const std::string& record) const;
  void remove_folder();
  std::filesystem::path description() const { return folder_ / "job.txt"; }
  std::filesystem::path placing() const;
  std::filesystem::path place_file(std::int64_t frames) const;

  std::filesystem::path out_;
  std::filesystem::path record_;  // OUT.job; empty: none is kept
  std::filesystem::path folder_;
  std::filesystem::path first_place_;
  std::string described_;
  bool preview_ = false;
  bool replaces_ = false;       // what another job left
  bool places_ = false;         // since before_commit()
  bool without_parts_ = false;  // since begin()
};

/// Says on standard output what was made.
void tell_made(const std::filesystem::path& out, std::int64_t frames);

}  // namespace afterglow
