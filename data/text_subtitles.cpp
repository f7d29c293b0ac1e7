#include "data/text_subtitles.hpp"

#include <cstring>
#include <new>
#include <string_view>

namespace afterglow {
namespace {

constexpr int kMostBytes = 1 << 16;  // of one packet; mov_text counts them in 16 bits

AVCodecID text_codec_of(const AVOutputFormat& format) {
  const std::string_view name = format.name;
  if (name == "mp4" || name == "mov") return AV_CODEC_ID_MOV_TEXT;
  if (name == "matroska") return AV_CODEC_ID_SUBRIP;
  if (name == "webm") return AV_CODEC_ID_WEBVTT;
  return AV_CODEC_ID_NONE;
}

bool is_text(AVCodecID codec) {
  const AVCodecDescriptor* const descriptor = avcodec_descriptor_get(codec);
  return descriptor != nullptr && (descriptor->props & AV_CODEC_PROP_TEXT_SUB) != 0;
}

libav::CodecPtr context_of(const AVCodec& codec) {
  libav::CodecPtr context(avcodec_alloc_context3(&codec));
  if (!context) throw std::bad_alloc();
  return context;
}

}  // namespace

std::unique_ptr<TextSubtitles> TextSubtitles::make(const AVStream& stream,
                                                   const AVOutputFormat& format) {
  const AVCodecID to = text_codec_of(format);
  if (to == AV_CODEC_ID_NONE || !is_text(stream.codecpar->codec_id)) return nullptr;
  const AVCodec* const decoder = avcodec_find_decoder(stream.codecpar->codec_id);
  const AVCodec* const encoder = avcodec_find_encoder(to);
  if (decoder == nullptr || encoder == nullptr) return nullptr;
  std::unique_ptr<TextSubtitles> made(new TextSubtitles);
  made->decoder_ = context_of(*decoder);
  avcodec_parameters_to_context(made->decoder_.get(), stream.codecpar);
  made->decoder_->pkt_timebase = stream.time_base;
  if (avcodec_open2(made->decoder_.get(), decoder, nullptr) < 0) return nullptr;
  AVCodecContext& target = *(made->encoder_ = context_of(*encoder));
  target.time_base = stream.time_base;
  // The styles that the text refers to.
  const auto size = std::size_t(made->decoder_->subtitle_header_size);
  target.subtitle_header = static_cast<std::uint8_t*>(av_mallocz(size + 1));
  if (target.subtitle_header == nullptr) throw std::bad_alloc();
  if (size > 0) std::memcpy(target.subtitle_header, made->decoder_->subtitle_header, size);
  target.subtitle_header_size = int(size);
  if (avcodec_open2(&target, encoder, nullptr) < 0) return nullptr;
  return made;
}

void TextSubtitles::describe(AVCodecParameters& target) const {
  if (avcodec_parameters_from_context(&target, encoder_.get()) < 0) throw std::bad_alloc();
}

bool TextSubtitles::convert(AVPacket& packet) {
  AVSubtitle subtitle{};
  int found = 0;
  if (avcodec_decode_subtitle2(decoder_.get(), &subtitle, &found, &packet) < 0 || found == 0) {
    return false;
  }
  const libav::PacketPtr coded = libav::make_packet();
  if (av_new_packet(coded.get(), kMostBytes) < 0) {
    avsubtitle_free(&subtitle);
    throw std::bad_alloc();
  }
  subtitle.start_display_time = 0;
  const int size = avcodec_encode_subtitle(encoder_.get(), coded->data, coded->size, &subtitle);
  avsubtitle_free(&subtitle);
  if (size <= 0) return false;
  av_shrink_packet(coded.get(), size);
  av_packet_copy_props(coded.get(), &packet);
  av_packet_unref(&packet);
  av_packet_move_ref(&packet, coded.get());
  return true;
}

}  // namespace afterglow
