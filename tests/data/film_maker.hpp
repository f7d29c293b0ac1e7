// Small films and sounds for tests, made by libav.
#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>
#include <vector>

#include "base/random.hpp"
#include "data/libav.hpp"
#include "data/picture.hpp"
#include "data/video_file.hpp"

namespace afterglow {

inline Picture random_picture(int width, int height, std::uint64_t seed) {
  Rng rng(seed);
  Picture picture(width, height);
  for (std::uint8_t& value : picture.rgb) value = std::uint8_t(rng.below(256));
  return picture;
}

inline Picture plain_picture(int width, int height, std::uint8_t r, std::uint8_t g,
                             std::uint8_t b) {
  Picture picture(width, height);
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    picture.rgb[i] = r;
    picture.rgb[i + 1] = g;
    picture.rgb[i + 2] = b;
  }
  return picture;
}

/// Fills every plane of a frame with random samples of its own depth.
inline void fill_random(AVFrame& frame, std::uint64_t seed) {
  Rng rng(seed);
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(AVPixelFormat(frame.format));
  const int planes = av_pix_fmt_count_planes(AVPixelFormat(frame.format));
  for (int p = 0; p < planes; ++p) {
    const bool chroma = p == 1 || p == 2;
    const int height = chroma ? AV_CEIL_RSHIFT(frame.height, d.log2_chroma_h) : frame.height;
    const int width = chroma ? AV_CEIL_RSHIFT(frame.width, d.log2_chroma_w) : frame.width;
    for (int y = 0; y < height; ++y) {
      std::uint8_t* const row = frame.data[p] + std::ptrdiff_t(y) * frame.linesize[p];
      for (int x = 0; x < width; ++x) {
        const auto sample = std::uint16_t(rng.below(std::uint64_t{1} << d.comp[0].depth));
        if (d.comp[0].depth > 8) {
          reinterpret_cast<std::uint16_t*>(row)[x] = sample;
        } else {
          row[x] = std::uint8_t(sample);
        }
      }
    }
  }
}

/// Of films of tests, limited range.
inline VideoParameters parameters_of(AVPixelFormat format, int width = 32, int height = 24,
                                     AVColorSpace matrix = AVCOL_SPC_SMPTE170M) {
  VideoParameters parameters;
  parameters.format = format;
  parameters.width = width;
  parameters.height = height;
  parameters.time_base = {1, 1000};
  parameters.matrix = matrix;
  parameters.range = AVCOL_RANGE_MPEG;
  return parameters;
}

/// The bytes of a frame's luma plane, row by row.
inline std::string luma_bytes(const AVFrame& frame) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(AVPixelFormat(frame.format));
  const int size = d.comp[0].depth > 8 ? 2 : 1;
  std::string bytes;
  for (int y = 0; y < frame.height; ++y) {
    bytes.append(
        reinterpret_cast<const char*>(frame.data[0] + std::ptrdiff_t(y) * frame.linesize[0]),
        std::size_t(frame.width * size));
  }
  return bytes;
}

/// A film of random frames, coded by FFV1 (.mkv) or lossless H.264 (.mp4, .mov), one frame at each
/// of `pts`.
inline void make_film(const std::filesystem::path& path, const VideoParameters& parameters,
                      const std::vector<std::int64_t>& pts) {
  const FilmFormat& format = film_format(path);
  VideoFile file(path, format.lossless_yuv, parameters);
  for (std::size_t i = 0; i < pts.size(); ++i) {
    const libav::FramePtr frame =
        libav::make_frame(parameters.format, parameters.width, parameters.height);
    fill_random(*frame, 100 + i);
    frame->colorspace = parameters.matrix;
    frame->color_range = parameters.range;
    frame->pts = pts[i];
    file.write(*frame);
  }
  file.commit();
}

/// A film of random frames (.mpg, MPEG-2) that grows: 16 frames of 64 x 48, then 48 of 96 x 80, all
/// of them frames from which decoding can begin.
inline void make_growing_film(const std::filesystem::path& path) {
  const auto part = [&path](int width, int height, std::int64_t begin, std::int64_t end) {
    VideoParameters parameters = parameters_of(AV_PIX_FMT_YUV420P, width, height);
    parameters.time_base = {1, 25};
    std::filesystem::path name = path;
    name.replace_extension("part.mpg");
    VideoFile file(name, "mpeg", {"mpeg2video", {{"g", "1"}, {"b", "4000000"}}}, parameters, false);
    for (std::int64_t pts = begin; pts < end; ++pts) {
      const libav::FramePtr frame = libav::make_frame(parameters.format, width, height);
      fill_random(*frame, std::uint64_t(pts));
      frame->colorspace = parameters.matrix;
      frame->color_range = parameters.range;
      frame->pts = pts;
      file.write(*frame);
    }
    file.commit();
    std::ifstream made(name, std::ios::binary);
    std::ofstream(path, std::ios::binary | std::ios::app) << made.rdbuf();
    std::filesystem::remove(name);
  };
  part(64, 48, 0, 16);
  part(96, 80, 16, 64);
}

