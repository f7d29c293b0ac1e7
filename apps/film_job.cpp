#include "apps/film_job.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "apps/commands.hpp"
#include "apps/disk_use.hpp"
#include "base/error.hpp"
#include "base/output_file.hpp"
#include "base/random.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPreview = "--preview ";

/// Size and time of a file, as far as it has any.
std::string state_of(const fs::path& path) {
  std::ostringstream text;
  std::error_code error;
  if (const auto size = fs::file_size(path, error); !error) text << ' ' << size;
  if (const auto time = fs::last_write_time(path, error); !error) {
    text << ' ' << time.time_since_epoch().count();
  }
  return text.str();
}

/// What tells whether a file, or a folder of them, is still the same; `out`, and what is made
/// beside it, may lie in that folder.
std::string state_of(const fs::path& path, const fs::path& out) {
  if (!fs::is_directory(path)) return state_of(path);
  std::error_code none;  // OUT's folder may have to be made yet
  const bool holds_out =
      !out.empty() && fs::equivalent(path, fs::absolute(out).parent_path(), none);
  const std::string name = out.filename().string();
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(path)) {
    const std::string file = entry.path().filename().string();
    const bool made =
        file == "config.toml" || (holds_out && (file == name || file.starts_with(name + ".")));
    if (!made) files.push_back(file + state_of(entry.path()));
  }
  std::sort(files.begin(), files.end());
  std::uint64_t hash = 0;
  for (const std::string& file : files) hash = stable_hash(file.data(), file.size(), hash);
  return ' ' + std::to_string(hash);
}

void describe_file(std::ostream& text, const char* what, const fs::path& path,
                   const fs::path& out = {}) {
  if (path.empty()) return;
  text << what << ' ' << fs::absolute(path).string() << state_of(path, out) << '\n';
}

std::string description_of(const ColorizeCommand& command, const Device& device,
                           const fs::path& input, const fs::path& out) {
  std::ostringstream text;
  text << "afterglow " << kVersion << ' ' << commit() << '\n';
  // Any number of programs have the name of a commit that was changed.
  if (std::string_view(commit()).ends_with("-changed"))
    describe_file(text, "program", "/proc/self/exe");
  describe_file(text, "IN", input, out);
  describe_file(text, "--gray", command.gray);
  describe_file(text, "--truth", command.truth, out);
  describe_file(text, "--model", command.model);
  describe_file(text, "--weights", command.eccv16.weights);
  describe_file(text, "--bins", command.eccv16.bins);
  for (const KeyFrame& key : parse_key_frames(command.keys)) {
    describe_file(text, ("--key " + std::to_string(key.index)).c_str(), key.picture);
  }
  // Devices differ in the last bits, and with them the film would.
  text << "--device " << (device.kind == Device::Kind::kCuda ? "cuda" : "cpu") << "\n--conv-algo "
       << command.backend.convolutions << "\n--precision " << command.backend.precision << '\n';
  text.precision(17);
  text << "--colorizer " << command.colorizer << "\n--temperature "
       << command.eccv16.temperature.value_or(0) << "\n--cuts " << command.cuts
       << "\n--source-kind " << command.source_kind << "\n--strength " << command.steady.strength
       << "\n--saturation " << command.steady.saturation << "\n--codec " << command.codec
       << "\n--side-by-side " << command.side_by_side << "\n--previous " << command.previous
       << "\n--output paper " << (command.output == "paper") << "\n--wrap " << command.wrap << '\n';
  if (!command.preview.empty()) text << kPreview << command.preview << '\n';
  return text.str();
}

std::string content_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace

void tell_made(const fs::path& out, std::int64_t frames) {
  std::printf("%s: %lld %s\n", out.c_str(), static_cast<long long>(frames),
              frames == 1 ? "frame" : "frames");
  std::fflush(stdout);  // of several films, each when it is done
}

FilmJob::FilmJob(const ColorizeCommand& command, const Device& device, const fs::path& input,
                 const fs::path& out)
    : out_(out.has_filename() ? out : out.parent_path()),
      described_(description_of(command, device, input, out_)),
      preview_(!command.preview.empty()) {
  if (is_hdf5(out)) return;
  record_ = out_;
  record_ += ".job";
  if (preview_ || !out.has_extension() || command.output == "paper") return;
  folder_ = out;
  folder_ += ".parts";
  if (!fs::exists(folder_)) return;
  if (content_of(description()) != described_ && !fs::is_empty(folder_)) {
    throw InputError(
        folder_.string(),
        "holds what was made of other files, with other options, on another device or by another "
        "build",
        "run as before to go on, or remove that folder to begin again");
  }
}

