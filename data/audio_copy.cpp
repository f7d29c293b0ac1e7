#include "data/audio_copy.hpp"

#include <new>

#include "base/error.hpp"

namespace afterglow {

AudioCopy::AudioCopy(const std::filesystem::path& source, AVFormatContext& output,
                     const std::string& output_name)
    : source_name_(source.string()),
      output_name_(output_name),
      input_(libav::open_input(source)),
      packet_(libav::make_packet()),
      targets_(input_->nb_streams, -1) {
  for (unsigned i = 0; i < input_->nb_streams; ++i) {
    AVStream& track = *input_->streams[i];
    if (track.codecpar->codec_type != AVMEDIA_TYPE_AUDIO) {
      track.discard = AVDISCARD_ALL;
      continue;
    }
    const AVCodecID codec = track.codecpar->codec_id;
    if (avformat_query_codec(output.oformat, codec, FF_COMPLIANCE_NORMAL) == 0) {
      throw InputError(
          output_name_,
          std::string("cannot hold the film's sound, which is ") + avcodec_get_name(codec),
          "write a .mkv instead");
    }
    AVStream* const target = avformat_new_stream(&output, nullptr);
    if (target == nullptr || avcodec_parameters_copy(target->codecpar, track.codecpar) < 0) {
      throw std::bad_alloc();
    }
    target->codecpar->codec_tag = 0;  // the output container's own
    target->time_base = track.time_base;
    target->disposition = track.disposition;
    av_dict_copy(&target->metadata, track.metadata, 0);
    targets_[i] = target->index;
    ended_ = false;
  }
}

/// Reads the next audio packet; its times then count from the source's beginning.
bool AudioCopy::fetch() {
  while (true) {
    const int code = av_read_frame(input_.get(), packet_.get());
    if (code == AVERROR_EOF) return false;
    if (code < 0) {
      throw InputError(source_name_, "has a broken sound track: " + libav::error_text(code),
                       "copy it again whole");
    }
    // Streams may appear later than the header; those are left out.
    if (std::size_t(packet_->stream_index) < targets_.size() &&
        targets_[std::size_t(packet_->stream_index)] >= 0) {
      break;
    }
    av_packet_unref(packet_.get());
  }
  if (input_->start_time != AV_NOPTS_VALUE) {
    const AVRational unit = input_->streams[packet_->stream_index]->time_base;
    const std::int64_t begin = av_rescale_q(input_->start_time, AV_TIME_BASE_Q, unit);
    if (packet_->pts != AV_NOPTS_VALUE) packet_->pts -= begin;
    if (packet_->dts != AV_NOPTS_VALUE) packet_->dts -= begin;
  }
  return true;
}

void AudioCopy::copy_until(double seconds, AVFormatContext& output) {
  while (!ended_) {
    if (!fetched_ && !fetch()) {
      ended_ = true;
      return;
    }
    fetched_ = true;
    const AVRational unit = input_->streams[packet_->stream_index]->time_base;
    if (packet_->dts != AV_NOPTS_VALUE && double(packet_->dts) * av_q2d(unit) > seconds) return;
    const int target = targets_[std::size_t(packet_->stream_index)];
    packet_->stream_index = target;
    packet_->pos = -1;
    av_packet_rescale_ts(packet_.get(), unit, output.streams[target]->time_base);
    fetched_ = false;
    if (const int code = av_interleaved_write_frame(&output, packet_.get()); code < 0) {
      throw RunError(output_name_ + ": the sound could not be written: " + libav::error_text(code) +
                     "; free some space and run again");
    }
  }
}

}  // namespace afterglow
