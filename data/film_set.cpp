#include "data/film_set.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

constexpr const char* kFilmSetFormat = "afterglow film set";
constexpr const char* kRemakeSet = "make it again with afterglow prepare --fit shape";
constexpr std::uint64_t kLongestSide = 4096, kMostSetFrames = std::uint64_t{1} << 24;
constexpr int kNoDeflate = 0;  // frames hardly shrink, and training reads them again and again

std::string set_path(const std::string& id) { return "clips/" + id; }

/// What lies in a clip: (T, H, W, channels), flow at half the size.
struct SetArray {
  const char* name;
  hdf5::DatasetInfo::Element element;
  std::uint64_t bytes, shrink, channels;
};
constexpr SetArray kTruthArray{"truth", hdf5::DatasetInfo::Element::kInteger, 1, 1, 3};
constexpr SetArray kColorizedArray{"colorized", hdf5::DatasetInfo::Element::kInteger, 1, 1, 3};
constexpr SetArray kBackArray{"flow_back", hdf5::DatasetInfo::Element::kFloat, 4, 2, 2};
constexpr SetArray kForwardArray{"flow_forward", hdf5::DatasetInfo::Element::kFloat, 4, 2, 2};

/// Refuses an array of another shape than the truth's.
void check_array(const hdf5::File& file, const std::string& path, const FilmSetClip& clip,
                 const SetArray& array) {
  const std::string object = set_path(clip.id) + "/" + array.name;
  if (!file.is_dataset(object)) throw InputError(path, "has no dataset /" + object, kRemakeSet);
  const hdf5::DatasetInfo info = file.dataset_info(object);
  const std::vector<std::uint64_t> wanted{static_cast<std::uint64_t>(clip.frames),
                                          static_cast<std::uint64_t>(clip.height) / array.shrink,
                                          static_cast<std::uint64_t>(clip.width) / array.shrink,
                                          array.channels};
  if (info.element != array.element || info.element_size != array.bytes || info.shape != wanted) {
    throw InputError(path, "/" + object + " does not fit its clip's truth", kRemakeSet);
  }
}

FilmSetClip read_set_clip(const hdf5::File& file, const std::string& path, const std::string& id) {
  const std::string group = set_path(id);
  const std::string truth = group + "/" + kTruthArray.name;
  if (!file.is_group(group)) throw InputError(path, "/" + group + " is not a clip", kRemakeSet);
  if (!file.is_dataset(truth)) throw InputError(path, "has no dataset /" + truth, kRemakeSet);
  const std::vector<std::uint64_t> shape = file.dataset_info(truth).shape;
  const auto is_side = [](std::uint64_t n) { return n > 0 && n <= kLongestSide && n % 2 == 0; };
  if (shape.size() != 4 || shape[0] == 0 || shape[0] > kMostSetFrames || !is_side(shape[1]) ||
      !is_side(shape[2])) {
    throw InputError(path, "/" + truth + " is not (frames, height, width, 3) of even sizes",
                     kRemakeSet);
  }
  for (const char* name : {"fps", "source", "split"}) {
    if (!file.has_attribute(group, name)) {
      throw InputError(path, "clip '" + id + "' has no attribute '" + name + "'", kRemakeSet);
    }
  }
  FilmSetClip clip{id,
                   static_cast<std::int64_t>(shape[0]),
                   static_cast<int>(shape[2]),
                   static_cast<int>(shape[1]),
                   file.read_number(group, "fps"),
                   file.read_string(group, "source"),
                   parse_split(file.read_string(group, "split"), path + " clip '" + id + "'"),
                   file.contains(group + "/" + kColorizedArray.name)};
  if (!std::isfinite(clip.fps) || clip.fps <= 0) {
    throw InputError(path, "clip '" + id + "' has an impossible frame rate", kRemakeSet);
  }
  for (const SetArray& array : {kTruthArray, kBackArray, kForwardArray}) {
    check_array(file, path, clip, array);
  }
  if (clip.has_colorized) check_array(file, path, clip, kColorizedArray);
  return clip;
}

auto find_set_clip(std::vector<FilmSetClip>& clips, const std::string& id,
                   const std::filesystem::path& path) {
  const auto found = std::find_if(clips.begin(), clips.end(),
                                  [&](const FilmSetClip& clip) { return clip.id == id; });
  if (found == clips.end()) {
    throw InputError(path.string(), "has no clip '" + id + "'", "see afterglow info");
  }
  return found;
}

}  // namespace

bool is_film_set(const std::filesystem::path& path) {
  try {
    const hdf5::File file = hdf5::File::open(path);
    return file.has_attribute(".", "format") && file.read_string(".", "format") == kFilmSetFormat;
  } catch (const InputError&) {
    return false;
  }
}

