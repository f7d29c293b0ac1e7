#include "data/film_place.hpp"

#include <array>
#include <span>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "base/output_file.hpp"

namespace afterglow {
namespace {

template <typename T>
void write_values(hdf5::File& file, const char* name, const std::vector<T>& values) {
  const std::array<std::uint64_t, 1> shape{values.size()};
  file.write<T>(name, shape, std::span<const T>(values));
}

}  // namespace

bool ends_part(std::int64_t frames, bool cut) {
  constexpr std::int64_t kShortest = 48, kLongest = 240;
  return frames >= (cut ? kShortest : kLongest);
}

void save_place(const std::filesystem::path& path, const FilmPlace& place) {
  OutputFile output(path);
  {
    hdf5::File file = hdf5::File::create(output.temporary(), path);
    file.write_attribute(".", "frames", place.frames);
    file.write_attribute(".", "scenes", place.scenes);
    file.write_attribute(".", "width", std::int64_t{place.width});
    file.write_attribute(".", "height", std::int64_t{place.height});
    file.write_attribute(".", "light_width", std::int64_t{place.light.width});
    file.write_attribute(".", "light_height", std::int64_t{place.light.height});
    write_values(file, "light", place.light.rgb);
    write_values(file, "chroma", place.chroma);
    write_values(file, "lightness", place.lightness);
    write_values(file, "carried", place.carried.ab);
    write_values(file, "confidence", place.carried.confidence);
    write_values(file, "previous", place.previous);
    write_values(file, "last", place.cuts.last);
    write_values(file, "recent",
                 std::vector<double>(place.cuts.recent.begin(), place.cuts.recent.end()));
    file.flush();
  }
  output.commit();
}

FilmPlace load_place(const std::filesystem::path& path) {
  const hdf5::File file = hdf5::File::open(path);
  const auto number = [&](const char* name) {
    return static_cast<int>(file.read_integer(".", name));
  };
  FilmPlace place;
  place.frames = file.read_integer(".", "frames");
  place.scenes = file.read_integer(".", "scenes");
  place.width = number("width");
  place.height = number("height");
  place.light.width = number("light_width");
  place.light.height = number("light_height");
  place.light.rgb = file.read<std::uint8_t>("light");
  place.chroma = file.read<float>("chroma");
  place.lightness = file.read<float>("lightness");
  place.carried.ab = file.read<float>("carried");
  place.carried.confidence = file.read<float>("confidence");
  place.previous = file.read<float>("previous");
  place.cuts.last = file.read<float>("last");
  const std::vector<double> recent = file.read<double>("recent");
  place.cuts.recent.assign(recent.begin(), recent.end());
  const std::size_t carried = place.carried.confidence.size();
  const std::size_t pixels = std::size_t(place.width) * std::size_t(place.height);
  const bool by_steady = place.chroma.size() == 2 * pixels && place.lightness.size() == pixels &&
                         place.previous.empty();
  const bool by_papers =
      place.chroma.empty() && place.lightness.empty() && place.previous.size() == 3 * pixels;
  if (place.light.rgb.size() !=
          std::size_t(place.light.width) * std::size_t(place.light.height) * 3 ||
      !(by_steady || by_papers) || place.carried.ab.size() != 2 * carried ||
      (carried != 0 &&
       carried != std::size_t(place.light.width / 2) * std::size_t(place.light.height / 2))) {
    throw InputError(path.string(), "is damaged",
                     "remove the folder " + path.parent_path().string() + " and run again");
  }
  return place;
}

}  // namespace afterglow
