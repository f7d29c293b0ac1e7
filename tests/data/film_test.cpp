#include "data/film.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "base/error.hpp"
#include "base/random.hpp"
#include "data/colour.hpp"
#include "data/film_planes.hpp"
#include "film_maker.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

namespace fs = std::filesystem;

/// Network-like output: one colour everywhere.
std::vector<float> plain_values(int width, int height, float r, float g, float b) {
  std::vector<float> values;
  for (int i = 0; i < width * height; ++i) values.insert(values.end(), {r, g, b});
  return values;
}

/// Colours a whole film in one colour.
void colour_film(const fs::path& in, const fs::path& out, const FilmOptions& options,
                 std::vector<float> rgb = plain_values(16, 16, 210, 40, 30)) {
  FilmReader reader(in);
  FilmWriter writer(out, reader, options);
  while (const auto frame = reader.read()) writer.write(*frame, rgb, 16, 16);
  writer.commit();
}

std::vector<FilmFrame> read_all(const fs::path& path) {
  FilmReader reader(path);
  std::vector<FilmFrame> frames;
  while (auto frame = reader.read()) frames.push_back(*frame);
  return frames;
}

std::string luma_of(const FilmFrame& frame) { return luma_bytes(*frame.content().frame); }

const std::vector<std::int64_t> kSteady = {0, 40, 80, 120};
const FilmOptions kLosslessOptions{VideoCodec::kLossless, {}};

TEST_CASE("lossless output keeps the luma of every pixel format to the bit") {
  struct Row {
    const char* in;
    AVPixelFormat format;
    int width, height;
    AVColorSpace matrix;
    AVColorRange range;
    const char* out;
    AVPixelFormat expected;
  };
  const auto k601 = AVCOL_SPC_SMPTE170M;
  const auto k709 = AVCOL_SPC_BT709;
  const auto kMpeg = AVCOL_RANGE_MPEG;
  const auto kJpeg = AVCOL_RANGE_JPEG;
  const auto k420 = AV_PIX_FMT_YUV420P;
  const Row row = GENERATE_COPY(
      Row{"i.mkv", k420, 32, 24, k601, kMpeg, "o.mkv", k420},
      Row{"i.mkv", k420, 32, 24, k709, kJpeg, "o.mp4", k420},
      Row{"i.mp4", k420, 32, 24, k709, kMpeg, "o.mov", k420},
      Row{"i.mp4", k420, 32, 24, k601, kJpeg, "o.avi", k420},
      Row{"i.mkv", k420, 32, 24, k709, kMpeg, "o.webm", k420},
      Row{"i.mkv", k420, 33, 25, k601, kMpeg, "o.mkv", k420},
      Row{"i.mkv", k420, 33, 25, k601, kMpeg, "o.mp4", AV_PIX_FMT_YUV444P},
      Row{"i.mkv", AV_PIX_FMT_YUV422P, 32, 24, k601, kMpeg, "o.mp4", AV_PIX_FMT_YUV422P},
      Row{"i.mkv", AV_PIX_FMT_YUV444P, 33, 25, k709, kMpeg, "o.mp4", AV_PIX_FMT_YUV444P},
      Row{"i.mkv", AV_PIX_FMT_GRAY8, 32, 24, k601, kJpeg, "o.mp4", k420},
      Row{"i.mkv", AV_PIX_FMT_GRAY8, 32, 24, k601, kMpeg, "o.mkv", k420},
      Row{"i.mkv", AV_PIX_FMT_YUV420P10LE, 32, 24, AVCOL_SPC_BT2020_NCL, kMpeg, "o.mp4",
          AV_PIX_FMT_YUV420P10LE},
      Row{"i.mkv", AV_PIX_FMT_YUV422P12LE, 32, 24, k709, kMpeg, "o.mkv", AV_PIX_FMT_YUV422P12LE},
      Row{"i.mkv", AV_PIX_FMT_GRAY10LE, 32, 24, k601, kMpeg, "o.mkv", AV_PIX_FMT_YUV420P10LE});
  CAPTURE(row.in, av_get_pix_fmt_name(row.format), row.width, row.height, row.matrix, row.range,
          row.out);
  const TemporaryFolder folder;
  VideoParameters parameters = parameters_of(row.format, row.width, row.height);
  parameters.matrix = row.matrix;
  parameters.range = row.range;
  make_film(folder.path() / row.in, parameters, kSteady);
  colour_film(folder.path() / row.in, folder.path() / row.out, kLosslessOptions);

  const auto source = read_all(folder.path() / row.in);
  const auto result = read_all(folder.path() / row.out);
  REQUIRE(source.size() == kSteady.size());
  REQUIRE(result.size() == source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    const AVFrame& frame = *result[i].content().frame;
    CHECK(AVPixelFormat(frame.format) == row.expected);
    CHECK(frame.color_range == row.range);
    CHECK(result[i].seconds() == Approx(source[i].seconds()).epsilon(0).margin(1e-9));
    // Luma is by the matrix that the film names.
    const float red = row.matrix == k709                   ? 0.2126F
                      : row.matrix == AVCOL_SPC_BT2020_NCL ? 0.2627F
                                                           : 0.299F;
    CHECK(source[i].luma_weights()[0] == Approx(red));
    const bool luma_kept = luma_of(result[i]) == luma_of(source[i]);
    REQUIRE(luma_kept);
    // The chroma is the given colour's, in the source's own matrix and range.
    YCbCrCoding coding = coding_of(frame);
    if (row.format != AV_PIX_FMT_GRAY8 && row.format != AV_PIX_FMT_GRAY10LE) {
      CHECK(frame.colorspace == row.matrix);
    }
    const Triple expected = rgb_to_ycbcr({210, 40, 30}, coding);
    const bool wide = coding.bits > 8;
    for (std::size_t p : {1, 2}) {
      const int sample =
          wide ? *reinterpret_cast<const std::uint16_t*>(frame.data[p]) : frame.data[p][0];
      CHECK(sample == int(std::floor(expected[p] + 0.5)));
    }
  }
}

