#include "data/film_samples.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "data/film_source.hpp"
#include "data/libav.hpp"
#include "data/pixels.hpp"

namespace afterglow {
namespace {

constexpr int kFewSeen = 8;  // frames to begin at; of films with fewer the front is looked at, too
constexpr int kStep = 6;     // frames from one sample to the next then

using Show = std::function<void(const FilmFrame&)>;

FilmFrame as_film_frame(FilmFrame::Content content) {
  return FilmFrame(std::make_shared<FilmFrame::Content>(std::move(content)));
}

void sample_folder(const std::vector<std::filesystem::path>& files, int count, const Show& show) {
  const std::size_t samples = std::min(files.size(), std::size_t(count));
  for (std::size_t k = 0; k < samples; ++k) {
    FilmFrame::Content content;
    content.picture = read_picture(files[(2 * k + 1) * files.size() / (2 * samples)]);
    show(as_film_frame(std::move(content)));
  }
}

/// A film to look into here and there; a place where it cannot be decoded is passed over.
class Searched {
 public:
  explicit Searched(const std::filesystem::path& film)
      : input_(libav::open_input(film)), packet_(libav::make_packet()) {
    const AVCodec* decoder = nullptr;
    const int index = av_find_best_stream(input_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (index < 0 || decoder == nullptr) return;
    stream_ = input_->streams[index];
    codec_.reset(avcodec_alloc_context3(decoder));
    if (!codec_) throw std::bad_alloc();
    avcodec_parameters_to_context(codec_.get(), stream_->codecpar);
    if (avcodec_open2(codec_.get(), decoder, nullptr) < 0) codec_.reset();
  }

  /// The frame from which decoding can begin before `share` (0..1) of the film; nothing if it was
  /// seen before.
  std::optional<FilmFrame> at(double share) {
    const std::int64_t length = libav::length_of(*input_);
    if (!codec_ || length == 0) return std::nullopt;
    const std::int64_t begin = input_->start_time == AV_NOPTS_VALUE ? 0 : input_->start_time;
    const auto place = begin + std::int64_t(share * double(length));
    if (avformat_seek_file(input_.get(), -1, INT64_MIN, place, place, 0) < 0) return std::nullopt;
    avcodec_flush_buffers(codec_.get());
    libav::FramePtr frame = decode();
    if (!frame || frame->best_effort_timestamp == last_ ||
        !settle_colour(*frame, codec_->codec_id) || !has_rgb(AVPixelFormat(frame->format))) {
      return std::nullopt;
    }
    last_ = frame->best_effort_timestamp;
    FilmFrame::Content content;
    content.frame = std::move(frame);
    content.converter = converter_;
    return as_film_frame(std::move(content));
  }

 private:
  libav::FramePtr decode() {
    libav::FramePtr frame = libav::make_frame();
    while (avcodec_receive_frame(codec_.get(), frame.get()) < 0) {
      if (av_read_frame(input_.get(), packet_.get()) < 0) return nullptr;
      if (packet_->stream_index == stream_->index) {
        avcodec_send_packet(codec_.get(), packet_.get());
      }
      av_packet_unref(packet_.get());
    }
    const bool whole =
        (frame->flags & AV_FRAME_FLAG_CORRUPT) == 0 && frame->decode_error_flags == 0;
    return whole ? std::move(frame) : nullptr;
  }

  libav::InputPtr input_;
  libav::PacketPtr packet_;
  libav::CodecPtr codec_;
  AVStream* stream_ = nullptr;  // owned by input_
  std::int64_t last_ = AV_NOPTS_VALUE;
  std::shared_ptr<RgbConverter> converter_ = std::make_shared<RgbConverter>();
};

/// The next frame, or nothing at the end or where reading tells of something broken.
std::optional<FilmFrame> next_whole(FilmReader& reader) {
  try {
    return reader.read();
  } catch (const InputError&) {
    return std::nullopt;
  }
}

void sample_front(FilmReader& reader, int count, const Show& show) {
  int shown = 0;
  while (shown < count) {
    const std::optional<FilmFrame> frame = next_whole(reader);
    if (!frame) return;
    if (frame->index() % kStep != 0) continue;
    show(*frame);
    ++shown;
  }
}

/// True for a frame of the film's own size and pixel format: those of its first frame.
bool is_alike(const FilmFrame& frame, const FilmReader::Source& film) {
  const AVFrame* const coded = frame.content().frame.get();
  return frame.width() == film.info.width && frame.height() == film.info.height &&
         (coded == nullptr || coded->format == film.format);
}

}  // namespace

void sample_frames(const std::filesystem::path& film, int count, const Show& show) {
  FilmReader reader(film);
  int seen = 0;
  const auto show_alike = [&](const FilmFrame& frame) {
    if (!is_alike(frame, reader.source())) return;
    show(frame);
    ++seen;
  };
  int enough = 1;
  if (reader.source().decoder) {
    enough = std::min(kFewSeen, count);
    Searched searched(film);
    for (int k = 0; k < count; ++k) {
      if (const auto frame = searched.at((k + 0.5) / count)) show_alike(*frame);
    }
  } else {
    sample_folder(reader.source().pictures, count, show_alike);
  }
  if (seen < enough) sample_front(reader, count, show_alike);
}

}  // namespace afterglow
