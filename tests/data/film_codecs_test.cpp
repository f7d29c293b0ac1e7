// What films become in each codec, and which films are not coloured.
#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "data/film_source.hpp"
#include "film_maker.hpp"
#include "support/ffmpeg.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"

#ifdef __SANITIZE_ADDRESS__
/// Asked by LeakSanitizer: x265 3.5 itself leaks a little with every encoder.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libx265\n"; }
#endif

namespace afterglow {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

/// A film of random frames in FFV1.
fs::path random_film(const TemporaryFolder& folder, AVPixelFormat format, AVColorRange range,
                     int width = 80, int height = 48) {
  VideoParameters parameters;
  parameters.format = format;
  parameters.width = width;
  parameters.height = height;
  parameters.matrix = AVCOL_SPC_BT709;
  parameters.range = range;
  make_film(folder.path() / "in.mkv", parameters, {0, 1, 2});
  return folder.path() / "in.mkv";
}

void colour(const fs::path& in, const fs::path& out, VideoCodec codec) {
  FilmReader reader(in);
  FilmWriter writer(out, reader, {codec, {}});
  const std::vector<float> blue = {90, 100, 200};
  while (const auto frame = reader.read()) writer.write(*frame, blue, 1, 1);
  writer.commit();
}

/// A sample of a plane, as a number.
int sample(const AVFrame& frame, int plane, int x, int y) {
  const std::uint8_t* const row = frame.data[plane] + std::ptrdiff_t(y) * frame.linesize[plane];
  return bits_of(AVPixelFormat(frame.format)) > 8 ? reinterpret_cast<const std::uint16_t*>(row)[x]
                                                  : row[x];
}

/// The largest difference of two films' luma, each as a share of its range.
double luma_difference(const fs::path& a, const fs::path& b) {
  VideoDecoder one(a), other(b);
  const auto share = [](const AVFrame& frame, int x, int y) {
    const YCbCrCoding coding = coding_of(frame);
    const Triple rgb =
        ycbcr_to_rgb({double(sample(frame, 0, x, y)), double(128 << (coding.bits - 8)),
                      double(128 << (coding.bits - 8))},
                     coding);
    return rgb[0] / 255;
  };
  double largest = 0;
  while (const libav::FramePtr frame = one.read()) {
    const libav::FramePtr beside = other.read();
    REQUIRE(beside);
    for (int y = 0; y < frame->height; ++y) {
      for (int x = 0; x < frame->width; ++x) {
        largest = std::max(largest, std::abs(share(*frame, x, y) - share(*beside, x, y)));
      }
    }
  }
  CHECK_FALSE(other.read());
  return largest;
}

TEST_CASE("every codec keeps depth and chroma where it can, and never has less") {
  struct Row {
    VideoCodec codec;
    const char* out;
    AVPixelFormat in;
    int width;
    AVPixelFormat expected;
    const char* name;
  };
  const auto k420 = AV_PIX_FMT_YUV420P;
  const auto k422Deep = AV_PIX_FMT_YUV422P10LE;
  const Row row = GENERATE_COPY(
      Row{VideoCodec::kH265, "o.mp4", k420, 80, k420, "hevc"},
      Row{VideoCodec::kH265, "o.mkv", AV_PIX_FMT_YUV420P10LE, 80, AV_PIX_FMT_YUV420P10LE, "hevc"},
      Row{VideoCodec::kH265, "o.mov", AV_PIX_FMT_YUV422P, 80, AV_PIX_FMT_YUV422P, "hevc"},
      Row{VideoCodec::kH265, "o.mp4", k420, 81, AV_PIX_FMT_YUV444P, "hevc"},
      Row{VideoCodec::kH264, "o.mp4", AV_PIX_FMT_YUV411P, 80, AV_PIX_FMT_YUV422P, "h264"},
      Row{VideoCodec::kH264, "o.mp4", AV_PIX_FMT_YUV440P, 80, AV_PIX_FMT_YUV444P, "h264"},
      Row{VideoCodec::kFfv1, "o.mkv", AV_PIX_FMT_YUV422P12LE, 81, AV_PIX_FMT_YUV422P12LE, "ffv1"},
      Row{VideoCodec::kProRes, "o.mov", k420, 80, k422Deep, "prores"},
      Row{VideoCodec::kProRes, "o.mov", k420, 81, k422Deep, "prores"},
      Row{VideoCodec::kProRes, "o.mkv", k422Deep, 80, k422Deep, "prores"},
      Row{VideoCodec::kProRes, "o.mov", AV_PIX_FMT_YUV444P, 80, AV_PIX_FMT_YUV444P12LE, "prores"});
  // (libavcodec decodes ProRes 4444 to 12 bits, whatever it was encoded from.)
  const auto range = GENERATE(AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG);
  CAPTURE(row.out, av_get_pix_fmt_name(row.in), row.width, row.name, range);
  const TemporaryFolder folder;
  const fs::path in = random_film(folder, row.in, range, row.width), out = folder.path() / row.out;
  colour(in, out, row.codec);
  VideoDecoder decoder(out);
  CHECK(avcodec_get_name(decoder.stream().codecpar->codec_id) == std::string(row.name));
  if (row.codec == VideoCodec::kH265 && row.out != std::string("o.mkv")) {
    CHECK(decoder.stream().codecpar->codec_tag == MKTAG('h', 'v', 'c', '1'));
  }
  const libav::FramePtr frame = decoder.read();
  CHECK(AVPixelFormat(frame->format) == row.expected);
  CHECK(frame->color_range == (row.codec == VideoCodec::kProRes ? AVCOL_RANGE_MPEG : range));
  CHECK(frame->width == row.width);
  // Noise is the hardest there is to encode.
  const double lost = luma_difference(in, out);
  CHECK(lost <= (row.codec == VideoCodec::kFfv1 ? 0 : 0.2));
  const Triple expected = rgb_to_ycbcr({90, 100, 200}, coding_of(*frame));
  const double kEncoding = 2 << (bits_of(row.expected) - 8);  // of flat chroma
  for (int plane : {1, 2}) {
    CHECK(sample(*frame, plane, 3, 3) == Approx(expected[std::size_t(plane)]).margin(kEncoding));
  }
}

TEST_CASE("a codec that a container cannot hold is refused, with those that can") {
  const TemporaryFolder folder;
  const fs::path in = random_film(folder, AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG);
  const auto [codec, out, message] = GENERATE(table<VideoCodec, std::string, std::string>(
      {{VideoCodec::kH265, "o.avi", "cannot hold h265; end it in .mp4 or .mov or .mkv"},
       {VideoCodec::kH265, "o.webm", "cannot hold h265; end it in .mp4 or .mov or .mkv"},
       {VideoCodec::kFfv1, "o.mp4", "cannot hold ffv1; end it in .mkv"},
       {VideoCodec::kFfv1, "o.avi", "cannot hold ffv1; end it in .mkv"},
       {VideoCodec::kProRes, "o.mp4", "cannot hold prores; end it in .mov or .mkv"}}));
  const FilmReader reader(in);
  CHECK_THROWS_WITH(FilmWriter(folder.path() / out, reader, {codec, {}}),
                    Contains(out + ": " + message));
  CHECK_FALSE(fs::exists(folder.path() / out));
}

TEST_CASE("pictures that x265 breaks at are not given to it") {
  const TemporaryFolder folder;
  const fs::path in = random_film(folder, AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG, 48);
  const FilmReader reader(in);
  CHECK_THROWS_WITH(FilmWriter(folder.path() / "o.mkv", reader, {VideoCodec::kH265, {}}),
                    Contains("o.mkv: cannot be encoded as h265 at 48x48"));
}

TEST_CASE("the same film is written with the same bits, by codecs that lose something, too") {
  // Not of x264 and x265, whose choices are their own (docs/numerics.md).
  const TemporaryFolder folder;
  const auto [codec, extension] = GENERATE(
      table<VideoCodec, std::string>({{VideoCodec::kFfv1, ".mkv"}, {VideoCodec::kProRes, ".mov"}}));
  const fs::path in = random_film(folder, AV_PIX_FMT_YUV420P, AVCOL_RANGE_MPEG);
  const fs::path a = folder.path() / ("a" + extension), b = folder.path() / ("b" + extension);
  colour(in, a, codec);
  colour(in, b, codec);
  const bool equal = bytes_of(a) == bytes_of(b);
  CHECK(equal);
}

TEST_CASE("films of HDR and interlaced films are not coloured, but read") {
  const TemporaryFolder folder;
  const auto [options, message] = GENERATE(table<std::vector<std::string>, std::string>(
      {{{"-color_trc", "smpte2084"}, "is HDR (PQ, SMPTE ST 2084)"},
       {{"-color_trc", "arib-std-b67"}, "is HDR (HLG, ARIB STD-B67)"},
       {{"-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-vf", "setfield=tff"}, "is interlaced ("},
       {{"-c:v", "libx264", "-flags", "+ildct+ilme", "-vf", "setfield=tff"}, "is interlaced ("},
       {{"-c:v", "ffv1", "-flags", "+ildct", "-vf", "setfield=bff"}, "is interlaced ("}}));
  const fs::path in = folder.path() / "in.mkv";
  std::vector<std::string> arguments = {"-f",        "lavfi", "-i", "testsrc2=size=64x48:rate=25",
                                        "-frames:v", "4"};
  arguments.insert(arguments.end(), {"-c:v", "libx264", "-pix_fmt", "yuv420p"});
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.push_back(in);
  test::ffmpeg(arguments);
  FilmReader reader(in);
  CHECK_THROWS_WITH(FilmWriter(folder.path() / "out.mkv", reader),
                    Contains("in.mkv: " + message) && Contains("`ffmpeg -i IN -vf "));
  CHECK_THROWS_AS(FilmWriter(folder.path() / "out", reader), InputError);
  int frames = 0;
  while (reader.read()) ++frames;
  CHECK(frames == 4);
}

TEST_CASE("a film that becomes interlaced is refused at that frame") {
  const TemporaryFolder folder;
  const auto part = [&](const std::string& name, const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {
        "-f",         "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-frames:v", "3", "-c:v",
        "mpeg2video", "-bf",   "0"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.push_back(folder.path() / name);
    test::ffmpeg(arguments);
  };
  // Of a progressive frame the flag alone differs: the sequence is the same.
  part("a.m2v", {"-flags", "+ildct+ilme", "-vf", "setfield=tff"});
  part("b.m2v", {});
  const fs::path film = folder.path() / "in.m2v";
  {
    std::ofstream joined(film, std::ios::binary);
    for (const char* name : {"b.m2v", "a.m2v"}) {
      std::ifstream part_file(folder.path() / name, std::ios::binary);
      joined << part_file.rdbuf();
    }
  }
  VideoDecoder decoder(film);
  int interlaced = 0;
  for (libav::FramePtr frame = decoder.read(); !frame->interlaced_frame; frame = decoder.read()) {
    ++interlaced;
  }
  REQUIRE(interlaced > 1);
  FilmReader reader(film);
  const auto work = [&] {
    FilmWriter writer(folder.path() / "out.mkv", reader);
    const std::vector<float> gray = {1, 1, 1};
    while (const auto frame = reader.read()) writer.write(*frame, gray, 1, 1);
  };
  CHECK_THROWS_WITH(work(),
                    Contains("in.m2v: is interlaced (frame " + std::to_string(interlaced) + ")"));
}

}  // namespace
}  // namespace afterglow
