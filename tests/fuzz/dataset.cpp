// Files of clips: datasets, film sets and results.
#include "data/dataset.hpp"

#include "data/film_set.hpp"
#include "data/result_file.hpp"
#include "fuzz/fuzz.hpp"
#include "fuzz/hdf5_maker.hpp"

namespace {

using namespace afterglow;

constexpr std::uint64_t kSize = 4;  // pixels a side

enum class Kind { kDataset, kFilmSet, kResult };

void add_clips(fuzz::Hdf5Maker& maker, fuzz::Choices& choices, Kind kind, bool with_flow) {
  maker.group(maker.root(), "clips", [&](hid_t clips) {
    const int count = 1 + choices.byte() % 3;
    for (int i = 0; i < count; ++i) {
      const std::string name = choices.byte() == 0 ? std::to_string(i) : choices.text();
      maker.group(clips, name, [&](hid_t clip) {
        maker.attribute(clip, "fps", 25.0);
        maker.attribute(clip, "source", std::string("film.mkv"));
        maker.attribute(clip, "split", std::string("train"));
        if (kind == Kind::kResult) {
          maker.dataset(clip, "result", {2, kSize, kSize, 3}, H5T_NATIVE_FLOAT);
        } else if (kind == Kind::kFilmSet) {
          maker.dataset(clip, "truth", {2, kSize, kSize, 3}, H5T_NATIVE_UINT8);
          maker.dataset(clip, "flow_back", {2, kSize / 2, kSize / 2, 2}, H5T_NATIVE_FLOAT);
          maker.dataset(clip, "flow_forward", {2, kSize / 2, kSize / 2, 2}, H5T_NATIVE_FLOAT);
          if (with_flow) maker.dataset(clip, "colorized", {2, kSize, kSize, 3}, H5T_NATIVE_UINT8);
        } else {
          maker.dataset(clip, "colorized", {2, kSize, kSize, 3}, H5T_NATIVE_UINT8);
          maker.dataset(clip, "truth", {2, kSize, kSize, 3}, H5T_NATIVE_UINT8);
          if (with_flow) {
            maker.dataset(clip, "flow", {2, kSize, kSize, 2}, H5T_NATIVE_FLOAT);
          }
        }
      });
    }
  });
}

/// A frame of a size that is worth its time.
bool is_small(int size) { return size <= 64; }

void read_dataset(const std::filesystem::path& path) {
  const Dataset dataset(path);
  if (!is_small(dataset.header().size)) return;
  std::vector<std::uint8_t> frame(dataset.frame_bytes());
  std::vector<float> flow(dataset.frame_bytes() / 3 * 2);
  for (const ClipInfo& clip : dataset.clips()) {
    dataset.read_colorized(clip.id, 0, 1, frame);
    dataset.read_truth(clip.id, clip.frames - 1, 1, frame);
    if (clip.has_flow) dataset.read_flow(clip.id, clip.frames - 1, 1, flow);
  }
}

void read_film_set(const std::filesystem::path& path) {
  const FilmSet films(path);
  for (const FilmSetClip& clip : films.clips()) {
    if (!is_small(clip.width) || !is_small(clip.height)) continue;
    std::vector<std::uint8_t> frame(std::size_t(clip.width) * std::size_t(clip.height) * 3);
    std::vector<float> flow(frame.size() / 6);
    films.read_truth(clip, clip.frames - 1, 1, frame);
    if (clip.has_colorized) films.read_colorized(clip, 0, 1, frame);
    films.read_flow_back(clip, clip.frames - 1, 1, flow);
    films.read_flow_forward(clip, 0, 1, flow);
  }
}

void read_result(const std::filesystem::path& path) {
  const ResultFile result(path);
  if (!is_small(result.size())) return;
  const auto side = static_cast<std::size_t>(result.size());
  std::vector<float> frame(side * side * 3);
  for (const ResultClip& clip : result.clips()) {
    result.read_frame(clip.id, clip.frames - 1, frame);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Choices choices(fuzz::text_of(data, size));
  fuzz::Hdf5Maker maker(choices);
  const std::uint8_t choice = choices.byte();
  const Kind kind = choice % 2 == 1       ? Kind::kResult
                    : choice / 4 % 2 == 1 ? Kind::kFilmSet
                                          : Kind::kDataset;
  const bool with_flow = choice / 2 % 2 == 1;
  const hid_t root = maker.root();
  maker.attribute(root, "format",
                  std::string(kind == Kind::kResult    ? "afterglow result"
                              : kind == Kind::kFilmSet ? "afterglow film set"
                                                       : "afterglow dataset"));
  maker.attribute(root, "format_version", std::int64_t{1});
  maker.attribute(root, "size", static_cast<std::int64_t>(kSize));
  maker.attribute(root, "seed", std::int64_t{1});
  maker.attribute(root, "fit", std::string("resize"));
  maker.attribute(root, "colorizer", std::string("files"));
  maker.attribute(root, "colorizer_sha256", std::string());
  add_clips(maker, choices, kind, with_flow);
  const std::filesystem::path& path = maker.close();
  return fuzz::refused_or_read([&] {
    if (kind == Kind::kResult) return read_result(path);
    if (kind == Kind::kFilmSet) return read_film_set(path);
    read_dataset(path);
  });
}
