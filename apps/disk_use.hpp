// What a film takes on disk, said before the work, and refused where there plainly is no room.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "data/film.hpp"

namespace afterglow {

/// Bytes on disk of a film that is made part by part.
struct DiskUse {
  double film = 0;    // of the film, at most
  double making = 0;  // of the film and its parts, at most
  double least = 0;   // of both: with less free there plainly is no room
};

/// What is known of a film that is to be made, in bytes.
struct FilmBytes {
  double frame_alone = 0;  // mean of FilmWriter::bytes_alone() over frames of it
  bool lean = false;       // FilmWriter::frames_lean()
  std::int64_t frames = 0;
  double copied = 0;  // what is copied, at most
  double source = 0;  // the film that it is made of
};

/// At most: 1.5 times as much as if no frame leaned on another; the half more is for colours that
/// the source does not have, and for what the sampled frames missed. At least, film and parts: as
/// much as the film would take if no frame leaned on another; where they do, a tenth of that, or a
/// quarter of the source if that is less (a film that hardly moves).
DiskUse disk_use(const FilmBytes& film);

/// The same of a film that is about to be made of `source`, from 8 frames spread over it; what is
/// copied, at most, is the whole file `streams_from`. Throws InputError, RunError.
DiskUse expected_disk_use(const FilmWriter& writer, const FilmReader& source,
                          const std::filesystem::path& streams_from);

/// Throws InputError, naming the film `out`, when `free` bytes, beside `there` that its parts take
/// already, are plainly too few.
void require_room(const DiskUse& use, double there, double free, const std::filesystem::path& out);

/// Before a film of 500 frames or more is made part by part in `parts`: one line on standard error
/// with what it will take, or the refusal; of shorter films nothing.
void tell_disk_use(const FilmWriter& writer, const FilmReader& source,
                   const std::filesystem::path& streams_from, const std::filesystem::path& parts,
                   const std::filesystem::path& out);

/// "512 B", "3.4 MB": three digits, units of 1000.
std::string bytes_text(double bytes);

}  // namespace afterglow
