#include "data/stream_copy.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "data/film_encoder.hpp"

namespace afterglow {
namespace {

bool is_called(const AVOutputFormat& format, std::string_view name) { return format.name == name; }

bool is_matroska(const AVOutputFormat& format) { return is_called(format, "matroska"); }

/// True when the streams of a container may be of this kind, as they are.
bool takes(const AVOutputFormat& format, const AVCodecParameters& parameters) {
  if (parameters.codec_type == AVMEDIA_TYPE_ATTACHMENT) return is_matroska(format);
  return avformat_query_codec(&format, parameters.codec_id, FF_COMPLIANCE_NORMAL) != 0;
}

bool is_cover(const AVStream& stream) {
  return (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0 && stream.attached_pic.size > 0;
}

/// True where packets must not only not go back in time, but go on.
bool wants_rising_times(const AVFormatContext& output, AVMediaType kind) {
  return (output.oformat->flags & AVFMT_TS_NONSTRICT) == 0 && kind != AVMEDIA_TYPE_SUBTITLE &&
         kind != AVMEDIA_TYPE_DATA;
}

/// "the subtitles of stream 2 (subrip, eng)"
std::string description(const AVStream& stream) {
  const char* kind = "the picture";
  switch (stream.codecpar->codec_type) {
    case AVMEDIA_TYPE_AUDIO:
      kind = "the sound";
      break;
    case AVMEDIA_TYPE_SUBTITLE:
      kind = "the subtitles";
      break;
    case AVMEDIA_TYPE_ATTACHMENT:
      kind = "the attachment";
      break;
    case AVMEDIA_TYPE_VIDEO:
      if (is_cover(stream)) kind = "the cover";
      break;
    default:
      kind = "the data";
  }
  std::string text = std::string(kind) + " of stream " + std::to_string(stream.index) + " (" +
                     avcodec_get_name(stream.codecpar->codec_id);
  for (const char* key : {"filename", "language"}) {
    const AVDictionaryEntry* const entry = av_dict_get(stream.metadata, key, nullptr, 0);
    if (entry != nullptr) text += std::string(", ") + entry->value;
  }
  return text + ")";
}

int picture_of(AVFormatContext& film) {
  return av_find_best_stream(&film, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
}

/// True for a stream that is neither the picture nor told otherwise: of what it discards the
/// demuxer has made chapters, and a time code stands in the metadata.
bool goes_beside(const AVStream& stream, int picture) {
  const bool told =
      stream.discard == AVDISCARD_ALL || stream.codecpar->codec_tag == MKTAG('t', 'm', 'c', 'd');
  return (stream.index != picture || is_cover(stream)) && !told;
}

const char* const kChapters = "the film's chapters";

}  // namespace

std::vector<std::string> names_of_others(const std::filesystem::path& film) {
  const libav::InputPtr input = libav::open_input(film);
  const int picture = picture_of(*input);
  std::vector<std::string> names;
  for (unsigned i = 0; i < input->nb_streams; ++i) {
    if (goes_beside(*input->streams[i], picture)) names.push_back(description(*input->streams[i]));
  }
  if (input->nb_chapters > 0) names.push_back(kChapters);
  return names;
}

StreamCopy::StreamCopy(const std::filesystem::path& source, AVFormatContext& output,
                       const std::string& output_name)
    : source_name_(source.string()),
      output_name_(output_name),
      input_(libav::open_input(source)),
      packet_(libav::make_packet()),
      tracks_(input_->nb_streams) {
  const int picture = picture_of(*input_);
  for (unsigned i = 0; i < input_->nb_streams; ++i) {
    AVStream& stream = *input_->streams[i];
    if (goes_beside(stream, picture)) add(stream, output, tracks_[i]);
    if (tracks_[i].target < 0) {
      stream.discard = AVDISCARD_ALL;
    } else {
      ended_ = false;
    }
  }
  if ((input_->ctx_flags & AVFMTCTX_NOHEADER) != 0) ended_ = false;  // others may appear
  add_chapters(output);
}

void StreamCopy::add(const AVStream& stream, AVFormatContext& output, Track& track) {
  const AVCodecParameters& parameters = *stream.codecpar;
  if (is_cover(stream)) {
    if (!add_cover(stream, output, track)) leave_out(description(stream), true);
    return;
  }
  if (parameters.codec_type == AVMEDIA_TYPE_VIDEO || !takes(*output.oformat, parameters)) {
    if (parameters.codec_type == AVMEDIA_TYPE_AUDIO) {
      throw InputError(output_name_,
                       std::string("cannot hold the film's sound, which is ") +
                           avcodec_get_name(parameters.codec_id),
                       "write a .mkv instead");
    }
    if (add_text(stream, output, track)) return;
    const AVOutputFormat& matroska = *av_guess_format("matroska", nullptr, nullptr);
    leave_out(description(stream),
              parameters.codec_type != AVMEDIA_TYPE_VIDEO && takes(matroska, parameters));
    return;
  }
  AVStream& target = add_stream(stream, output, track);
  if (avcodec_parameters_copy(target.codecpar, &parameters) < 0) throw std::bad_alloc();
  target.codecpar->codec_tag = 0;  // the output container's own
}

bool StreamCopy::add_text(const AVStream& stream, AVFormatContext& output, Track& track) {
  track.converter = TextSubtitles::make(stream, *output.oformat);
  if (!track.converter) return false;
  track.converter->describe(*add_stream(stream, output, track).codecpar);
  return true;
}

/// A cover is a picture of its own kind in .mp4, and an attachment in .mkv.
bool StreamCopy::add_cover(const AVStream& stream, AVFormatContext& output, Track& track) {
  const AVCodecParameters& parameters = *stream.codecpar;
  const bool attached = is_matroska(*output.oformat);
  const bool jpeg = parameters.codec_id == AV_CODEC_ID_MJPEG;
  if (!jpeg && parameters.codec_id != AV_CODEC_ID_PNG) return false;
  if (!attached && !is_called(*output.oformat, "mp4")) return false;
  AVStream& target = add_stream(stream, output, track);
  if (avcodec_parameters_copy(target.codecpar, &parameters) < 0) throw std::bad_alloc();
  target.codecpar->codec_tag = 0;
  if (!attached) return true;
  track.target = -1;  // it has no packets
  const AVPacket& picture = stream.attached_pic;
  target.disposition = 0;
  target.codecpar->codec_type = AVMEDIA_TYPE_ATTACHMENT;
  av_freep(&target.codecpar->extradata);
  target.codecpar->extradata = static_cast<std::uint8_t*>(
      av_mallocz(std::size_t(picture.size) + AV_INPUT_BUFFER_PADDING_SIZE));
  if (target.codecpar->extradata == nullptr) throw std::bad_alloc();
  std::memcpy(target.codecpar->extradata, picture.data, std::size_t(picture.size));
  target.codecpar->extradata_size = picture.size;
  av_dict_set(&target.metadata, "mimetype", jpeg ? "image/jpeg" : "image/png", 0);
  av_dict_set(&target.metadata, "filename", jpeg ? "cover.jpg" : "cover.png",
              AV_DICT_DONT_OVERWRITE);
  return true;
}

AVStream& StreamCopy::add_stream(const AVStream& stream, AVFormatContext& output, Track& track) {
  AVStream* const target = avformat_new_stream(&output, nullptr);
  if (target == nullptr) throw std::bad_alloc();
  target->time_base = stream.time_base;
  target->disposition = stream.disposition;
  av_dict_copy(&target->metadata, stream.metadata, 0);
  track.target = target->index;
  return *target;
}

void StreamCopy::add_chapters(AVFormatContext& output) {
  if (input_->nb_chapters == 0) return;
  if (is_called(*output.oformat, "avi")) {
    leave_out(kChapters, true);
    return;
  }
  int added = 0;
  for (unsigned i = 0; i < input_->nb_chapters; ++i) {
    const AVChapter& chapter = *input_->chapters[i];
    auto* const copy = static_cast<AVChapter*>(av_mallocz(sizeof(AVChapter)));
    if (copy == nullptr || av_dynarray_add_nofree(&output.chapters, &added, copy) < 0) {
      throw std::bad_alloc();
    }
    output.nb_chapters = unsigned(added);
    const std::int64_t begin =
        input_->start_time == AV_NOPTS_VALUE
            ? 0
            : av_rescale_q(input_->start_time, AV_TIME_BASE_Q, chapter.time_base);
    copy->id = chapter.id;
    copy->time_base = chapter.time_base;
    copy->start = std::max<std::int64_t>(0, chapter.start - begin);
    copy->end = std::max<std::int64_t>(copy->start, chapter.end - begin);
    av_dict_copy(&copy->metadata, chapter.metadata, 0);
  }
}

void StreamCopy::leave_out(const std::string& what, bool matroska_keeps) {
  left_out_.push_back(output_name_ + ": cannot hold " + what + ", left out; " +
                      (matroska_keeps ? "a .mkv would keep it" : "keep the source for it"));
}

/// Reads the next packet of a track; its times then count from the source's beginning.
bool StreamCopy::fetch() {
  while (true) {
    const int code = av_read_frame(input_.get(), packet_.get());
    if (code == AVERROR_EOF) return false;
    if (code < 0) {
      throw InputError(source_name_, "has broken sound or subtitles: " + libav::error_text(code),
                       "copy it again whole");
    }
    const auto index = std::size_t(packet_->stream_index);
    if (index >= tracks_.size()) leave_out_late(index);
    if (tracks_[index].target >= 0) {
      TextSubtitles* const converter = tracks_[index].converter.get();
      if (converter == nullptr || converter->convert(*packet_)) break;
    }
    av_packet_unref(packet_.get());
  }
  if (packet_->dts == AV_NOPTS_VALUE) packet_->dts = packet_->pts;
  if (input_->start_time != AV_NOPTS_VALUE) {
    const AVRational unit = input_->streams[packet_->stream_index]->time_base;
    const std::int64_t begin = av_rescale_q(input_->start_time, AV_TIME_BASE_Q, unit);
    if (packet_->pts != AV_NOPTS_VALUE) packet_->pts -= begin;
    if (packet_->dts != AV_NOPTS_VALUE) packet_->dts -= begin;
  }
  return true;
}

/// Leaves out a stream that appears where the output's header is written long since, and those that
/// appeared before it.
void StreamCopy::leave_out_late(std::size_t index) {
  while (tracks_.size() <= index) {
    AVStream& stream = *input_->streams[tracks_.size()];
    stream.discard = AVDISCARD_ALL;
    left_out_.push_back(output_name_ + ": has not " + description(stream) +
                        ", which begins too late in the source, left out; make a .mkv of it with "
                        "`ffmpeg -probesize 2G -analyzeduration 2G -i IN -map 0 -c copy OUT`");
    tracks_.emplace_back();
  }
}

/// Raises a time that lies before the last one's, as the ffmpeg program does: libavformat would
/// refuse it. The packet's times are the output's.
void StreamCopy::keep_order(const AVStream& stream, const AVFormatContext& output, Track& track) {
  std::int64_t& dts = packet_->dts;
  if (dts == AV_NOPTS_VALUE) return;
  if (track.last != AV_NOPTS_VALUE) {
    if (dts < track.last && !std::exchange(track.goes_back, true)) {
      left_out_.push_back(output_name_ + ": times of " + description(stream) +
                          " go back in the source, and stand still here until they are made up "
                          "for; listen whether it goes with the picture");
    }
    dts = std::max(dts, track.last + wants_rising_times(output, stream.codecpar->codec_type));
  }
  if (packet_->pts != AV_NOPTS_VALUE) packet_->pts = std::max(packet_->pts, dts);
  track.last = dts;
}

void StreamCopy::copy_until(double seconds, AVFormatContext& output) {
  while (!ended_) {
    if (!fetched_ && !fetch()) {
      ended_ = true;
      return;
    }
    fetched_ = true;
    const AVStream& stream = *input_->streams[packet_->stream_index];
    const AVRational unit = stream.time_base;
    if (packet_->dts != AV_NOPTS_VALUE && double(packet_->dts) * av_q2d(unit) > seconds) return;
    Track& track = tracks_[std::size_t(packet_->stream_index)];
    packet_->stream_index = track.target;
    packet_->pos = -1;
    av_packet_rescale_ts(packet_.get(), unit, output.streams[track.target]->time_base);
    keep_order(stream, output, track);
    fetched_ = false;
    if (const int code = av_interleaved_write_frame(&output, packet_.get()); code < 0) {
      refuse_writing(output_name_, code);
    }
  }
}

}  // namespace afterglow
