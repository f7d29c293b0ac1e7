// Stretches of films: the very frames that a reader from the front sees.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>

#include "base/error.hpp"
#include "data/film.hpp"
#include "data/film_source.hpp"
#include "film_maker.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

struct Shown {
  double seconds;
  std::string bytes;  // of all planes
};

std::string bytes_of_planes(const AVFrame& frame) {
  std::string bytes = luma_bytes(frame);
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(AVPixelFormat(frame.format));
  for (const int plane : {1, 2}) {
    for (int y = 0; y < AV_CEIL_RSHIFT(frame.height, d.log2_chroma_h); ++y) {
      bytes.append(reinterpret_cast<const char*>(frame.data[plane] +
                                                 std::ptrdiff_t(y) * frame.linesize[plane]),
                   std::size_t(AV_CEIL_RSHIFT(frame.width, d.log2_chroma_w)));
    }
  }
  return bytes;
}

std::vector<Shown> shown(FilmReader reader) {
  std::vector<Shown> frames;
  while (const auto frame = reader.read()) {
    CHECK(frame->index() == std::int64_t(frames.size()));
    frames.push_back({frame->seconds(), bytes_of_planes(*frame->content().frame)});
  }
  return frames;
}

struct Kind {
  const char* name;
  const char* container;
  EncoderChoice choice;
};

/// Noise that moves, a frame each 40 ms but for a gap, in groups of 12 frames that lean on each
/// other.
void make_moving_film(const fs::path& path, const Kind& kind, int frames) {
  VideoParameters parameters = parameters_of(AV_PIX_FMT_YUV420P, 64, 48);
  parameters.time_base = {1, 25};
  const Picture noise = random_picture(200, 48, 5);
  VideoFile file(path, kind.container, kind.choice, parameters,
                 FilmContainer::wants_global_header(kind.container));
  for (int t = 0; t < frames; ++t) {
    const libav::FramePtr frame = libav::make_frame(parameters.format, 64, 48);
    for (const int plane : {0, 1, 2}) {
      const int side = plane == 0 ? 1 : 2;
      for (int y = 0; y < 48 / side; ++y) {
        for (int x = 0; x < 64 / side; ++x) {
          frame->data[plane][y * frame->linesize[plane] + x] =
              noise.rgb[std::size_t(3 * (y * 200 + x + t % 100) + plane)];
        }
      }
    }
    frame->colorspace = parameters.matrix;
    frame->color_range = parameters.range;
    frame->pts = t < 50 ? t : t + 7;
    file.write(*frame);
  }
  file.commit();
}

TEST_CASE("a stretch of a film is the frames that a reader from the front sees", "[data]") {
  const EncoderChoice h264{"libx264", {{"g", "12"}, {"bf", "3"}, {"qp", "20"}}};
  const EncoderChoice open_gop{
      "libx264", {{"g", "12"}, {"bf", "3"}, {"x264-params", "open-gop=1:scenecut=0"}}};
  const EncoderChoice refreshed{"libx264",
                                {{"x264-params", "intra-refresh=1:keyint=12:scenecut=0"}}};
  const EncoderChoice h265{"libx265",
                           {{"x265-params", "keyint=12:open-gop=1:bframes=3:log-level=none"}}};
  const EncoderChoice mpeg2{"mpeg2video", {{"g", "12"}, {"bf", "2"}, {"b", "400000"}}};
  const EncoderChoice mpeg4{"mpeg4", {{"g", "12"}, {"bf", "2"}}};
  const Kind kind = GENERATE_COPY(
      Kind{"a.mkv", "matroska", h264}, Kind{"a.mp4", "mp4", h264}, Kind{"a.ts", "mpegts", h264},
      Kind{"a.avi", "avi", h264}, Kind{"a.264", "h264", h264}, Kind{"o.mkv", "matroska", open_gop},
      Kind{"o.mp4", "mp4", open_gop}, Kind{"o.ts", "mpegts", open_gop},
      Kind{"r.mkv", "matroska", refreshed}, Kind{"r.ts", "mpegts", refreshed},
      Kind{"e.mkv", "matroska", h265}, Kind{"e.mp4", "mp4", h265}, Kind{"a.mpg", "mpeg", mpeg2},
      Kind{"m.ts", "mpegts", mpeg2}, Kind{"m.avi", "avi", mpeg4}, Kind{"m.mp4", "mp4", mpeg4},
      Kind{"v.webm", "webm", EncoderChoice{"libvpx-vp9", {{"g", "12"}, {"cpu-used", "8"}}}},
      Kind{"f.mkv", "matroska", EncoderChoice{"ffv1", {{"g", "12"}}}});
  INFO(kind.name);
  const TemporaryFolder folder;
  const fs::path film = folder.path() / kind.name;
  make_moving_film(film, kind, 150);
  const std::vector<Shown> whole = shown(FilmReader(film));
  REQUIRE(whole.size() == 150);
  for (const std::size_t first : {0, 1, 11, 12, 49, 50, 97, 149}) {
    INFO("frame " << first);
    const double begin = whole[first].seconds;
    // As one would write it: rounded to three digits.
    const FilmReader reader(film, Stretch{std::round(begin * 1000) / 1000, 0.5});
    CHECK(reader.begun() == Approx(begin).margin(1e-9));
    CHECK(reader.frames_before() == std::int64_t(first));
    const std::vector<Shown> some = shown(FilmReader(film, Stretch{begin, 0.5}));
    std::size_t expected = first;
    while (expected < whole.size() && whole[expected].seconds < begin + 0.5 - 1e-6) ++expected;
    REQUIRE(some.size() == expected - first);
    for (std::size_t i = 0; i < some.size(); ++i) {
      CHECK(some[i].bytes == whole[first + i].bytes);
      CHECK(some[i].seconds == Approx(whole[first + i].seconds - begin).margin(1e-9));
    }
  }
}

