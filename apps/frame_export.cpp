#include "apps/frame_export.hpp"

#include <cstdint>
#include <cstdio>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "data/film.hpp"
#include "data/key_frames.hpp"
#include "data/picture_folder.hpp"
#include "data/scene_cut.hpp"
#include "data/steady_planes.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

/// The first frame of every scene, as `colorize` finds them.
std::set<std::int64_t> scene_frames(const fs::path& film) {
  FilmReader reader(film);
  const SteadySize size = steady_size(reader.info().width, reader.info().height);
  Progress progress("scenes", reader.info().count, "frames");
  SceneCutDetector detector;
  std::set<std::int64_t> frames{0};
  while (const std::optional<FilmFrame> frame = reader.read()) {
    throw_if_interrupted();
    if (detector.push(frame->reduced_picture(size.width, size.height))) {
      frames.insert(frame->index());
    }
    progress.update(frame->index() + 1);
  }
  return frames;
}

void require_frame(const fs::path& film, std::int64_t index) {
  FilmReader reader(film);
  std::int64_t count = 0;
  while (count <= index && reader.read()) {
    throw_if_interrupted();
    ++count;
  }
  if (count > index) return;
  throw InputError(
      film.string(),
      "has " + std::to_string(count) + " frames, and no frame " + std::to_string(index),
      "count from 0 in --export-frames");
}

}  // namespace

void export_frames(const fs::path& film, const std::string& which, const fs::path& folder) {
  std::set<std::int64_t> wanted;
  if (which == "scenes") {
    wanted = scene_frames(film);
  } else {
    const std::vector<std::int64_t> numbers = parse_frame_numbers(which, "--export-frames");
    wanted.insert(numbers.begin(), numbers.end());
    require_frame(film, *wanted.rbegin());
  }
  for (const std::int64_t index : wanted) {
    const fs::path picture = folder / numbered_picture(index);
    if (fs::exists(picture)) {
      throw InputError(picture.string(), "is there, and may be coloured already",
                       "choose another folder as --out, or move it away");
    }
  }
  FilmReader reader(film);
  for (auto next = wanted.begin(); next != wanted.end();) {
    throw_if_interrupted();
    const std::optional<FilmFrame> frame = reader.read();
    if (!frame) break;
    if (frame->index() != *next) continue;
    write_picture(folder / numbered_picture(*next), frame->picture());
    ++next;
  }
  std::printf(
      "%zu %s in %s, to be coloured by hand; then: afterglow colorize %s --key %s --out FILM\n",
      wanted.size(), wanted.size() == 1 ? "picture" : "pictures", folder.c_str(), film.c_str(),
      folder.c_str());
}

}  // namespace afterglow
