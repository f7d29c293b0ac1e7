#include "data/video_file.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

#include "base/error.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

// crf 14 is visually lossless; that is about 17 of x265's scale, and 15 of VP9's longer one.
const EncoderChoice kH264 = {"libx264", {{"preset", "fast"}, {"crf", "14"}}};
const EncoderChoice kH264Avi = {"libx264", {{"preset", "fast"}, {"crf", "14"}, {"bf", "0"}}};
const EncoderChoice kH264Exact = {"libx264", {{"preset", "veryfast"}, {"qp", "0"}}};
const EncoderChoice kH264ExactAvi = {"libx264", {{"preset", "veryfast"}, {"qp", "0"}, {"bf", "0"}}};
const EncoderChoice kH264Rgb = {"libx264rgb", {{"preset", "veryfast"}, {"qp", "0"}}};
const EncoderChoice kFfv1 = {"ffv1", {{"level", "3"}, {"g", "1"}}};
const EncoderChoice kH265 = {
    "libx265", {{"preset", "fast"}, {"crf", "17"}, {"x265-params", "log-level=none"}}};
const EncoderChoice kProRes = {"prores_ks", {}};
const EncoderChoice kVp9 = {"libvpx-vp9",
                            {{"crf", "15"}, {"b", "0"}, {"deadline", "good"}, {"cpu-used", "4"}}};
const EncoderChoice kVp9Exact = {"libvpx-vp9",
                                 {{"lossless", "1"}, {"deadline", "good"}, {"cpu-used", "4"}}};

/// A codec that some containers alone hold: those in which everybody expects it, and which keep
/// what it does not say of the picture itself (of FFV1, matrix and range).
struct NamedCodec {
  VideoCodec codec;
  const char* name;
  const EncoderChoice& choice;
  std::array<std::string_view, 3> extensions;  // as many as there are
};

const std::array<NamedCodec, 3> kCodecs = {{
    {VideoCodec::kH265, "h265", kH265, {".mp4", ".mov", ".mkv"}},
    {VideoCodec::kFfv1, "ffv1", kFfv1, {".mkv"}},
    {VideoCodec::kProRes, "prores", kProRes, {".mov", ".mkv"}},
}};

struct NamedFormat {
  const char* extension;
  FilmFormat format;
};

// H.264 carries matrix and range itself; FFV1 relies on the container, and AVI has no place for
// them: hence x264 for exact YCbCr in .avi.
const std::array<NamedFormat, 5> kFormats = {{
    {".mp4", {"mp4", kH264, kH264Rgb, kH264Exact, AV_PIX_FMT_RGB24, 100000, true}},
    {".mov", {"mov", kH264, kH264Rgb, kH264Exact, AV_PIX_FMT_RGB24, 100000, true}},
    {".mkv", {"matroska", kH264, kFfv1, kFfv1, AV_PIX_FMT_BGR0, 1000, false}},
    {".avi", {"avi", kH264Avi, kFfv1, kH264ExactAvi, AV_PIX_FMT_BGR0, 0, false}},
    {".webm", {"webm", kVp9, kVp9Exact, kVp9Exact, AV_PIX_FMT_GBRP, 1000, false}},
}};

libav::ParametersPtr stream_of(const FilmEncoder& encoder) {
  libav::ParametersPtr stream = libav::make_parameters();
  if (avcodec_parameters_from_context(stream.get(), &encoder.codec()) < 0) throw std::bad_alloc();
  return stream;
}

}  // namespace

const FilmFormat* find_film_format(const std::filesystem::path& path) {
  const std::string extension = lower_extension(path);
  for (const NamedFormat& named : kFormats) {
    if (extension == named.extension) return &named.format;
  }
  return nullptr;
}

const FilmFormat& film_format(const std::filesystem::path& path) {
  if (const FilmFormat* const format = find_film_format(path)) return *format;
  throw InputError(path.string(), "has an extension that is not known",
                   "end it in .mp4, .mkv, .mov, .avi or .webm, or in nothing for a folder of PNG");
}

const EncoderChoice& yuv_encoder(const std::filesystem::path& path, VideoCodec codec) {
  const FilmFormat& format = film_format(path);
  if (codec == VideoCodec::kLossless) return format.lossless_yuv;
  if (codec == VideoCodec::kH264) return format.lossy;
  const NamedCodec& named = *std::find_if(kCodecs.begin(), kCodecs.end(),
                                          [&](const auto& known) { return known.codec == codec; });
  std::string advice;
  for (const std::string_view extension : named.extensions) {
    if (extension.empty()) break;
    if (extension == lower_extension(path)) return named.choice;
    advice += (advice.empty() ? "end it in " : " or ") + std::string(extension);
  }
  throw InputError(path.string(), std::string("cannot hold ") + named.name, advice);
}

VideoFile::VideoFile(const std::filesystem::path& path, const EncoderChoice& choice,
                     const VideoParameters& parameters)
    : VideoFile(path, film_format(path).container, choice, parameters,
                FilmContainer::wants_global_header(film_format(path).container)) {}

VideoFile::VideoFile(const std::filesystem::path& path, const char* container,
                     const EncoderChoice& choice, const VideoParameters& parameters,
                     bool global_header)
    : encoder_(path, choice, parameters, global_header),
      container_(path, container, *stream_of(encoder_), encoder_.time_base(), parameters) {}

}  // namespace afterglow
