#include "data/film_container.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <new>
#include <string_view>

#include "base/error.hpp"

namespace afterglow {
namespace {

/// What a picture's track says of itself that is true of it newly encoded, too.
constexpr std::array<const char*, 4> kKeptOfTrack = {"title", "language", "handler_name",
                                                     "timecode"};

/// The name of a codec in a container: its own (0), but ProRes's says the profile, and Apple's
/// players know H.265 by one name alone.
std::uint32_t tag_of(const AVCodecParameters& stream, std::string_view container) {
  const bool apple = container == "mp4" || container == "mov";
  if (stream.codec_id == AV_CODEC_ID_PRORES) return stream.codec_tag;
  return stream.codec_id == AV_CODEC_ID_HEVC && apple ? MKTAG('h', 'v', 'c', '1') : 0;
}

}  // namespace

bool FilmContainer::wants_global_header(const char* format) {
  const AVOutputFormat* const output = av_guess_format(format, nullptr, nullptr);
  return output != nullptr && (output->flags & AVFMT_GLOBALHEADER) != 0;
}

FilmContainer::FilmContainer(const std::filesystem::path& path, const char* format,
                             const AVCodecParameters& stream, AVRational time_base,
                             const VideoParameters& parameters)
    : output_(path), time_base_(time_base) {
  libav::silence();
  const std::string url = libav::file_url(output_.temporary());
  AVFormatContext* container = nullptr;
  // The context keeps the name: moving the index to the front reads the file again.
  avformat_alloc_output_context2(&container, nullptr, format, url.c_str());
  if (container == nullptr) throw std::bad_alloc();
  container_.reset(container);
  container->flags |= AVFMT_FLAG_BITEXACT;  // no random identifiers: the same film, the same bits
  // The first part of a film is not to be moved alone, to where its decoding begins at 0.
  if (std::string_view(format) == kPartContainer) container->avoid_negative_ts = 0;
  make_stream(stream, parameters);
  av_dict_copy(&container->metadata, parameters.metadata, 0);
  if (!parameters.streams_from.empty()) {
    streams_.emplace(parameters.streams_from, *container, path.string());
    // Frames do not wait in memory for the next subtitle: what is copied comes in order of time.
    container->max_interleave_delta = AV_TIME_BASE;
  }
  if (const int code = avio_open(&container->pb, url.c_str(), AVIO_FLAG_WRITE); code < 0) {
    throw InputError(path.string(), "cannot be written: " + libav::error_text(code),
                     "choose another output path");
  }
  AVDictionary* options = nullptr;
  av_dict_set(&options, "movflags", "+faststart", 0);
  const int code = avformat_write_header(container, &options);
  av_dict_free(&options);
  if (code < 0) {
    throw InputError(path.string(), "cannot be written as such a film: " + libav::error_text(code),
                     "write a .mkv instead");
  }
}

void FilmContainer::make_stream(const AVCodecParameters& stream,
                                const VideoParameters& parameters) {
  stream_ = avformat_new_stream(container_.get(), nullptr);
  if (stream_ == nullptr || avcodec_parameters_copy(stream_->codecpar, &stream) < 0) {
    throw std::bad_alloc();
  }
  stream_->codecpar->codec_tag = tag_of(stream, container_->oformat->name);
  // What codecs do not all say themselves, so that parts have lost it.
  stream_->codecpar->format = parameters.format;
  stream_->codecpar->sample_aspect_ratio = parameters.sample_aspect;
  stream_->codecpar->color_space = parameters.matrix;
  stream_->codecpar->color_range = parameters.range;
  stream_->codecpar->color_primaries = parameters.primaries;
  stream_->codecpar->color_trc = parameters.transfer;
  stream_->codecpar->chroma_location = parameters.chroma_location;
  stream_->time_base = time_base_;
  stream_->avg_frame_rate = parameters.frame_rate;
  stream_->sample_aspect_ratio = parameters.sample_aspect;
  stream_->disposition = parameters.disposition;
  for (const char* key : kKeptOfTrack) {
    const AVDictionaryEntry* const entry = av_dict_get(parameters.track_metadata, key, nullptr, 0);
    if (entry != nullptr) av_dict_set(&stream_->metadata, key, entry->value, 0);
  }
  if (!parameters.display_matrix.empty()) {
    std::uint8_t* const data = av_stream_new_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX,
                                                       parameters.display_matrix.size());
    if (data == nullptr) throw std::bad_alloc();
    std::copy(parameters.display_matrix.begin(), parameters.display_matrix.end(), data);
  }
}

void FilmContainer::require(int code) const {
  if (code < 0) refuse_writing(output_.path(), code);
}

void FilmContainer::write(AVPacket& packet) {
  if (streams_) streams_->copy_until(double(packet.dts) * av_q2d(time_base_), *container_);
  packet.stream_index = stream_->index;
  packet.pos = -1;
  av_packet_rescale_ts(&packet, time_base_, stream_->time_base);
  require(av_interleaved_write_frame(container_.get(), &packet));
  require(container_->pb->error);
}

std::vector<std::string> FilmContainer::left_out() const {
  return streams_ ? streams_->left_out() : std::vector<std::string>();
}

void FilmContainer::commit() {
  if (streams_) streams_->copy_until(std::numeric_limits<double>::infinity(), *container_);
  require(av_write_trailer(container_.get()));
  require(container_->pb->error);
  require(avio_closep(&container_->pb));
  output_.commit();
}

}  // namespace afterglow
