#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "data/film_parts.hpp"
#include "data/film_planes.hpp"
#include "data/film_refusals.hpp"
#include "data/film_source.hpp"
#include "data/names.hpp"
#include "data/side_by_side.hpp"
#include "data/video_file.hpp"

namespace afterglow {
namespace {

/// The pixel formats, best first, in which a film's luma can be kept with new chroma: its own, then
/// those of finer chroma (coarser would lose some), then those of 10 bits.
std::vector<AVPixelFormat> wanted_formats(const FilmReader::Source& source) {
  const PixelLayout layout = layout_of(source.format);
  std::vector<AVPixelFormat> formats;
  if (layout == PixelLayout::kOther) return formats;
  const bool planar = layout == PixelLayout::kPlanarYuv;
  if (planar) formats.push_back(source.format);
  const AVPixFmtDescriptor& own = *av_pix_fmt_desc_get(planar ? source.format : AV_PIX_FMT_YUV420P);
  const int bits = layout == PixelLayout::kRgb ? 8 : bits_of(source.format);
  for (const int depth : {bits, bits == 8 ? 10 : bits}) {
    for (const char* name : {"yuv420p", "yuv422p", "yuv444p"}) {
      const std::string suffix = depth > 8 ? std::to_string(depth) + "le" : "";
      const AVPixelFormat format = av_get_pix_fmt((name + suffix).c_str());
      const AVPixFmtDescriptor* const d = av_pix_fmt_desc_get(format);
      if (d != nullptr && d->log2_chroma_w <= own.log2_chroma_w &&
          d->log2_chroma_h <= own.log2_chroma_h) {
        formats.push_back(format);
      }
    }
  }
  return formats;
}

/// How the new film names its matrix: as the source does, or not at all, where that means the same
/// of it.
AVColorSpace named_matrix(const FilmReader::Source& source, const YCbCrCoding& coding,
                          VideoCodec codec) {
  if (!source.decoder) return libav_matrix(coding.matrix);
  const AVColorSpace& own = source.decoder->stream().codecpar->color_space;
  const int number = matrix_number(own);
  // No encoder is asked for a reserved number, and ProRes's knows one of BT.601's two.
  const bool writable =
      number != AVCOL_SPC_RESERVED && (codec != VideoCodec::kProRes || number != AVCOL_SPC_BT470BG);
  const bool same = matrix_of(number, source.info.width, source.info.height) == coding.matrix;
  return same && writable ? own : libav_matrix(coding.matrix);
}

int written_width(AVPixelFormat format, int width, bool side_by_side) {
  return side_by_side ? 2 * half_width(format, width) : width;
}

AVPixelFormat choose_format(const FilmReader::Source& source, const EncoderChoice& choice,
                            bool side_by_side) {
  for (const AVPixelFormat format : wanted_formats(source)) {
    const int width = written_width(format, source.info.width, side_by_side);
    if (encoder_takes(choice, format, width, source.info.height)) return format;
  }
  throw InputError(
      source.path.string(),
      std::string("has the pixel format ") + av_get_pix_fmt_name(source.format) +
          ", whose luma cannot be kept in such a film",
      "convert it with `ffmpeg -i IN -pix_fmt yuv420p OUT`, or write a .mkv with --codec "
      "lossless");
}

}  // namespace

/// What a film becomes: a film file or a folder of pictures.
struct FilmWriter::Target {
  std::filesystem::path source_path;
  std::optional<VideoFile> video;
  std::optional<FilmParts> parts;
  std::vector<std::string> left_out;
  std::filesystem::path out;
  const EncoderChoice* choice = nullptr;  // of a film
  VideoParameters parameters;
  int width = 0;  // of the source's pictures
  bool side_by_side = false;
  YCbCrCoding coding;
  AVRational source_time_base{1, kFolderRate};
  std::int64_t source_begin = 0;  // where the source's time starts, in source_time_base
  std::unique_ptr<FrameWriter> folder;