FilmSet::FilmSet(const std::filesystem::path& path) : path_(path), file_(hdf5::File::open(path)) {
  const std::string name = path.string();
  if (!file_.has_attribute(".", "format") || file_.read_string(".", "format") != kFilmSetFormat) {
    throw InputError(name, "is no film set, which steady networks learn from",
                     "make one with afterglow prepare --fit shape");
  }
  const std::int64_t version =
      file_.has_attribute(".", "format_version") ? file_.read_integer(".", "format_version") : 0;
  if (version != kFormatVersion) {
    throw InputError(name,
                     "has format version " + std::to_string(version) + ", this program knows " +
                         std::to_string(kFormatVersion),
                     "use a newer afterglow, or make it again");
  }
  if (!file_.is_group("clips")) throw InputError(name, "has no group /clips", kRemakeSet);
  for (const std::string& id : file_.open_group("clips").names()) {
    clips_.push_back(read_set_clip(file_, name, id));
  }
  if (clips_.empty()) throw InputError(name, "has no clips", kRemakeSet);
}

template <typename T>
void FilmSet::read(const FilmSetClip& clip, const char* name, std::int64_t first,
                   std::int64_t count, std::span<T> dst) const {
  file_.read_rows<T>(set_path(clip.id) + "/" + name, static_cast<std::uint64_t>(first),
                     static_cast<std::uint64_t>(count), dst);
}

void FilmSet::read_truth(const FilmSetClip& clip, std::int64_t first, std::int64_t count,
                         std::span<std::uint8_t> dst) const {
  read(clip, kTruthArray.name, first, count, dst);
}

void FilmSet::read_colorized(const FilmSetClip& clip, std::int64_t first, std::int64_t count,
                             std::span<std::uint8_t> dst) const {
  read(clip, kColorizedArray.name, first, count, dst);
}

void FilmSet::read_flow_back(const FilmSetClip& clip, std::int64_t first, std::int64_t count,
                             std::span<float> dst) const {
  read(clip, kBackArray.name, first, count, dst);
}

void FilmSet::read_flow_forward(const FilmSetClip& clip, std::int64_t first, std::int64_t count,
                                std::span<float> dst) const {
  read(clip, kForwardArray.name, first, count, dst);
}

FilmSetWriter::FilmSetWriter(const std::filesystem::path& path)
    : output_(path), file_(hdf5::File::create(output_.temporary(), path)) {
  file_->write_attribute(".", "format", std::string(kFilmSetFormat));
  file_->write_attribute(".", "format_version", FilmSet::kFormatVersion);
  file_->create_group("clips");
}

void FilmSetWriter::begin_clip(const FilmSetClip& clip) {
  if (clip.id.empty() || clip.id == "." || clip.id.find('/') != std::string::npos) {
    throw InputError(clip.source, "'" + clip.id + "' cannot be a clip's name", "rename the file");
  }
  const std::string group = set_path(clip.id);
  if (file_->contains(group)) {
    throw InputError(clip.source, "there is a clip '" + clip.id + "' already", "rename the file");
  }
  file_->create_group(group);
  const auto create = [&](const SetArray& array) {
    const std::uint64_t row[] = {static_cast<std::uint64_t>(clip.height) / array.shrink,
                                 static_cast<std::uint64_t>(clip.width) / array.shrink,
                                 array.channels};
    const std::string path = group + "/" + array.name;
    if (array.element == hdf5::DatasetInfo::Element::kFloat) {
      file_->create_rows<float>(path, row, kNoDeflate);
    } else {
      file_->create_rows<std::uint8_t>(path, row, kNoDeflate);
    }
  };
  for (const SetArray& array : {kTruthArray, kBackArray, kForwardArray}) create(array);
  if (clip.has_colorized) create(kColorizedArray);
  file_->write_attribute(group, "fps", clip.fps);
  file_->write_attribute(group, "source", clip.source);
  clips_.push_back(clip);
  clips_.back().frames = 0;
}

void FilmSetWriter::add_frame(const Picture& truth, const Picture* colorized, const Flow& back,
                              const Flow& forward) {
  FilmSetClip& clip = clips_.back();
  const bool pictures_fit = truth.width == clip.width && truth.height == clip.height &&
                            clip.has_colorized == (colorized != nullptr) &&
                            (colorized == nullptr ||
                             (colorized->width == clip.width && colorized->height == clip.height));
  const auto fits = [&](const Flow& flow) {
    return flow.width == clip.width / 2 && flow.height == clip.height / 2;
  };
  if (!pictures_fit || !fits(back) || !fits(forward)) {
    throw ShapeError("a frame or flow that does not fit clip '" + clip.id + "' of " +
                     size_text(clip.width, clip.height));
  }
  const std::string group = set_path(clip.id) + "/";
  file_->append_rows<std::uint8_t>(group + kTruthArray.name, truth.rgb);
  if (colorized != nullptr) {
    file_->append_rows<std::uint8_t>(group + kColorizedArray.name, colorized->rgb);
  }
  file_->append_rows<float>(group + kBackArray.name, back.uv);
  file_->append_rows<float>(group + kForwardArray.name, forward.uv);
  ++clip.frames;
}

void FilmSetWriter::drop_clip(const std::string& id) {
  const auto clip = find_set_clip(clips_, id, output_.path());
  file_->remove(set_path(id));
  clips_.erase(clip);
}

void FilmSetWriter::set_split(const std::string& id, Split split) {
  find_set_clip(clips_, id, output_.path())->split = split;
}

void FilmSetWriter::commit() {
  for (const FilmSetClip& clip : clips_) {
    file_->write_attribute(set_path(clip.id), "split", split_name(clip.split));
  }
  file_->flush();
  file_.reset();
  output_.commit();
}

}  // namespace afterglow
