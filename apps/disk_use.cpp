#include "apps/disk_use.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <optional>
#include <system_error>

#include "base/error.hpp"
#include "data/film_samples.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr int kSampledFrames = 8;
constexpr std::int64_t kWorthALine = 500;  // frames
constexpr double kMore = 1.5;
constexpr double kLeaning = 0.1, kOfSource = 0.25;

/// Nothing of what is no file.
std::optional<double> bytes_of(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  return error ? std::nullopt : std::optional<double>(double(size));
}

double bytes_in(const fs::path& folder) {
  double bytes = 0;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    bytes += bytes_of(entry->path()).value_or(0);
  }
  return bytes;
}

/// The folder that is there, and in which `path` lies or will lie.
fs::path existing_folder(const fs::path& path) {
  fs::path folder = fs::absolute(path).parent_path();
  while (!fs::exists(folder) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

}  // namespace

DiskUse disk_use(const FilmBytes& film) {
  const double alone = film.frame_alone * double(film.frames);
  const double most = kMore * alone + film.copied;
  return {most, most + kMore * alone,
          film.lean ? std::min(kLeaning * alone, kOfSource * film.source) : alone};
}

DiskUse expected_disk_use(const FilmWriter& writer, const FilmReader& source,
                          const fs::path& streams_from) {
  double bytes = 0;
  int sampled = 0;
  const fs::path film = source.info().source;
  sample_frames(film, kSampledFrames, [&](const FilmFrame& frame) {
    bytes += double(writer.bytes_alone(frame));
    ++sampled;
  });
  const std::optional<double> copied = bytes_of(streams_from), own = bytes_of(film);
  return disk_use({bytes / sampled, writer.frames_lean(), source.expected_frames(),
                   copied.value_or(0), own.value_or(std::numeric_limits<double>::infinity())});
}

void require_room(const DiskUse& use, double there, double free, const fs::path& out) {
  if (use.least <= there + free) return;
  throw InputError(out.string(),
                   "takes " + bytes_text(use.least) + " or more while it is made, but only " +
                       bytes_text(free) + " are free there",
                   "free some space, or choose another place or another --codec");
}

void tell_disk_use(const FilmWriter& writer, const FilmReader& source, const fs::path& streams_from,
                   const fs::path& parts, const fs::path& out) {
  if (source.expected_frames() < kWorthALine) return;
  const DiskUse use = expected_disk_use(writer, source, streams_from);
  std::error_code error;
  const fs::space_info space = fs::space(existing_folder(parts), error);
  if (!error) require_room(use, bytes_in(parts), double(space.available), out);
  std::fprintf(stderr, "afterglow: %s: will take %s at most, and %s while it is made\n",
               out.c_str(), bytes_text(use.film).c_str(), bytes_text(use.making).c_str());
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  std::array<char, 48> text{};
  const int decimals = unit == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
  std::snprintf(text.data(), text.size(), "%.*f %s", decimals, bytes, kUnits[unit]);
  return text.data();
}

}  // namespace afterglow
