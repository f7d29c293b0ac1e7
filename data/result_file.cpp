#include "data/result_file.hpp"

#include "base/error.hpp"

namespace afterglow {
namespace {

constexpr const char* kResultFormat = "afterglow result";
constexpr const char* kRemakeResult = "make it again with afterglow colorize";

std::string result_path(const std::string& id) { return "clips/" + id; }

}  // namespace

ResultFile::ResultFile(const std::filesystem::path& path) : file_(hdf5::File::open(path)) {
  const std::string name = path.string();
  if (!file_.has_attribute(".", "format") || file_.read_string(".", "format") != kResultFormat) {
    throw InputError(name, "is not a result of afterglow colorize", kRemakeResult);
  }
  const std::int64_t version = file_.read_integer(".", "format_version");
  if (version > kFormatVersion) {
    throw InputError(name,
                     "has result format version " + std::to_string(version) + ", newer than " +
                         std::to_string(kFormatVersion),
                     "use a newer afterglow");
  }
  if (!file_.is_group("clips")) throw InputError(name, "has no clips", kRemakeResult);
  for (const std::string& id : file_.open_group("clips").names()) {
    const std::string dataset = result_path(id) + "/result";
    if (!file_.is_dataset(dataset)) {
      throw InputError(name, "clip '" + id + "' has no result", kRemakeResult);
    }
    const hdf5::DatasetInfo info = file_.dataset_info(dataset);
    const bool whole = info.shape.size() == 4 && info.shape[0] > 0 && info.shape[1] > 0 &&
                       info.shape[1] == info.shape[2] && info.shape[3] == 3 &&
                       info.element == hdf5::DatasetInfo::Element::kFloat;
    if (!whole || (size_ != 0 && info.shape[1] != std::uint64_t(size_))) {
      throw InputError(name, "clip '" + id + "' has no pictures of one size", kRemakeResult);
    }
    size_ = int(info.shape[1]);
    clips_.push_back({id, std::int64_t(info.shape[0]), file_.read_number(result_path(id), "fps")});
  }
  if (clips_.empty()) throw InputError(name, "has no clips", kRemakeResult);
}

void ResultFile::read_frame(const std::string& id, std::int64_t index, std::span<float> dst) const {
  file_.read_rows<float>(result_path(id) + "/result", std::uint64_t(index), 1, dst);
}

ResultWriter::ResultWriter(const std::filesystem::path& path, int size)
    : output_(path),
      size_(std::uint64_t(size)),
      file_(hdf5::File::create(output_.temporary(), path)) {
  file_->write_attribute(".", "format", std::string(kResultFormat));
  file_->write_attribute(".", "format_version", ResultFile::kFormatVersion);
}

void ResultWriter::begin_clip(const std::string& id, double fps, const std::string& source) {
  if (!ids_.insert(id).second) {
    throw InputError(source, "is a second clip called '" + id + "'", "give it another name");
  }
  clip_ = result_path(id);
  file_->create_group(clip_);
  const std::uint64_t row_shape[] = {size_, size_, 3};
  file_->create_rows<float>(clip_ + "/result", row_shape, 0);
  file_->write_attribute(clip_, "fps", fps);
  file_->write_attribute(clip_, "source", source);
}

void ResultWriter::add_frame(std::span<const float> frame) {
  file_->append_rows<float>(clip_ + "/result", frame);
}

void ResultWriter::commit() {
  file_->flush();
  file_.reset();
  output_.commit();
}

}  // namespace afterglow
