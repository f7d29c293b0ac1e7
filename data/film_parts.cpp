#include "data/film_parts.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.hpp"

namespace afterglow {
namespace {

/// `what`: a file in the folder of parts, or that folder.
[[noreturn]] void refuse_parts(const std::filesystem::path& what,
                               const std::filesystem::path& folder) {
  throw InputError(what.string(), "is damaged",
                   "remove the folder " + folder.string() + " and run again");
}

libav::InputPtr open_part(const std::filesystem::path& path) {
  try {
    libav::InputPtr input = libav::open_input(path);
    if (input->nb_streams == 1) return input;
  } catch (const InputError&) {
    // Its remedy, another film, is none here.
  }
  refuse_parts(path, path.parent_path());
}

/// A part as it is read back.
class PartReader {
 public:
  explicit PartReader(const std::filesystem::path& path)
      : input_(open_part(path)), packet_(libav::make_packet()) {}

  const AVStream& stream() const { return *input_->streams[0]; }

  /// The next packet, or null at the end.
  AVPacket* next() {
    av_packet_unref(packet_.get());
    return av_read_frame(input_.get(), packet_.get()) < 0 ? nullptr : packet_.get();
  }

 private:
  libav::InputPtr input_;
  libav::PacketPtr packet_;
};

/// Times of the frames of all parts, in order of decoding.
using Times = std::vector<std::int64_t>;

/// By how many frames decoding must be ahead of presentation.
std::int64_t reorder_delay(const Times& decoded, const Times& shown) {
  std::int64_t delay = 0;
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    const auto rank = std::lower_bound(shown.begin(), shown.end(), decoded[i]) - shown.begin();
    delay = std::max(delay, static_cast<std::int64_t>(i) - rank);
  }
  return delay;
}

/// When the i-th packet is decoded: when the frame `delay` places before is shown, and steadily
/// before the first.
std::int64_t decode_time(const Times& shown, std::int64_t i, std::int64_t delay) {
  const std::int64_t last = static_cast<std::int64_t>(shown.size()) - 1;
  const auto at = [&](std::int64_t k) {
    return shown[static_cast<std::size_t>(std::min(k, last))];
  };
  return i >= delay ? at(i - delay) : 2 * shown.front() - at(delay - i);
}

}  // namespace

FilmParts::FilmParts(std::filesystem::path folder, const char* container,
                     const EncoderChoice& choice, const VideoParameters& parameters)
    : folder_(std::move(folder)), container_(container), choice_(choice), parameters_(parameters) {
  while (std::filesystem::exists(facts(parts_))) {
    std::ifstream file(facts(parts_));
    const auto told = nlohmann::json::parse(file, nullptr, false);
    const auto has = [&](const char* name) {
      return told.is_object() && told.contains(name) && told[name].is_number_integer();
    };
    if (!has("frames") || !has("last_time") || !has("last_duration")) {
      refuse_parts(facts(parts_), folder_);
    }
    // Before hours of work: the rest is read only in the end.
    if (!std::filesystem::exists(video(parts_))) refuse_parts(folder_, folder_);
    frames_ += told["frames"].get<std::int64_t>();
    last_time_ = told["last_time"].get<std::int64_t>();
    last_duration_ = told["last_duration"].get<std::int64_t>();
    ++parts_;
  }
}

std::filesystem::path FilmParts::video(std::int64_t part) const {
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "part-%05lld.nut", static_cast<long long>(part));
  return folder_ / name.data();
}

std::filesystem::path FilmParts::facts(std::int64_t part) const {
  return video(part).replace_extension(".json");
}

void FilmParts::write(AVFrame& frame) {
  if (!current_) {
    VideoParameters plain = parameters_;
    plain.metadata = nullptr;
    plain.track_metadata = nullptr;
    plain.streams_from.clear();
    plain.display_matrix.clear();
    current_.emplace(video(parts_), kPartContainer, choice_, plain,
                     FilmContainer::wants_global_header(container_));
  }
  // An encoder keeps times apart that a coarse unit has made equal, but knows its own part alone.
  if (frames_ + current_frames_ > 0) frame.pts = std::max(frame.pts, last_time_ + 1);
  last_time_ = frame.pts;
  last_duration_ = frame.pkt_duration;
  current_->write(frame);
  ++current_frames_;
}

void FilmParts::end_part() {
  if (!current_) return;
  current_->commit();
  current_.reset();
  const nlohmann::json told{
      {"frames", current_frames_}, {"last_time", last_time_}, {"last_duration", last_duration_}};
  write_text_file(facts(parts_), told.dump() + "\n");
  frames_ += std::exchange(current_frames_, 0);
  ++parts_;
}

std::vector<std::string> FilmParts::join(const std::filesystem::path& path) const {
  Times decoded;
  for (std::int64_t k = 0; k < parts_; ++k) {
    PartReader part(video(k));
    const AVRational unit = part.stream().time_base;
    while (const AVPacket* packet = part.next()) {
      decoded.push_back(av_rescale_q(packet->pts, unit, parameters_.time_base));
    }
  }
  Times shown = decoded;
  std::sort(shown.begin(), shown.end());
  if (static_cast<std::int64_t>(shown.size()) != frames_ ||
      std::adjacent_find(shown.begin(), shown.end()) != shown.end()) {
    refuse_parts(folder_, folder_);
  }
  const std::int64_t delay = reorder_delay(decoded, shown);
  std::optional<FilmContainer> film;
  std::int64_t index = 0;
  for (std::int64_t k = 0; k < parts_; ++k) {
    PartReader part(video(k));
    if (!film) {
      film.emplace(path, container_, *part.stream().codecpar, parameters_.time_base, parameters_);
    }
    while (AVPacket* packet = part.next()) {
      packet->pts = decoded[static_cast<std::size_t>(index)];
      packet->dts = decode_time(shown, index++, delay);
      const auto next = std::upper_bound(shown.begin(), shown.end(), packet->pts);
      packet->duration = next == shown.end() ? last_duration_ : *next - packet->pts;
      film->write(*packet);
    }
  }
  film->commit();
  return film->left_out();
}

}  // namespace afterglow