TEST_CASE("H.264 output keeps the luma up to the encoding, and red is red") {
  const TemporaryFolder folder;
  const auto writer = create_frames(folder.path() / "in.mp4", 64, 48, 25, VideoCodec::kH264);
  for (int i = 0; i < 5; ++i) writer->write(plain_picture(64, 48, 110, 110, 110), i / 25.0);
  writer->commit();
  colour_film(folder.path() / "in.mp4", folder.path() / "out.mp4", {});
  const auto frames = read_all(folder.path() / "out.mp4");
  REQUIRE(frames.size() == 5);
  constexpr double kEncoding = 3;  // crf 14 on flat colours, and 8-bit YCbCr
  for (const FilmFrame& frame : frames) {
    const Picture picture = frame.picture(1, 1);
    const double r = picture.rgb[0], g = picture.rgb[1], b = picture.rgb[2];
    CHECK(luma(r, g, b) == Approx(110).margin(kEncoding));
    CHECK(r > 160);  // 110 of luma with the chroma of (210, 40, 30)
    CHECK(g < 90);
    CHECK(b < 90);
  }
}

TEST_CASE("small chroma is spread bilinearly over the frame") {
  // Left column red, right column blue: Cb and Cr run monotonically between, flat at the borders.
  const std::vector<float> rgb = {255, 0, 0, 0, 0, 255};
  const YCbCrCoding coding;
  const ChromaPlanes planes = resized_chroma({rgb, 2, 1}, coding, 8, 3);
  const Triple red = rgb_to_ycbcr({255, 0, 0}, coding);
  const Triple blue = rgb_to_ycbcr({0, 0, 255}, coding);
  constexpr double kFloat = 1e-4;  // three float operations on values up to 255
  for (std::size_t y = 0; y < 3; ++y) {
    for (std::size_t x = 0; x < 8; ++x) {
      const double share = std::clamp((double(x) + 0.5) / 4 - 0.5, 0.0, 1.0);
      CAPTURE(x, y);
      CHECK(planes.cb[y * 8 + x] ==
            Approx(red[1] + share * (blue[1] - red[1])).epsilon(0).margin(kFloat));
      CHECK(planes.cr[y * 8 + x] ==
            Approx(red[2] + share * (blue[2] - red[2])).epsilon(0).margin(kFloat));
    }
  }
  CHECK_THROWS_AS(resized_chroma({rgb, 2, 2}, coding, 8, 3), ShapeError);
  // Values outside 0..255 are clamped.
  const std::vector<float> wild = {300, -20, -5};
  CHECK(resized_chroma({wild, 1, 1}, coding, 1, 1).cr[0] ==
        Approx(red[2]).epsilon(0).margin(kFloat));
}