FilmJob::~FilmJob() {
  std::error_code ignored;
  if (places_) fs::remove(placing(), ignored);
  if (!without_parts_) return;
  fs::remove(description(), ignored);
  fs::remove(first_place_, ignored);
  fs::remove(folder_, ignored);  // succeeds when nothing else is in it
}

/// Is there while OUT and its record may not be of one job.
fs::path FilmJob::placing() const { return out_.string() + ".placing"; }

fs::path FilmJob::place_file(std::int64_t frames) const {
  return folder_ / ("place-" + std::to_string(frames) + ".h5");
}

void FilmJob::make(FilmClip& clip, FilmWriter& writer,
                   const std::function<void(const FilmPlace&)>& colour) {
  tell_replaced();
  // A whole film, with its streams.
  if (!folder_.empty()) tell_left_out(clip.left_out());
  tell_left_out(writer.left_out());
  if (writer.frames() > 0) {
    std::fprintf(stderr, "afterglow: %s: going on behind frame %lld\n", out_.c_str(),
                 static_cast<long long>(writer.frames() - 1));
  }
  if (!folder_.empty()) {
    tell_disk_use(writer, clip.luma_film(), clip.streams_from(), folder_, out_);
  }
  const FilmPlace place = begin(writer);
  try {
    clip.skip_coloured(place.frames);
    colour(place);
  } catch (const InputError& error) {
    if (writer.frames() == 0) throw;
    throw InputError(std::string(error.what()) + " (frames 0 to " +
                     std::to_string(writer.frames() - 1) + " are done, in " + folder_.string() +
                     ")");
  }
  before_commit();
  tell_left_out(writer.commit());
  finish(clip.frames());
}

/// Makes the folder tell what the job is, before its first part, and says where it stands: behind
/// the writer's finished parts.
FilmPlace FilmJob::begin(const FilmWriter& writer) {
  without_parts_ = !folder_.empty() && writer.frames() == 0;
  if (without_parts_) write_text_file(description(), described_);
  return writer.frames() == 0 ? FilmPlace{} : load_place(place_file(writer.frames()));
}

void FilmJob::end_part(FilmWriter& writer, const FilmPlace& place) {
  if (folder_.empty()) return;
  const std::int64_t before = writer.frames();
  if (before == 0) first_place_ = place_file(place.frames);
  save_place(place_file(place.frames), place);
  writer.end_part();
  without_parts_ = false;
  std::error_code ignored;
  fs::remove(place_file(before), ignored);
}

/// Which OUT there is, wherever it and its record may have been moved.
std::string FilmJob::state() const { return "OUT" + state_of(out_, {}) + '\n'; }

bool FilmJob::is_done() {
  if (record_.empty() || !fs::exists(out_)) return false;
  const std::string record = content_of(record_);
  if (record != described_ + state()) {
    require_replaceable(record);
    replaces_ = record.ends_with(state());
    return false;
  }
  remove_folder();
  std::fprintf(stderr,
               "afterglow: %s: is made already, by the same job; remove it to make it again\n",
               out_.c_str());
  return true;
}

void FilmJob::require_replaceable(const std::string& record) const {
  const bool folder = fs::is_directory(out_);
  if (folder && !out_.has_extension() && fs::is_empty(out_)) return;
  if (fs::exists(placing())) return;
  if (!record.ends_with('\n' + state())) {
    if (folder) {
      throw InputError(out_.string(), "is a folder that no job of colorize left so",
                       "give another --out, such as FOLDER/NAME.mkv for a film");
    }
    throw InputError(out_.string(), "is there, and not as a job of colorize left it",
                     "remove it, or give another --out");
  }
  if (preview_ && record.find('\n' + std::string(kPreview)) == std::string::npos) {
    throw InputError(out_.string(), "is a whole film, which a preview would replace",
                     "give another --out, or remove it");
  }
}

void FilmJob::tell_replaced() const {
  if (!replaces_) return;
  std::fprintf(stderr,
               "afterglow: %s: was made of other files, with other options, on another device or "
               "by another build, and will be replaced\n",
               out_.c_str());
}

void FilmJob::before_commit() {
  if (record_.empty()) return;
  if (fs::exists(out_)) require_replaceable(content_of(record_));
  write_text_file(placing(), {});
  places_ = true;
}

void FilmJob::finish(std::int64_t frames) {
  if (record_.empty()) return;
  write_text_file(record_, described_ + state());
  remove_folder();
  tell_made(out_, frames);
}

void FilmJob::remove_folder() {
  if (folder_.empty()) return;
  // What a kill leaves of it must not be taken for a job.
  fs::path done = folder_;
  done += ".done";
  std::error_code ignored;
  fs::remove_all(done, ignored);
  fs::rename(folder_, done, ignored);
  fs::remove_all(done, ignored);
}

}  // namespace afterglow