/// A tone as a WAV file: 16-bit mono, 8 kHz.
inline void make_wav(const std::filesystem::path& path, double seconds) {
  constexpr std::uint32_t kRate = 8000;
  const auto samples = std::uint32_t(seconds * kRate);
  std::string bytes;
  const auto number = [&bytes](std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(char(value >> (8 * i) & 0xFF));
  };
  bytes += "RIFF";
  number(36 + samples * 2, 4);
  bytes += "WAVEfmt ";
  number(16, 4);
  number(1, 2);  // PCM
  number(1, 2);  // channels
  number(kRate, 4);
  number(kRate * 2, 4);
  number(2, 2);
  number(16, 2);
  bytes += "data";
  number(samples * 2, 4);
  for (std::uint32_t i = 0; i < samples; ++i) {
    number(std::uint32_t(std::int32_t(9000 * std::sin(0.3 * i))), 2);
  }
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A tone as an AAC film without pictures (.mp4, .mkv).
inline void make_aac(const std::filesystem::path& path, double seconds) {
  constexpr int kRate = 16000;
  libav::silence();
  AVFormatContext* made = nullptr;
  avformat_alloc_output_context2(&made, nullptr, nullptr, path.c_str());
  const libav::OutputPtr container(made);
  const AVCodec* const codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
  const libav::CodecPtr encoder(avcodec_alloc_context3(codec));
  encoder->sample_rate = kRate;
  encoder->sample_fmt = AV_SAMPLE_FMT_FLTP;
  encoder->bit_rate = 32000;
  encoder->time_base = {1, kRate};
  av_channel_layout_default(&encoder->ch_layout, 1);
  encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  avcodec_open2(encoder.get(), codec, nullptr);
  AVStream* const stream = avformat_new_stream(made, nullptr);
  avcodec_parameters_from_context(stream->codecpar, encoder.get());
  avio_open(&made->pb, path.c_str(), AVIO_FLAG_WRITE);
  if (avformat_write_header(made, nullptr) < 0) throw std::runtime_error("no AAC film");
  const libav::PacketPtr packet = libav::make_packet();
  const auto drain = [&] {
    while (avcodec_receive_packet(encoder.get(), packet.get()) >= 0) {
      av_packet_rescale_ts(packet.get(), encoder->time_base, stream->time_base);
      av_interleaved_write_frame(made, packet.get());
    }
  };
  const int size = encoder->frame_size;
  for (std::int64_t pts = 0; double(pts) < seconds * kRate; pts += size) {
    const libav::FramePtr frame = libav::make_frame();
    frame->format = encoder->sample_fmt;
    frame->nb_samples = size;
    av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout);
    av_frame_get_buffer(frame.get(), 0);
    float* const samples = reinterpret_cast<float*>(frame->data[0]);
    for (int i = 0; i < size; ++i) samples[i] = float(0.3 * std::sin(0.1 * double(pts + i)));
    frame->pts = pts;
    avcodec_send_frame(encoder.get(), frame.get());
    drain();
  }
  avcodec_send_frame(encoder.get(), nullptr);
  drain();
  av_write_trailer(made);
}

using Packets = std::vector<std::tuple<std::int64_t, std::string>>;

/// When a film's first frame is shown (of one without pictures: where it begins), in microseconds.
inline std::int64_t first_time(AVFormatContext& film) {
  const int picture = av_find_best_stream(&film, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (picture < 0) return film.start_time;
  const AVStream& stream = *film.streams[picture];
  return av_rescale_q(stream.start_time, stream.time_base, AV_TIME_BASE_Q);
}

/// Every packet of one of a film's streams: its time in microseconds from the film's first frame,
/// and its bytes.
inline Packets packets_of_stream(const std::filesystem::path& path, int stream) {
  const libav::InputPtr input = libav::open_input(path);
  const libav::PacketPtr packet = libav::make_packet();
  Packets packets;
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    if (packet->stream_index == stream) {
      const AVRational unit = input->streams[stream]->time_base;
      packets.emplace_back(
          av_rescale_q(packet->pts, unit, AV_TIME_BASE_Q) - first_time(*input),
          std::string(reinterpret_cast<char*>(packet->data), std::size_t(packet->size)));
    }
    av_packet_unref(packet.get());
  }
  return packets;
}

/// The same of a film's best track of a kind.
inline Packets packets_of(const std::filesystem::path& path, AVMediaType kind) {
  const libav::InputPtr input = libav::open_input(path);
  return packets_of_stream(path, av_find_best_stream(input.get(), kind, -1, -1, nullptr, 0));
}

}  // namespace afterglow