TEST_CASE("chroma planes are the RGB values' own, rounded half up") {
  const auto [format, bits] =
      GENERATE(std::pair{AV_PIX_FMT_YUV420P, 8}, std::pair{AV_PIX_FMT_YUV420P16LE, 16});
  // Where float32 puts a value on the other side of a half, it is within this of one.
  const double half = std::ldexp(1e-4, bits - 8);
  const YCbCrCoding coding{Matrix::kBt709, false, bits};
  const int width = 37, height = 19;
  Rng rng(3);
  std::vector<float> rgb;
  for (int i = 0; i < width * height * 3; ++i) {
    rgb.push_back(static_cast<float>(rng.uniform(-20, 275)));
  }
  const libav::FramePtr frame = libav::make_frame(format, 2 * width, 2 * height);
  fill_chroma({rgb, width, height}, coding, *frame);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const auto at = std::size_t(3 * (y * width + x));
      Triple colour;
      for (std::size_t c = 0; c < 3; ++c) colour[c] = std::clamp(double{rgb[at + c]}, 0.0, 255.0);
      const Triple coded = rgb_to_ycbcr(colour, coding);
      for (std::size_t plane = 1; plane < 3; ++plane) {
        const std::uint8_t* const row =
            frame->data[plane] + std::ptrdiff_t(y) * frame->linesize[plane];
        const int got = bits == 8 ? row[x] : reinterpret_cast<const std::uint16_t*>(row)[x];
        const double offset = coded[plane] + 0.5 - double(got);  // 0..1
        CAPTURE(x, y, plane);
        CHECK(offset >= -half);
        CHECK(offset < 1 + half);
      }
    }
  }
}

TEST_CASE("uneven times, sample aspect and rotation are kept") {
  const TemporaryFolder folder;
  const std::string out = GENERATE("out.mp4", "out.mov");
  VideoParameters parameters = parameters_of(AV_PIX_FMT_YUV420P);
  parameters.sample_aspect = {4, 3};
  const std::int32_t quarter_turn[9] = {0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30};
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(quarter_turn);
  parameters.display_matrix.assign(bytes, bytes + sizeof quarter_turn);
  make_film(folder.path() / "in.mp4", parameters, {0, 7, 300, 333, 1000});
  colour_film(folder.path() / "in.mp4", folder.path() / out, {});

  const VideoDecoder decoder(folder.path() / out);
  const AVStream& stream = decoder.stream();
  CHECK(av_cmp_q(stream.sample_aspect_ratio, {4, 3}) == 0);
  std::size_t size = 0;
  const std::uint8_t* const side =
      av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  REQUIRE(side != nullptr);
  CHECK(std::vector<std::uint8_t>(side, side + 9 * 4) == parameters.display_matrix);
  const auto frames = read_all(folder.path() / out);
  REQUIRE(frames.size() == 5);
  const double times[] = {0, 0.007, 0.3, 0.333, 1};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(frames[i].seconds() == Approx(times[i]).epsilon(0).margin(1e-9));
  }
  CHECK_THROWS_WITH(colour_film(folder.path() / "in.mp4", folder.path() / "out.mkv", {}),
                    Catch::Contains("out.mkv") && Catch::Contains("rotation"));
}

TEST_CASE("the sound is copied packet by packet") {
  const TemporaryFolder folder;
  struct Row {
    const char *sound, *in, *out;
  };
  const Row row = GENERATE(Row{"s.mp4", "in.mp4", "out.mp4"}, Row{"s.mp4", "in.mp4", "out.mov"},
                           Row{"s.mkv", "in.mkv", "out.mkv"}, Row{"s.wav", "in.mkv", "out.mkv"});
  const FilmOptions options{GENERATE(VideoCodec::kH264, VideoCodec::kLossless), {}};
  CAPTURE(row.sound, row.in, row.out);
  const fs::path sound = folder.path() / row.sound;
  if (sound.extension() == ".wav") {
    make_wav(sound, 0.7);
  } else {
    make_aac(sound, 0.7);
  }
  VideoParameters parameters = parameters_of(AV_PIX_FMT_YUV420P);
  parameters.streams_from = sound;
  make_film(folder.path() / row.in, parameters, {0, 40, 80, 120, 500});
  CHECK(FilmReader(folder.path() / row.in).has_audio());
  colour_film(folder.path() / row.in, folder.path() / row.out, options);
  const auto before = packets_of(folder.path() / row.in, AVMEDIA_TYPE_AUDIO);
  const auto after = packets_of(folder.path() / row.out, AVMEDIA_TYPE_AUDIO);
  REQUIRE(before.size() >= 3);
  const bool equal = after == before;
  CHECK(equal);
  CHECK(read_all(folder.path() / row.out).size() == 5);
}

