#include "data/dataset.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace afterglow {
namespace {

constexpr const char* kFormat = "afterglow dataset";
constexpr const char* kRemake = "make it again with afterglow prepare";
constexpr int kLargestSize = 4096;  // pixels a side; a larger number is a broken file
constexpr std::uint64_t kMostFrames = std::uint64_t{1} << 24;  // of a clip: six days of film
constexpr int kDeflate = 0;  // off: frames hardly shrink, and training reads them again and again

std::string clip_path(const std::string& id) { return "clips/" + id; }

DatasetHeader read_header(const hdf5::File& file, const std::string& path) {
  if (!file.has_attribute(".", "format") || file.read_string(".", "format") != kFormat) {
    throw InputError(path, "is not an afterglow dataset", "make one with afterglow prepare");
  }
  const std::int64_t version =
      file.has_attribute(".", "format_version") ? file.read_integer(".", "format_version") : 0;
  if (version > Dataset::kFormatVersion) {
    throw InputError(path,
                     "has dataset format version " + std::to_string(version) + ", newer than " +
                         std::to_string(Dataset::kFormatVersion) + " that this program knows",
                     "use a newer afterglow, or make it again with this one");
  }
  for (const char* name : {"size", "seed", "fit", "colorizer", "colorizer_sha256"}) {
    if (!file.has_attribute(".", name)) {
      throw InputError(path, std::string("has no attribute '") + name + "'", kRemake);
    }
  }
  if (version < 1) throw InputError(path, "has no valid format version", kRemake);
  const std::int64_t size = file.read_integer(".", "size");
  if (size < 1 || size > kLargestSize) {
    throw InputError(path, "has frames of impossible size " + std::to_string(size), kRemake);
  }
  DatasetHeader header;
  header.size = static_cast<int>(size);
  header.seed = static_cast<std::uint64_t>(file.read_integer(".", "seed"));
  header.fit = parse_fit(file.read_string(".", "fit"), path);
  header.colorizer = file.read_string(".", "colorizer");
  header.colorizer_sha256 = file.read_string(".", "colorizer_sha256");
  return header;
}

/// What a clip's frames, or their flow, must be made of: (T, size, size, channels).
struct FrameType {
  hdf5::DatasetInfo::Element element;
  std::uint64_t bytes;
  std::uint64_t channels;
  const char* name;
};
constexpr FrameType kPixels{hdf5::DatasetInfo::Element::kInteger, 1, 3, "uint8"};
constexpr FrameType kFlow{hdf5::DatasetInfo::Element::kFloat, 4, 2, "float32"};

/// The number of frames of one of a clip's datasets.
std::int64_t frames_of(const hdf5::File& file, const std::string& path, const std::string& object,
                       int size, const FrameType& type) {
  if (!file.is_dataset(object)) throw InputError(path, "has no dataset /" + object, kRemake);
  const hdf5::DatasetInfo info = file.dataset_info(object);
  const auto side = static_cast<std::uint64_t>(size);
  if (info.element != type.element || info.element_size != type.bytes || info.shape.size() != 4 ||
      info.shape[1] != side || info.shape[2] != side || info.shape[3] != type.channels) {
    throw InputError(path,
                     "/" + object + " is not " + type.name + " (frames, " + std::to_string(size) +
                         ", " + std::to_string(size) + ", " + std::to_string(type.channels) + ")",
                     kRemake);
  }
  if (info.shape[0] == 0) throw InputError(path, "/" + object + " has no frames", kRemake);
  if (info.shape[0] > kMostFrames) {
    throw InputError(
        path,
        "/" + object + " has an impossible number of frames, " + std::to_string(info.shape[0]),
        kRemake);
  }
  return static_cast<std::int64_t>(info.shape[0]);
}

ClipInfo read_clip(const hdf5::File& file, const std::string& path, const std::string& id,
                   int size) {
  const std::string group = clip_path(id);
  if (!file.is_group(group)) throw InputError(path, "/" + group + " is not a clip", kRemake);
  ClipInfo clip;
  clip.id = id;
  clip.frames = frames_of(file, path, group + "/colorized", size, kPixels);
  const std::int64_t truths = frames_of(file, path, group + "/truth", size, kPixels);
  if (truths != clip.frames) {
    throw InputError(path,
                     "clip '" + id + "' has " + std::to_string(clip.frames) + " colorized and " +
                         std::to_string(truths) + " true frames",
                     kRemake);
  }
  clip.has_flow = file.contains(group + "/flow");
  if (clip.has_flow) {
    const std::int64_t flows = frames_of(file, path, group + "/flow", size, kFlow);
    if (flows != clip.frames) {
      throw InputError(path,
                       "clip '" + id + "' has " + std::to_string(clip.frames) +
                           " frames and flow for " + std::to_string(flows),
                       kRemake);
    }
  }
  for (const char* name : {"fps", "source", "split"}) {
    if (!file.has_attribute(group, name)) {
      throw InputError(path, "clip '" + id + "' has no attribute '" + name + "'", kRemake);
    }
  }
  clip.fps = file.read_number(group, "fps");
  if (!std::isfinite(clip.fps) || clip.fps <= 0) {
    throw InputError(path, "clip '" + id + "' has an impossible frame rate", kRemake);
  }
  clip.source = file.read_string(group, "source");
  clip.split = parse_split(file.read_string(group, "split"), path + " clip '" + id + "'");
  return clip;
}

template <typename Clips>
auto find_clip(Clips& clips, const std::string& id, const std::string& path) {
  const auto found =
      std::find_if(clips.begin(), clips.end(), [&](const ClipInfo& c) { return c.id == id; });
  if (found == clips.end()) {
    throw InputError(path, "has no clip '" + id + "'", "see afterglow info " + path);
  }
  return found;
}

}  // namespace

