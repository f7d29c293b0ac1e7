#include <utility>

#include "base/error.hpp"
#include "data/film_source.hpp"
#include "data/names.hpp"
#include "data/picture_folder.hpp"
#include "data/reduced_picture.hpp"

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

FilmReader::FilmReader(const std::filesystem::path& path) : source_(std::make_unique<Source>()) {
  source_->path = path;
  source_->info.source = path.string();
  if (std::filesystem::is_directory(path)) {
    open_folder(*source_);
  } else {
    open_film(*source_);
  }
}

FilmReader::~FilmReader() = default;
FilmReader::FilmReader(FilmReader&&) noexcept = default;
FilmReader& FilmReader::operator=(FilmReader&&) noexcept = default;

const FramesInfo& FilmReader::info() const { return source_->info; }

bool FilmReader::has_audio() const { return source_->decoder && source_->decoder->has_audio(); }

std::optional<FilmFrame> FilmReader::read() {
  auto content = std::make_shared<FilmFrame::Content>();
  content->index = source_->next;
  content->converter = source_->converter;
  if (source_->decoder) {
    content->frame =
        source_->first ? std::exchange(source_->first, nullptr) : source_->decoder->read();
    if (!content->frame) return std::nullopt;
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

}  // namespace afterglow