TEST_CASE("a colour matrix that has no name is refused by its number") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "in.mkv";
  make_film(path, parameters_of(AV_PIX_FMT_YUV420P), kSteady);
  std::ifstream stream(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const std::size_t element = bytes.find("\x55\xB1\x81");  // MatrixCoefficients of one byte
  REQUIRE(element != std::string::npos);
  bytes[element + 3] = 99;
  std::ofstream(path, std::ios::binary) << bytes;
  CHECK_THROWS_WITH(FilmReader(path), Catch::Contains("in.mkv") && Catch::Contains("'99'"));
}

TEST_CASE("sound that the container cannot hold is refused before any work") {
  const TemporaryFolder folder;
  make_wav(folder.path() / "s.wav", 0.3);
  VideoParameters parameters = parameters_of(AV_PIX_FMT_YUV420P);
  parameters.streams_from = folder.path() / "s.wav";
  make_film(folder.path() / "in.mkv", parameters, kSteady);
  const FilmReader reader(folder.path() / "in.mkv");
  CHECK_THROWS_WITH(
      FilmWriter(folder.path() / "out.mp4", reader),
      Catch::Contains("out.mp4") && Catch::Contains("pcm_s16le") && Catch::Contains(".mkv"));
  CHECK_FALSE(fs::exists(folder.path() / "out.mp4"));
}

TEST_CASE("luma from one film, picture from another, sound from a third") {
  const TemporaryFolder folder;
  make_film(folder.path() / "gray.mkv", parameters_of(AV_PIX_FMT_GRAY8), kSteady);
  make_aac(folder.path() / "sound.mkv", 0.3);
  FilmReader gray(folder.path() / "gray.mkv");
  {
    FilmWriter writer(folder.path() / "out.mkv", gray,
                      {VideoCodec::kLossless, folder.path() / "sound.mkv"});
    while (const auto frame = gray.read()) writer.write(*frame, plain_picture(8, 8, 10, 20, 200));
    writer.commit();
  }
  const auto source = read_all(folder.path() / "gray.mkv");
  const auto result = read_all(folder.path() / "out.mkv");
  REQUIRE(result.size() == source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    const bool luma_kept = luma_of(result[i]) == luma_of(source[i]);
    CHECK(luma_kept);
  }
  const bool sound_kept = packets_of(folder.path() / "out.mkv", AVMEDIA_TYPE_AUDIO) ==
                          packets_of(folder.path() / "sound.mkv", AVMEDIA_TYPE_AUDIO);
  CHECK(sound_kept);
}

TEST_CASE("folders and RGB films give BT.601 luma") {
  const TemporaryFolder folder;
  const std::string in = GENERATE("in", "in.mkv", "in.mp4");
  const auto writer = create_frames(folder.path() / in, 32, 24, 25);
  for (int i = 0; i < 3; ++i) writer->write(random_picture(32, 24, std::uint64_t(i)), i / 25.0);
  writer->commit();
  colour_film(folder.path() / in, folder.path() / "out.mp4", kLosslessOptions);
  const auto frames = read_all(folder.path() / "out.mp4");
  REQUIRE(frames.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(in, i);
    const Picture gray = gray_picture(random_picture(32, 24, i));
    std::string expected;
    for (std::size_t k = 0; k < gray.rgb.size(); k += 3) expected.push_back(char(gray.rgb[k]));
    const bool luma_as_expected = luma_of(frames[i]) == expected;
    CHECK(luma_as_expected);
    CHECK(frames[i].content().frame->color_range == AVCOL_RANGE_JPEG);
  }
}

TEST_CASE("a folder of pictures has the source's luma and the new chroma") {
  const TemporaryFolder folder;
  const AVPixelFormat format = GENERATE(AV_PIX_FMT_GRAY8, AV_PIX_FMT_YUV420P10LE);
  VideoParameters parameters = parameters_of(format);
  parameters.range = AVCOL_RANGE_JPEG;
  make_film(folder.path() / "in.mkv", parameters, kSteady);
  const std::vector<float> gray = plain_values(16, 16, 90, 90, 90);
  colour_film(folder.path() / "in.mkv", folder.path() / "out", {}, gray);
  const auto source = read_all(folder.path() / "in.mkv");
  const auto result = read_all(folder.path() / "out");
  REQUIRE(result.size() == source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    const AVFrame& frame = *source[i].content().frame;
    const Picture picture = result[i].picture();
    bool equal = true;
    for (int y = 0; y < frame.height; ++y) {
      const std::uint8_t* const row = frame.data[0] + std::ptrdiff_t(y) * frame.linesize[0];
      for (int x = 0; x < frame.width; ++x) {
        const int expected =
            format == AV_PIX_FMT_GRAY8
                ? row[x]
                : to_byte(reinterpret_cast<const std::uint16_t*>(row)[x] * 255.0 / 1023.0);
        for (std::size_t c = 0; c < 3; ++c) {
          equal = equal && picture.rgb[std::size_t(y * frame.width + x) * 3 + c] == expected;
        }
      }
    }
    CHECK(equal);
  }
}