  /// Throws ShapeError when a frame is of another size than the film.
  void require_size(const FilmFrame& frame) const;
  void open_video(const FilmReader::Source& source, const FilmOptions& options);
  void take_from(const VideoDecoder& decoder, const FilmFormat& format);
  libav::FramePtr joined(const FilmFrame& frame, const RgbView& rgb, const FilmFrame& given) const;
  void write_picture(const FilmFrame& frame, const RgbView& rgb, const FilmFrame* given);
};

void FilmWriter::Target::require_size(const FilmFrame& frame) const {
  if (frame.width() == width && frame.height() == parameters.height) return;
  throw ShapeError("FilmWriter: a frame of " + size_text(frame.width(), frame.height()) +
                   " in a film of " + size_text(width, parameters.height));
}

/// Takes over times, geometry and colour from a film.
void FilmWriter::Target::take_from(const VideoDecoder& decoder, const FilmFormat& format) {
  const AVStream& stream = decoder.stream();
  const AVFormatContext& container = decoder.container();
  source_time_base = decoder.time_base();
  if (container.start_time != AV_NOPTS_VALUE) {
    source_begin = av_rescale_q(container.start_time, AV_TIME_BASE_Q, source_time_base);
  }
  parameters.time_base = source_time_base;
  parameters.frame_rate = decoder.frame_rate();
  parameters.sample_aspect = stream.sample_aspect_ratio.num != 0
                                 ? stream.sample_aspect_ratio
                                 : stream.codecpar->sample_aspect_ratio;
  parameters.primaries = stream.codecpar->color_primaries;
  parameters.transfer = stream.codecpar->color_trc;
  parameters.chroma_location = stream.codecpar->chroma_location;
  parameters.metadata = container.metadata;
  parameters.track_metadata = stream.metadata;
  parameters.disposition = stream.disposition;
  std::size_t size = 0;
  const std::uint8_t* const matrix =
      av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (matrix != nullptr) parameters.display_matrix.assign(matrix, matrix + size);
  if (matrix != nullptr && !format.keeps_rotation) {
    throw InputError(out.string(), "cannot hold the film's rotation", "write a .mp4 or .mov");
  }
}

void FilmWriter::Target::open_video(const FilmReader::Source& source, const FilmOptions& options) {
  const FilmFormat& format = film_format(out);
  choice = &yuv_encoder(out, options.codec);
  const bool rgb = layout_of(source.format) == PixelLayout::kRgb;
  coding = rgb ? YCbCrCoding{Matrix::kBt601, true, 8} : source.coding;
  parameters.height = source.info.height;
  parameters.format = choose_format(source, *choice, side_by_side);
  parameters.width = written_width(parameters.format, width, side_by_side);
  coding.bits = bits_of(parameters.format);
  if (options.codec == VideoCodec::kProRes) coding.full_range = false;  // it knows no other
  parameters.time_base = source_time_base;
  parameters.frame_rate = av_d2q(source.info.fps, 100000);
  if (source.decoder) take_from(*source.decoder, format);
  if (!source.is_whole) source_begin = source.begin;
  if (format.ticks_per_second == 0) parameters.time_base = av_inv_q(parameters.frame_rate);
  parameters.matrix = named_matrix(source, coding, options.codec);
  parameters.range = coding.full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  if (source.is_whole) {
    parameters.streams_from = options.streams_from;
    if (options.streams_from.empty() && source.decoder) parameters.streams_from = source.path;
  }
  video.emplace(out, *choice, parameters);
  left_out = video->left_out();
  if (!options.parts.empty()) {
    video.reset();  // it was a trial: what the container cannot hold is known before the work
    parts.emplace(options.parts, format.container, *choice, parameters);
  }
}

FilmWriter::FilmWriter(const std::filesystem::path& path, const FilmReader& source,
                       const FilmOptions& options)
    : target_(std::make_unique<Target>()) {
  const FilmReader::Source& film = source.source();
  target_->source_path = film.path;
  target_->width = film.info.width;
  target_->side_by_side = options.side_by_side;
  if (film.decoder) refuse_film(film.path, film.decoder->stream());
  if (path.has_extension()) {
    target_->out = path;
    target_->open_video(film, options);
    return;
  }
  if (layout_of(film.format) == PixelLayout::kOther) {
    throw InputError(film.path.string(),
                     std::string("has the pixel format ") + av_get_pix_fmt_name(film.format) +
                         ", whose luma cannot be kept",
                     "convert it with `ffmpeg -i IN -pix_fmt yuv420p OUT`");
  }
  VideoParameters& parameters = target_->parameters;
  parameters.format = AV_PIX_FMT_RGB24;
  parameters.width = written_width(parameters.format, film.info.width, options.side_by_side);
  parameters.height = film.info.height;
  target_->folder = create_frames(path, parameters.width, parameters.height, film.info.fps);
}

FilmWriter::~FilmWriter() = default;
FilmWriter::FilmWriter(FilmWriter&&) noexcept = default;
FilmWriter& FilmWriter::operator=(FilmWriter&&) noexcept = default;

int FilmWriter::chroma_width() const {
  const AVPixelFormat format = target_->parameters.format;
  return AV_CEIL_RSHIFT(target_->width, av_pix_fmt_desc_get(format)->log2_chroma_w);
}

int FilmWriter::chroma_height() const {
  const VideoParameters& parameters = target_->parameters;
  return AV_CEIL_RSHIFT(parameters.height, av_pix_fmt_desc_get(parameters.format)->log2_chroma_h);
}

/// The frame as it is encoded, but for its time.
libav::FramePtr FilmWriter::Target::joined(const FilmFrame& frame, const RgbView& rgb,
                                           const FilmFrame& given) const {
  libav::FramePtr result = libav::make_frame(parameters.format, width, parameters.height);
  copy_luma(frame, coding, *result);
  fill_chroma(rgb, coding, *result);
  if (side_by_side) {
    const libav::FramePtr left = libav::make_frame(parameters.format, width, parameters.height);
    copy_luma(frame, coding, *left);
    copy_chroma(given, coding, *left);
    result = afterglow::side_by_side(*left, *result, coding);
  }
  result->colorspace = parameters.matrix;
  result->color_range = parameters.range;
  result->sample_aspect_ratio = parameters.sample_aspect;
  return result;
}

void FilmWriter::Target::write_picture(const FilmFrame& frame, const RgbView& rgb,
                                       const FilmFrame* given) {
  Picture result = recoloured_picture(frame, rgb);
  if (side_by_side) {
    Picture left = frame.picture();
    if (given != nullptr) {
      const Picture colours = given->reduced_picture(width, parameters.height);
      const std::vector<float> values(colours.rgb.begin(), colours.rgb.end());
      left = recoloured_picture(frame, {values, width, parameters.height});
    }
    result = afterglow::side_by_side(left, result);
  }
  folder->write(result, frame.seconds());
}

void FilmWriter::write(const FilmFrame& frame, std::span<const float> rgb, int width, int height,
                       const FilmFrame* given) {
  target_->require_size(frame);
  const RgbView view{rgb, width, height};
  const AVFrame* const source = frame.content().frame.get();
  if (source != nullptr) refuse_frame(target_->source_path, *source, frame.index());
  if (target_->folder) {
    target_->write_picture(frame, view, given);
    return;
  }
  const VideoParameters& parameters = target_->parameters;
  const libav::FramePtr joined = target_->joined(frame, view, given != nullptr ? *given : frame);
  const std::int64_t pts = source ? source->pts - target_->source_begin : frame.index();
  const std::int64_t duration = source ? source->pkt_duration : 1;
  joined->pts = av_rescale_q(pts, target_->source_time_base, parameters.time_base);
  joined->pkt_duration = av_rescale_q(duration, target_->source_time_base, parameters.time_base);
  if (target_->parts) {
    target_->parts->write(*joined);
  } else {
    target_->video->write(*joined);
  }
}

void FilmWriter::write(const FilmFrame& frame, const Picture& chroma) {
  const std::vector<float> values(chroma.rgb.begin(), chroma.rgb.end());
  write(frame, values, chroma.width, chroma.height);
}

std::int64_t FilmWriter::bytes_alone(const FilmFrame& frame) const {
  target_->require_size(frame);
  if (target_->folder) return 0;
  const VideoParameters& parameters = target_->parameters;
  libav::FramePtr alone = libav::make_frame(parameters.format, target_->width, parameters.height);
  copy_luma(frame, target_->coding, *alone);
  copy_chroma(frame, target_->coding, *alone);
  if (target_->side_by_side) alone = side_by_side(*alone, *alone, target_->coding);
  alone->pts = 0;
  std::int64_t bytes = 0;
  const auto count = [&bytes](const AVPacket& packet) { bytes += packet.size; };
  FilmEncoder encoder(target_->out, *target_->choice, parameters, true);
  encoder.write(*alone, count);
  encoder.finish(count);
  return bytes;
}

bool FilmWriter::frames_lean() const {
  if (target_->folder) return false;
  const std::string_view encoder = target_->choice->encoder;
  return encoder != "ffv1" && encoder != "prores_ks";
}

std::vector<std::string> FilmWriter::left_out() const { return target_->left_out; }

std::int64_t FilmWriter::frames() const { return target_->parts ? target_->parts->frames() : 0; }

void FilmWriter::end_part() {
  if (target_->parts) target_->parts->end_part();
}

std::vector<std::string> FilmWriter::commit() {
  if (target_->folder) {
    target_->folder->commit();
    return {};
  }
  std::vector<std::string> lines;
  if (target_->parts) {
    target_->parts->end_part();
    lines = target_->parts->join(target_->out);
  } else {
    target_->video->commit();
    lines = target_->video->left_out();
  }
  lines.erase(lines.begin(), lines.begin() + std::ptrdiff_t(target_->left_out.size()));
  return lines;
}

}  // namespace afterglow