std::string fit_name(Fit fit) { return fit == Fit::kCrop ? "crop" : "resize"; }

Fit parse_fit(const std::string& text, const std::string& subject) {
  for (const Fit fit : {Fit::kCrop, Fit::kResize}) {
    if (text == fit_name(fit)) return fit;
  }
  throw InputError(subject, "'" + text + "' is no way to fit frames", "use crop or resize");
}

Dataset::Dataset(const std::filesystem::path& path)
    : path_(path), file_(hdf5::File::open(path)), header_(read_header(file_, path.string())) {
  if (!file_.is_group("clips")) throw InputError(path.string(), "has no group /clips", kRemake);
  for (const std::string& id : file_.open_group("clips").names()) {
    clips_.push_back(read_clip(file_, path.string(), id, header_.size));
  }
  if (clips_.empty()) throw InputError(path.string(), "has no clips", kRemake);
}

std::vector<ClipInfo> Dataset::clips(Split split) const {
  std::vector<ClipInfo> chosen;
  for (const ClipInfo& clip : clips_) {
    if (clip.split == split) chosen.push_back(clip);
  }
  return chosen;
}

const ClipInfo& Dataset::clip(const std::string& id) const {
  return *find_clip(clips_, id, path_.string());
}

std::size_t Dataset::frame_bytes() const {
  const auto side = static_cast<std::size_t>(header_.size);
  return side * side * 3;
}

void Dataset::read_colorized(const std::string& id, std::int64_t first, std::int64_t count,
                             std::span<std::uint8_t> dst) const {
  file_.read_rows<std::uint8_t>(clip_path(id) + "/colorized", static_cast<std::uint64_t>(first),
                                static_cast<std::uint64_t>(count), dst);
}

void Dataset::read_truth(const std::string& id, std::int64_t first, std::int64_t count,
                         std::span<std::uint8_t> dst) const {
  file_.read_rows<std::uint8_t>(clip_path(id) + "/truth", static_cast<std::uint64_t>(first),
                                static_cast<std::uint64_t>(count), dst);
}

bool Dataset::has_flow() const {
  return std::all_of(clips_.begin(), clips_.end(), [](const ClipInfo& c) { return c.has_flow; });
}