/// Two .ts films behind each other, with the packets of each track counted on.
std::string joined_ts(std::string bytes) {
  constexpr std::size_t kPacket = 188;
  std::map<int, int> counts;
  for (std::size_t at = 0; at + kPacket <= bytes.size(); at += kPacket) {
    const auto byte = [&](std::size_t i) { return int(std::uint8_t(bytes[at + i])); };
    const int track = (byte(1) & 0x1F) << 8 | byte(2);
    const bool has_payload = (byte(3) & 0x10) != 0;
    int& count = counts.try_emplace(track, 15).first->second;
    if (has_payload) count = (count + 1) % 16;
    bytes[at + 3] = char((byte(3) & 0xF0) | count);
  }
  return bytes;
}

TEST_CASE("a stretch of a film whose times begin anew is of its first frames of those times",
          "[data]") {
  const TemporaryFolder folder;
  const char* const name = GENERATE("in.ts", "in.mpg");
  INFO(name);
  const fs::path film = folder.path() / name, other = folder.path() / "other";
  const EncoderChoice mpeg2{"mpeg2video", {{"g", "12"}, {"bf", "2"}, {"b", "400000"}}};
  const char* const container = fs::path(name).extension() == ".ts" ? "mpegts" : "mpeg";
  make_moving_film(film, {name, container, mpeg2}, 100);
  make_moving_film(other, {name, container, mpeg2}, 150);  // longer: all times come twice
  const std::string both = bytes_of(film) + bytes_of(other);
  std::ofstream(film, std::ios::binary)
      << (container == std::string("mpeg") ? both : joined_ts(both));
  const std::vector<Shown> whole = shown(FilmReader(film));
  REQUIRE(whole.size() == 250);
  for (const std::size_t first : {1, 40, 60, 97}) {
    INFO("frame " << first);
    const std::vector<Shown> rest = shown(FilmReader(film, {.begin = whole[first].seconds}));
    REQUIRE(rest.size() == whole.size() - first);
    for (std::size_t i = 0; i < rest.size(); ++i) {
      CHECK(rest[i].bytes == whole[first + i].bytes);
    }
  }
}

TEST_CASE("stretches between frames, without an end, and of folders", "[data]") {
  const TemporaryFolder folder;
  const fs::path film = folder.path() / "in.mkv", pictures = folder.path() / "pictures";
  make_film(film, parameters_of(AV_PIX_FMT_YUV420P), {0, 40, 80, 500, 540});
  CHECK(shown(FilmReader(film, Stretch{0.041, 1})).size() == 3);
  CHECK(shown(FilmReader(film, Stretch{0.0405, 1})).size() == 4);
  CHECK(shown(FilmReader(film, Stretch{0.04, 0.04})).size() == 1);
  CHECK(shown(FilmReader(film, Stretch{.begin = 0.08})).size() == 3);
  CHECK(shown(FilmReader(film, Stretch{0, 0.08})).size() == 2);
  CHECK_THROWS_WITH(FilmReader(film, Stretch{0.1, 0.2}),
                    Contains("in.mkv: has no frame that begins in 0.2 seconds") &&
                        Contains("take a longer stretch"));
  CHECK_THROWS_WITH(FilmReader(film, Stretch{0.55, 1}),
                    Contains("its last is at 0.54") && Contains("begin earlier"));

  const auto writer = create_frames(pictures, 8, 8, 25);
  for (int t = 0; t < 10; ++t) writer->write(random_picture(8, 8, std::uint64_t(t)), t / 25.0);
  writer->commit();
  FilmReader reader(pictures, Stretch{0.12, 0.16});
  CHECK(reader.info().count == 4);
  CHECK(reader.begun() == Approx(0.12));
  CHECK(reader.frames_before() == 3);
  for (int t = 3; t < 7; ++t) {
    const auto frame = reader.read();
    REQUIRE(frame);
    CHECK(frame->picture().rgb == random_picture(8, 8, std::uint64_t(t)).rgb);
    CHECK(frame->seconds() == Approx((t - 3) / 25.0).margin(1e-9));
  }
  CHECK_FALSE(reader.read());
  CHECK_THROWS_WITH(FilmReader(pictures, Stretch{0.4, 1}), Contains("its last is at 0.36"));
}

