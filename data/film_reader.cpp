#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "data/film_source.hpp"
#include "data/names.hpp"
#include "data/picture_folder.hpp"
#include "data/reduced_picture.hpp"
#include "data/stream_copy.hpp"

namespace afterglow {
namespace {

void open_folder(FilmReader::Source& source) {
  source.pictures = list_pictures(source.path);
  const Picture first = read_picture(source.pictures.front());
  FramesInfo& info = source.info;
  info.width = first.width;
  info.height = first.height;
  info.fps = kFolderRate;
  info.count = std::int64_t(source.pictures.size());
  info.codec = source.pictures.front().extension().string().substr(1);
  info.matrix = "rgb";
  info.full_range = true;
}

void open_film(FilmReader::Source& source) {
  VideoDecoder& decoder = source.decoder.emplace(source.path);
  source.first = decoder.read();
  const AVFrame& frame = *source.first;
  source.begin = frame.pts;
  source.format = AVPixelFormat(frame.format);
  if (!has_rgb(source.format)) {
    throw InputError(source.path.string(),
                     std::string("has the pixel format ") + av_get_pix_fmt_name(source.format) +
                         ", which cannot be converted to RGB",
                     "convert it to yuv420p with a program that reads it");
  }
  source.coding = coding_of(frame);
  const bool rgb = layout_of(source.format) == PixelLayout::kRgb;
  FramesInfo& info = source.info;
  info.width = frame.width;
  info.height = frame.height;
  info.fps = av_q2d(decoder.frame_rate());
  info.count = decoder.stream().nb_frames;
  info.codec = avcodec_get_name(decoder.stream().codecpar->codec_id);
  info.matrix = rgb ? "rgb" : matrix_name(source.coding.matrix);
  info.full_range = source.coding.full_range;
}

/// Seconds by which a time that means a frame's own may come behind it: it is rounded to
/// milliseconds, as one writes it.
constexpr double kRounding = 5e-4;
/// In units: of the computation itself.
constexpr double kComputed = 1e-6;

/// How many units fit before the first frame that is shown at `seconds`, so rounded, or later.
std::int64_t units_before(double seconds, double unit) {
  return std::int64_t(std::ceil((seconds - kRounding) / unit - kComputed));
}

[[noreturn]] void refuse_stretch(const FilmReader::Source& source, const Stretch& stretch,
                                 double last) {
  char text[96];
  if (last < stretch.begin) {
    std::snprintf(text, sizeof text, "has no frame at second %.2f or later: its last is at %.2f",
                  stretch.begin, last);
    throw InputError(source.path.string(), text, "begin earlier");
  }
  std::snprintf(text, sizeof text, "has no frame that begins in %g seconds from second %.2f on",
                stretch.seconds, stretch.begin);
  throw InputError(source.path.string(), text, "take a longer stretch");
}

/// Leaves what lies outside of a stretch.
void narrow_film(FilmReader::Source& source, const Stretch& stretch) {
  const double unit = av_q2d(source.decoder->time_base());
  const std::int64_t wanted = source.begin + units_before(stretch.begin, unit);
  if (std::isfinite(stretch.seconds)) {
    source.end = source.begin + units_before(stretch.begin + stretch.seconds, unit);
  }
  if (source.first->pts < wanted) {
    source.first = source.decoder->seek(wanted);
    if (source.first) {
      source.before.reset();
    } else {
      source.first = source.decoder.emplace(source.path).read();
    }
  }
  std::int64_t last = source.begin;
  while (source.first && source.first->pts < wanted) {
    throw_if_interrupted();
    last = source.first->pts;
    source.first = source.decoder->read();
    if (source.before) ++*source.before;
  }
  if (!source.first || source.first->pts >= source.end) {
    const std::int64_t seen = source.first ? source.first->pts : last;
    refuse_stretch(source, stretch, double(seen - source.begin) * unit);
  }
  source.begun = double(source.first->pts - source.begin) * unit;
  source.begin = source.first->pts;
}

void narrow_folder(FilmReader::Source& source, const Stretch& stretch) {
  const auto count = std::int64_t(source.pictures.size());
  const double unit = 1.0 / kFolderRate;
  const std::int64_t begin = units_before(stretch.begin, unit);
  const std::int64_t end =
      std::isfinite(stretch.seconds) ? units_before(stretch.begin + stretch.seconds, unit) : count;
  if (begin >= std::min(end, count)) {
    refuse_stretch(source, stretch, double(std::min(begin, count - 1)) * unit);
  }
  source.begun = double(begin) * unit;
  source.before = begin;
  source.pictures = {source.pictures.begin() + begin,
                     source.pictures.begin() + std::min(end, count)};
}

}  // namespace

std::int64_t FilmFrame::index() const { return content_->index; }

double FilmFrame::seconds() const { return content_->seconds; }

int FilmFrame::width() const {
  return content_->frame ? content_->frame->width : content_->picture.width;
}

int FilmFrame::height() const {
  return content_->frame ? content_->frame->height : content_->picture.height;
}

Picture FilmFrame::picture() const {
  return content_->frame ? content_->converter->convert(*content_->frame) : content_->picture;
}

Picture FilmFrame::picture(int width, int height) const {
  return resize_area(picture(), width, height);
}

Picture FilmFrame::reduced_picture(int width, int height) const {
  const AVFrame* const frame = content_->frame.get();
  const PixelLayout layout = frame ? layout_of(AVPixelFormat(frame->format)) : PixelLayout::kRgb;
  if (layout == PixelLayout::kRgb || layout == PixelLayout::kOther) return picture(width, height);
  return afterglow::reduced_picture(*frame, width, height);
}

FilmReader::FilmReader(const std::filesystem::path& path, const Stretch& stretch)
    : source_(std::make_unique<Source>()) {
  source_->path = path;
  source_->info.source = path.string();
  if (std::filesystem::is_directory(path)) {
    open_folder(*source_);
  } else {
    open_film(*source_);
  }
  source_->is_whole = stretch.is_whole();
  if (source_->is_whole) return;
  if (source_->decoder) {
    narrow_film(*source_, stretch);
    source_->info.count = 0;
  } else {
    narrow_folder(*source_, stretch);
    source_->info.count = std::int64_t(source_->pictures.size());
  }
}

FilmReader::~FilmReader() = default;
FilmReader::FilmReader(FilmReader&&) noexcept = default;
FilmReader& FilmReader::operator=(FilmReader&&) noexcept = default;

const FramesInfo& FilmReader::info() const { return source_->info; }

std::int64_t FilmReader::expected_frames() const {
  if (source_->info.count > 0 || !source_->decoder) return source_->info.count;
  if (!source_->is_whole) return 0;
  const std::int64_t length = libav::length_of(source_->decoder->container());
  return std::llround(double(length) / AV_TIME_BASE * source_->info.fps);
}

double FilmReader::begun() const { return source_->begun; }

std::int64_t FilmReader::frames_before() const {
  if (source_->before) return *source_->before;
  FilmReader front(source_->path);
  std::int64_t frames = 0;
  for (;; ++frames) {
    throw_if_interrupted();
    const std::optional<FilmFrame> frame = front.read();
    if (!frame || frame->content().frame->pts >= source_->begin) return frames;
  }
}

bool FilmReader::has_audio() const { return source_->decoder && source_->decoder->has_audio(); }

std::vector<std::string> FilmReader::others() const {
  return source_->decoder ? names_of_others(source_->path) : std::vector<std::string>();
}

std::optional<FilmFrame> FilmReader::read() {
  auto content = std::make_shared<FilmFrame::Content>();
  content->index = source_->next;
  content->converter = source_->converter;
  if (source_->decoder) {
    content->frame =
        source_->first ? std::exchange(source_->first, nullptr) : source_->decoder->read();
    if (!content->frame || content->frame->pts >= source_->end) return std::nullopt;
    content->seconds =
        double(content->frame->pts - source_->begin) * av_q2d(source_->decoder->time_base());
  } else {
    if (source_->next == source_->info.count) return std::nullopt;
    const std::filesystem::path& path = source_->pictures[std::size_t(source_->next)];
    content->picture = read_picture(path);
    const Picture& picture = content->picture;
    if (picture.width != source_->info.width || picture.height != source_->info.height) {
      throw InputError(path.string(),
                       "is " + size_text(picture.width, picture.height) + ", but " +
                           source_->pictures.front().filename().string() + " is " +
                           size_text(source_->info.width, source_->info.height),
                       "give pictures of one size");
    }
    content->seconds = double(source_->next) / kFolderRate;
  }
  ++source_->next;
  return FilmFrame(std::move(content));
}

std::int64_t FilmReader::skip(std::int64_t frames) {
  if (!source_->decoder) {
    const std::int64_t there = std::min(frames, source_->info.count - source_->next);
    source_->next += there;
    return there;
  }
  std::int64_t there = 0;
  while (there < frames && read()) {
    throw_if_interrupted();
    ++there;
  }
  return there;
}

void skip_coloured(FilmReader& film, std::int64_t frames) {
  const std::int64_t there = film.skip(frames);
  if (there == frames) return;
  throw InputError(film.info().source,
                   "ends behind " + std::to_string(there) + " frames, but " +
                       std::to_string(frames) + " of it are coloured",
                   "run again to begin anew");
}

}  // namespace afterglow