void Dataset::read_flow(const std::string& id, std::int64_t first, std::int64_t count,
                        std::span<float> dst) const {
  file_.read_rows<float>(clip_path(id) + "/flow", static_cast<std::uint64_t>(first),
                         static_cast<std::uint64_t>(count), dst);
}

DatasetWriter::DatasetWriter(const std::filesystem::path& path, const DatasetHeader& header)
    : header_(header), output_(path), file_(hdf5::File::create(output_.temporary(), path)) {
  file_->write_attribute(".", "format", std::string(kFormat));
  file_->write_attribute(".", "format_version", Dataset::kFormatVersion);
  file_->write_attribute(".", "size", std::int64_t{header.size});
  file_->write_attribute(".", "seed", static_cast<std::int64_t>(header.seed));
  file_->write_attribute(".", "fit", fit_name(header.fit));
  file_->write_attribute(".", "colorizer", header.colorizer);
  file_->write_attribute(".", "colorizer_sha256", header.colorizer_sha256);
  file_->create_group("clips");
}

ClipInfo& DatasetWriter::find(const std::string& id) {
  return *find_clip(clips_, id, output_.path().string());
}

void DatasetWriter::begin_clip(const std::string& id, double fps, const std::string& source,
                               Split split) {
  if (id.empty() || id == "." || id.find('/') != std::string::npos) {
    throw InputError(source, "'" + id + "' cannot be a clip's name", "rename the file");
  }
  const std::string group = clip_path(id);
  if (file_->contains(group)) {
    throw InputError(source, "there is a clip '" + id + "' already", "rename the file");
  }
  file_->create_group(group);
  const auto side = static_cast<std::uint64_t>(header_.size);
  const std::uint64_t row_shape[] = {side, side, 3};
  file_->create_rows<std::uint8_t>(group + "/colorized", row_shape, kDeflate);
  file_->create_rows<std::uint8_t>(group + "/truth", row_shape, kDeflate);
  file_->write_attribute(group, "fps", fps);
  file_->write_attribute(group, "source", source);
  clips_.push_back({id, 0, fps, source, split, false});
}

void DatasetWriter::add_frame(const Picture& colorized, const Picture& truth,
                              std::span<const float> flow) {
  for (const Picture* picture : {&colorized, &truth}) {
    if (picture->width != header_.size || picture->height != header_.size) {
      throw ShapeError("a frame of " + std::to_string(picture->width) + "x" +
                       std::to_string(picture->height) + " in a dataset of size " +
                       std::to_string(header_.size));
    }
  }
  ClipInfo& clip = clips_.back();
  const std::string group = clip_path(clip.id);
  const auto side = static_cast<std::uint64_t>(header_.size);
  if (clip.frames == 0 && !flow.empty()) {
    const std::uint64_t row_shape[] = {side, side, kFlow.channels};
    file_->create_rows<float>(group + "/flow", row_shape, kDeflate);
    clip.has_flow = true;
  }
  if (flow.size() != (clip.has_flow ? side * side * kFlow.channels : 0)) {
    throw ShapeError("a flow of " + std::to_string(flow.size()) + " values in clip '" + clip.id +
                     "' " + (clip.has_flow ? "of another size" : "without flow"));
  }
  if (clip.has_flow) file_->append_rows<float>(group + "/flow", flow);
  file_->append_rows<std::uint8_t>(group + "/colorized", colorized.rgb);
  file_->append_rows<std::uint8_t>(group + "/truth", truth.rgb);
  ++clip.frames;
}

void DatasetWriter::drop_clip(const std::string& id) {
  const auto clip = find_clip(clips_, id, output_.path().string());
  file_->remove(clip_path(id));
  clips_.erase(clip);
}

void DatasetWriter::set_split(const std::string& id, Split split) { find(id).split = split; }

void DatasetWriter::commit() {
  for (const ClipInfo& clip : clips_) {
    if (clip.frames == 0) {
      throw RunError(output_.path().string() + ": clip '" + clip.id + "' has no frames");
    }
    file_->write_attribute(clip_path(clip.id), "split", split_name(clip.split));
  }
  file_->flush();
  file_.reset();
  output_.commit();
}

}  // namespace afterglow