TEST_CASE("pixel formats whose luma cannot be kept are named") {
  const TemporaryFolder folder;
  struct Row {
    AVPixelFormat format;
    const char* out;
    const char* name;
  };
  const Row row = GENERATE(Row{AV_PIX_FMT_YUVA420P, "out.mkv", "yuva420p"},
                           Row{AV_PIX_FMT_YUVA420P, "out", "yuva420p"},
                           Row{AV_PIX_FMT_YUV422P12LE, "out.mp4", "yuv422p12le"});
  make_film(folder.path() / "in.mkv", parameters_of(row.format), kSteady);
  const FilmReader reader(folder.path() / "in.mkv");
  CHECK_THROWS_WITH(FilmWriter(folder.path() / row.out, reader), Catch::Contains("in.mkv") &&
                                                                     Catch::Contains(row.name) &&
                                                                     Catch::Contains("yuv420p"));
}

TEST_CASE("a pixel format that has no way to RGB is refused with the film's name") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "packed.avi";
  AVFormatContext* made = nullptr;
  avformat_alloc_output_context2(&made, nullptr, nullptr, path.c_str());
  const libav::OutputPtr container(made);
  AVStream* const stream = avformat_new_stream(made, nullptr);
  stream->time_base = {1, 25};
  AVCodecParameters& parameters = *stream->codecpar;
  parameters.codec_type = AVMEDIA_TYPE_VIDEO;
  parameters.codec_id = AV_CODEC_ID_RAWVIDEO;
  parameters.codec_tag = MKTAG('Y', '4', '1', '1');  // uyyvyy411
  parameters.width = parameters.height = 16;
  avio_open(&made->pb, path.c_str(), AVIO_FLAG_WRITE);
  REQUIRE(avformat_write_header(made, nullptr) >= 0);
  const libav::PacketPtr packet = libav::make_packet();
  av_new_packet(packet.get(), 16 * 16 * 3 / 2);
  std::fill_n(packet->data, packet->size, std::uint8_t{128});
  packet->pts = packet->dts = 0;
  REQUIRE(av_write_frame(made, packet.get()) >= 0);
  av_write_trailer(made);
  avio_closep(&made->pb);
  CHECK_THROWS_AS(FilmReader(path), InputError);
  CHECK_THROWS_WITH(FilmReader(path),
                    Catch::StartsWith(path.string() + ": ") && Catch::Contains("uyyvyy411"));
}

TEST_CASE("how many frames a film has is known, or told by its duration") {
  const TemporaryFolder folder;
  const auto parameters = parameters_of(AV_PIX_FMT_YUV420P);
  std::vector<std::int64_t> times(60);
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = 40 * std::int64_t(i);
  make_film(folder.path() / "a.mkv", parameters, times);
  make_film(folder.path() / "a.mp4", parameters, times);
  for (std::int64_t& time : times) time += 100000;
  make_film(folder.path() / "late.mkv", parameters, times);
  CHECK(FilmReader(folder.path() / "a.mkv").expected_frames() == 60);
  CHECK(FilmReader(folder.path() / "a.mp4").expected_frames() == 60);
  CHECK(FilmReader(folder.path() / "late.mkv").expected_frames() == 60);
  CHECK(FilmReader(folder.path() / "a.mkv", Stretch{1, 1}).expected_frames() == 0);
}

TEST_CASE("the same film is written with the same bits") {
  // Lossless: libx264's choices when it may lose something are its own (docs/numerics.md).
  const TemporaryFolder folder;
  const std::string extension = GENERATE(".mp4", ".mkv", ".webm");
  make_film(folder.path() / "in.mkv", parameters_of(AV_PIX_FMT_YUV420P), kSteady);
  colour_film(folder.path() / "in.mkv", folder.path() / ("a" + extension), kLosslessOptions);
  colour_film(folder.path() / "in.mkv", folder.path() / ("b" + extension), kLosslessOptions);
  const std::string a = bytes_of(folder.path() / ("a" + extension));
  const std::string b = bytes_of(folder.path() / ("b" + extension));
  const auto place = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
  INFO(extension << ": " << a.size() << " and " << b.size() << " bytes, the same up to " << place);
  const bool equal = a == b;
  CHECK(equal);
}

}  // namespace
}  // namespace afterglow