TEST_CASE("a time rounded to milliseconds means the frame that it was rounded from", "[data]") {
  const TemporaryFolder folder;
  const fs::path film = folder.path() / GENERATE("in.mp4", "in.mov", "in.mkv");
  VideoParameters parameters = parameters_of(AV_PIX_FMT_YUV420P);
  parameters.time_base = {1001, 24000};
  parameters.frame_rate = {24000, 1001};
  std::vector<std::int64_t> times(50);
  std::iota(times.begin(), times.end(), 0);
  make_film(film, parameters, times);
  const auto written = [](std::size_t frame) {
    return std::round(1000 * 1001.0 / 24000 * double(frame)) / 1000;
  };
  REQUIRE(written(1) == 0.042);  // and is shown before
  const std::vector<Shown> whole = shown(FilmReader(film));
  REQUIRE(whole.size() == times.size());
  for (std::size_t t = 0; t + 1 < whole.size(); ++t) {
    INFO("frame " << t);
    const std::vector<Shown> one =
        shown(FilmReader(film, Stretch{written(t), written(t + 1) - written(t)}));
    REQUIRE(one.size() == 1);
    CHECK(one[0].bytes == whole[t].bytes);
  }
}

TEST_CASE("frames are passed over, as many as there are", "[data]") {
  const TemporaryFolder folder;
  const fs::path film = folder.path() / GENERATE("in.mkv", "pictures");
  const auto writer = create_frames(film, 8, 8, 25);
  for (int t = 0; t < 10; ++t) writer->write(random_picture(8, 8, std::uint64_t(t)), t / 25.0);
  writer->commit();
  FilmReader reader(film);
  CHECK(reader.frames_before() == 0);
  CHECK(reader.skip(0) == 0);
  CHECK(reader.skip(4) == 4);
  const auto frame = reader.read();
  REQUIRE(frame);
  CHECK(frame->index() == 4);
  CHECK(frame->seconds() == Approx(0.16));
  CHECK(frame->picture() == random_picture(8, 8, 4));
  CHECK(reader.skip(8) == 5);
  CHECK(reader.skip(1) == 0);
  CHECK_FALSE(reader.read());
}

TEST_CASE("a film that is shorter than what was coloured of it is refused", "[data]") {
  const TemporaryFolder folder;
  const fs::path film = folder.path() / GENERATE("in.mkv", "pictures");
  const auto writer = create_frames(film, 8, 8, 25);
  for (int t = 0; t < 5; ++t) writer->write(random_picture(8, 8, std::uint64_t(t)), t / 25.0);
  writer->commit();
  FilmReader reader(film), whole(film);
  skip_coloured(reader, 4);
  CHECK(reader.read()->picture() == random_picture(8, 8, 4));
  CHECK_THROWS_WITH(skip_coloured(whole, 6),
                    film.string() +
                        ": ends behind 5 frames, but 6 of it are coloured; run again "
                        "to begin anew");
}

TEST_CASE("a stretch is written from 0 on, without sound", "[data]") {
  const TemporaryFolder folder;
  const fs::path in = folder.path() / "in.mkv", out = folder.path() / "out.mkv";
  VideoParameters parameters = parameters_of(AV_PIX_FMT_YUV420P);
  const fs::path sound = folder.path() / "sound.wav";
  make_wav(sound, 1);
  parameters.streams_from = sound;
  make_film(in, parameters, {0, 40, 80, 120, 200, 240});
  {
    FilmReader reader(in, Stretch{0.08, 0.15});
    REQUIRE(reader.has_audio());
    FilmWriter writer(out, reader, {.codec = VideoCodec::kLossless});
    while (const auto frame = reader.read()) writer.write(*frame, random_picture(8, 8, 1));
    writer.commit();
  }
  FilmReader made(out);
  CHECK_FALSE(made.has_audio());
  const std::vector<Shown> frames = shown(FilmReader(out)), whole = shown(FilmReader(in));
  REQUIRE(frames.size() == 3);
  const std::vector<double> times{0, 0.04, 0.12};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(frames[i].seconds == Approx(times[i]).margin(1e-9));
    CHECK(frames[i].bytes.substr(0, 32 * 24) == whole[i + 2].bytes.substr(0, 32 * 24));
  }
  CHECK(libav::open_input(out)->start_time == 0);
}

}  // namespace
}  // namespace afterglow
