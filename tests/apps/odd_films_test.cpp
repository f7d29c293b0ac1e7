// A catalogue of odd films, made with ffmpeg: each passes through `afterglow colorize`, with all
// that is its own, or is refused in one line.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>

#include "apps/fixtures.hpp"
#include "data/film_maker.hpp"
#include "data/film_source.hpp"
#include "data/video_decoder.hpp"
#include "support/ffmpeg.hpp"
#include "support/file_bytes.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

using Catch::Contains;
using Strings = std::vector<std::string>;

Strings operator+(Strings a, const Strings& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Ten frames in colour, 96x64.
const Strings kPicture = {"-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=1"};
const Strings kX264 = {"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"};
const Strings kFfv1 = {"-c:v", "ffv1", "-pix_fmt", "yuv420p"};

Strings tone(int hertz) {
  return {"-f", "lavfi", "-i", "sine=" + std::to_string(hertz) + ":duration=1"};
}

/// Where a film is made.
struct Place {
  TemporaryFolder folder;
  std::string file(const std::string& name) const { return folder.path() / name; }
};

struct OddFilm {
  std::string what, in, out;
  std::function<void(const Place&)> make;  // in
};

/// A film that one call of ffmpeg makes.
OddFilm made(const std::string& what, const std::string& in, const std::string& out,
             const Strings& arguments) {
  return {what, in, out, [=](const Place& place) { ffmpeg(arguments + Strings{place.file(in)}); }};
}

void change_bytes(const fs::path& path, const std::function<void(std::string&)>& change) {
  std::string bytes = bytes_of(path);
  change(bytes);
  write_text(path, bytes);
}

/// Sets the times of a transport stream's sound back by so much from its half on, as recordings
/// have it behind a glitch.
void set_sound_back(std::string& stream, std::int64_t ticks) {
  constexpr std::size_t kPacket = 188, kStamp = 9;  // of a PES packet: where its time stands
  const std::string sound("\0\0\1\xc0", 4);
  std::size_t at = stream.find(sound, stream.size() / 2 / kPacket * kPacket);
  for (; at != std::string::npos; at = stream.find(sound, at + 1)) {
    const auto byte = [&](std::size_t i) -> char& { return stream[at + kStamp + i]; };
    const auto bits = [&](std::size_t i, int shift, int mask) {
      return std::int64_t(static_cast<unsigned char>(byte(i)) >> shift & mask);
    };
    const std::int64_t time = (bits(0, 1, 7) << 30 | bits(1, 0, 255) << 22 | bits(2, 1, 127) << 15 |
                               bits(3, 0, 255) << 7 | bits(4, 1, 127)) -
                              ticks;
    byte(0) = static_cast<char>((byte(0) & ~0xE) | (time >> 30 & 7) << 1);
    byte(1) = static_cast<char>(time >> 22);
    byte(2) = static_cast<char>((time >> 15 & 127) << 1 | 1);
    byte(3) = static_cast<char>(time >> 7);
    byte(4) = static_cast<char>((time & 127) << 1 | 1);
  }
}

std::vector<OddFilm> films_that_pass() {
  const Strings mp4 = kPicture + kX264, mkv = kPicture + kFfv1;
  const auto filtered = [&](const std::string& filter) { return mp4 + Strings{"-vf", filter}; };
  const std::string subtitles =
      "1\n00:00:00,200 --> 00:00:00,600\nA word\n\n"
      "2\n00:00:00,700 --> 00:00:00,900\nAnother\n";
  const std::string chapters =
      ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=300\ntitle=One\n"
      "[CHAPTER]\nTIMEBASE=1/1000\nSTART=300\nEND=1000\ntitle=Two\n";
  return {
      made("variable frame rate", "in.mp4", "out.mp4",
           filtered("select='not(eq(n,2)+eq(n,3)+eq(n,7))'") + Strings{"-vsync", "vfr"}),
      made("variable frame rate", "in.mkv", "out.mkv",
           mkv + Strings{"-vf", "setpts='(N+0.07*N*N)/10/TB'", "-vsync", "vfr"}),
      made("odd sizes", "in.mkv", "out.mkv", mkv + Strings{"-vf", "scale=97:65"}),
      made("odd sizes", "in.mkv", "out.mp4", mkv + Strings{"-vf", "scale=97:65"}),
      made("10 bits", "in.mp4", "out.mp4", mp4 + Strings{"-pix_fmt", "yuv420p10le"}),
      made("4:2:2", "in.mp4", "out.mkv", mp4 + Strings{"-pix_fmt", "yuv422p"}),
      made("4:4:4 of 10 bits", "in.mp4", "out.mp4", mp4 + Strings{"-pix_fmt", "yuv444p10le"}),
      {"rotated", "in.mp4", "out.mp4",
       [=](const Place& place) {
         ffmpeg(mp4 + Strings{place.file("flat.mp4")});
         ffmpeg({"-i", place.file("flat.mp4"), "-c", "copy", "-metadata:s:v", "rotate=90",
                 place.file("in.mp4")});
       }},
      made("anamorphic", "in.mp4", "out.mkv", filtered("setsar=16/11")),
      made("full range", "in.mp4", "out.mp4",
           filtered("scale=out_range=full") + Strings{"-color_range", "pc"}),
      made("BT.709", "in.mp4", "out.mp4",
           mp4 +
               Strings{"-colorspace", "bt709", "-color_trc", "bt709", "-color_primaries", "bt709"}),
      made("BT.470 BG", "in.mp4", "out.mp4", mp4 + Strings{"-colorspace", "bt470bg"}),
      made("BT.470 BG", "in.mkv", "out.mkv", mkv + Strings{"-colorspace", "bt470bg"}),
      made("of many lines, and says not which matrix", "in.mp4", "out.mp4",
           filtered("scale=96:640")),
      made("of many lines, and says not which matrix", "in.mkv", "out.mkv",
           mkv + Strings{"-vf", "scale=96:640"}),
      made("of many lines, and BT.601", "in.mp4", "out.mkv",
           filtered("scale=96:640") + Strings{"-colorspace", "smpte170m"}),
      made("BT.2020 without HDR", "in.mkv", "out.mkv",
           mp4 + Strings{"-pix_fmt", "yuv420p10le", "-colorspace", "bt2020nc", "-color_trc",
                         "bt2020-10", "-color_primaries", "bt2020"}),
      made("one frame", "in.mp4", "out.mp4", mp4 + Strings{"-frames:v", "1"}),
      {"cut at a frame that is no key frame", "in.ts", "out.mkv",
       [=](const Place& place) {
         ffmpeg(mp4 + Strings{"-g", "5", "-bf", "2", place.file("in.ts")});
         constexpr std::size_t kPacket = 188;
         change_bytes(place.file("in.ts"), [](std::string& bytes) {
           bytes.erase(0, bytes.size() / 4 / kPacket * kPacket);
         });
       }},
      made("late times", "in.mkv", "out.mkv",
           kPicture + tone(500) + kX264 + Strings{"-c:a", "mp2", "-output_ts_offset", "100"}),
      made("times below zero", "in.mp4", "out.mp4",
           kPicture + tone(500) + kX264 + Strings{"-bf", "2", "-c:a", "aac"}),
      {"subtitles", "in.mkv", "out.mkv",
       [=](const Place& place) {
         write_text(place.file("s.srt"), subtitles);
         ffmpeg(kPicture + Strings{"-i", place.file("s.srt")} + kX264 +
                Strings{place.file("in.mkv")});
       }},
      {"subtitles that become others", "in.mkv", "out.mp4",
       [=](const Place& place) {
         write_text(place.file("s.srt"), subtitles);
         ffmpeg(kPicture + Strings{"-i", place.file("s.srt")} + kX264 +
                Strings{place.file("in.mkv")});
       }},
      made("sound in three languages", "in.mkv", "out.mp4",
           kPicture + tone(400) + tone(600) + tone(800) + kX264 +
               Strings{"-map", "0", "-map", "1", "-map", "2", "-map", "3", "-c:a", "aac",
                       "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger",
                       "-metadata:s:a:2", "language=jpn"}),
      {"chapters", "in.mp4", "out.mkv",
       [=](const Place& place) {
         write_text(place.file("chapters.txt"), chapters);
         ffmpeg(kPicture +
                Strings{"-i", place.file("chapters.txt"), "-map", "0", "-map_chapters", "1"} +
                kX264 + Strings{place.file("in.mp4")});
       }},
      made("letterboxed", "in.mp4", "out.mp4", filtered("pad=96:96:0:16")),
      made("VP9 with Vorbis", "in.webm", "out.webm",
           kPicture + tone(500) +
               Strings{"-c:v", "libvpx-vp9", "-cpu-used", "8", "-pix_fmt", "yuv420p", "-c:a",
                       "libvorbis"}),
      made("MPEG-4 in AVI with MP3", "in.avi", "out.avi",
           kPicture + tone(500) + Strings{"-c:v", "mpeg4", "-c:a", "libmp3lame"}),
  };
}

struct Refused {
  OddFilm film;
  std::string complaint;
};

std::vector<Refused> films_that_do_not() {
  const Strings mp4 = kPicture + kX264;
  const auto spoilt = [](const std::string& what, const std::string& in, const Strings& arguments,
                         const std::function<void(std::string&)>& spoil) {
    return OddFilm{what, in, "out.mkv", [=](const Place& place) {
                     ffmpeg(arguments + Strings{place.file(in)});
                     change_bytes(place.file(in), spoil);
                   }};
  };
  const auto text = [](const std::string& what, const std::string& content) {
    return OddFilm{what, "in.mp4", "out.mkv",
                   [=](const Place& place) { write_text(place.file("in.mp4"), content); }};
  };
  return {
      {spoilt("truncated", "in.mp4", mp4 + Strings{"-movflags", "faststart"},
              [](std::string& bytes) { bytes.resize(bytes.size() * 2 / 3); }),
       "is cut off"},
      {spoilt("truncated", "in.mkv", kPicture + kFfv1,
              [](std::string& bytes) { bytes.resize(bytes.size() * 2 / 3); }),
       "is cut off"},
      {spoilt("corrupt in the middle", "in.mkv", mp4 + Strings{"-g", "100"},
              [](std::string& bytes) {
                for (std::size_t i = bytes.size() / 2; i < bytes.size() * 3 / 5; ++i) {
                  bytes[i] = static_cast<char>(i * 37);
                }
              }),
       "is broken after frame"},
      {made("sound alone", "in.m4a", "out.mkv", tone(500) + Strings{"-c:a", "aac"}),
       "has no video stream"},
      {made("HDR", "in.mkv", "out.mkv",
            mp4 + Strings{"-pix_fmt", "yuv420p10le", "-color_trc", "smpte2084", "-colorspace",
                          "bt2020nc", "-color_primaries", "bt2020"}),
       "is HDR (PQ"},
      {made("interlaced", "in.ts", "out.mkv",
            mp4 + Strings{"-vf", "setfield=tff", "-flags", "+ildct+ilme"}),
       "is interlaced ("},
      {made("gray", "in.mkv", "out.mkv", kPicture + kFfv1 + Strings{"-pix_fmt", "gray"}),
       "is gray in every frame"},
      {made("transparent", "in.mkv", "out.mkv", kPicture + kFfv1 + Strings{"-pix_fmt", "yuva420p"}),
       "has the pixel format yuva420p"},
      {made("sound that .mp4 cannot hold", "in.mkv", "out.mp4",
            kPicture + tone(500) + kX264 + Strings{"-c:a", "pcm_s16le"}),
       "cannot hold the film's sound"},
      {text("of no bytes", ""), "is empty"},
      {text("a text", "This is not a film.\n"), "is not a film"},
      {text("noise", std::string(5000, '\x5a')), "is not a film that can be read"},
  };
}

/// A film's picture, and what goes with it.
struct Seen {
  std::vector<std::string> luma;    // a frame's samples, row by row
  std::vector<std::int64_t> times;  // from the first frame, in microseconds
  std::int64_t duration = 0;        // of the picture
  double sample_aspect = 0;
  std::string rotation;  // side data
  AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
  AVColorSpace matrix = AVCOL_SPC_UNSPECIFIED;  // as the file names it, if it does
  int bits = 0;
};

Seen seen(const fs::path& path) {
  Seen film;
  VideoDecoder decoder(path);
  const AVStream& stream = decoder.stream();
  film.sample_aspect = av_q2d(stream.sample_aspect_ratio);
  film.matrix = stream.codecpar->color_space;
  std::size_t size = 0;
  if (const auto* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size)) {
    film.rotation.assign(reinterpret_cast<const char*>(data), size);
  }
  std::int64_t first = 0;
  while (const libav::FramePtr frame = decoder.read()) {
    film.times.push_back(av_rescale_q(frame->pts, decoder.time_base(), AV_TIME_BASE_Q));
    first = film.times.front();
    film.duration = film.times.back() - first +
                    av_rescale_q(frame->pkt_duration, decoder.time_base(), AV_TIME_BASE_Q);
    film.bits = bits_of(AVPixelFormat(frame->format));
    film.range = frame->color_range;
    film.luma.push_back(luma_bytes(*frame));
  }
  for (std::int64_t& time : film.times) time -= first;
  if (stream.nb_frames > 0) {  // where there is an index, it tells more than the last frame
    film.duration = av_rescale_q(stream.duration, stream.time_base, AV_TIME_BASE_Q);
  }
  return film;
}

/// What each stream but the picture is: its kind, and its language where it tells one.
std::vector<std::pair<AVMediaType, std::string>> others_of(const AVFormatContext& film) {
  std::vector<std::pair<AVMediaType, std::string>> others;
  for (unsigned i = 0; i < film.nb_streams; ++i) {
    const AVStream& stream = *film.streams[i];
    const AVMediaType kind = stream.codecpar->codec_type;
    if (kind != AVMEDIA_TYPE_AUDIO && kind != AVMEDIA_TYPE_SUBTITLE) continue;
    const AVDictionaryEntry* const entry = av_dict_get(stream.metadata, "language", nullptr, 0);
    const std::string language = entry == nullptr ? "und" : entry->value;
    others.emplace_back(kind, language);
  }
  return others;
}

/// By how much times differ, in microseconds: Matroska counts milliseconds.
std::int64_t unit_of(const fs::path& in, const fs::path& out) {
  const auto coarse = [](const fs::path& path) {
    return path.extension() == ".mkv" || path.extension() == ".webm";
  };
  return coarse(in) || coarse(out) ? 1000 : 0;
}

void check_times(const std::vector<std::int64_t>& after, const std::vector<std::int64_t>& before,
                 std::int64_t unit) {
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    CAPTURE(i, after[i], before[i]);
    CHECK(std::abs(after[i] - before[i]) <= unit);
  }
}

void check_passes(const OddFilm& film) {
  const Place place;
  film.make(place);
  const fs::path in = place.file(film.in), out = place.file(film.out);
  INFO(film.what << ": " << film.in << " to " << film.out);
  const ProgramResult result = run_afterglow({"colorize", in, "--out", out, "--codec", "lossless"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(result.err.find("afterglow: ") == std::string::npos);

  const Seen before = seen(in), after = seen(out);
  REQUIRE(after.luma.size() == before.luma.size());
  const bool luma_kept = after.luma == before.luma;
  CHECK(luma_kept);
  const std::int64_t unit = unit_of(in, out);
  check_times(after.times, before.times, unit);
  CHECK(std::abs(after.duration - before.duration) <= 2 * unit);
  if (before.sample_aspect > 0) CHECK(after.sample_aspect == Approx(before.sample_aspect));
  CHECK(after.rotation == before.rotation);
  CHECK(after.range == before.range);
  CHECK(after.matrix == before.matrix);
  CHECK(after.bits == before.bits);

  const libav::InputPtr source = libav::open_input(in), made = libav::open_input(out);
  CHECK(others_of(*made) == others_of(*source));
  CHECK(made->nb_chapters == source->nb_chapters);
  for (unsigned i = 0; i < std::min(source->nb_streams, made->nb_streams); ++i) {
    const AVMediaType kind = source->streams[i]->codecpar->codec_type;
    if (kind != AVMEDIA_TYPE_AUDIO && kind != AVMEDIA_TYPE_SUBTITLE) continue;
    const Packets packets = packets_of_stream(in, int(i)), copied = packets_of_stream(out, int(i));
    REQUIRE(packets.size() > 1);
    const bool text =
        source->streams[i]->codecpar->codec_id != made->streams[i]->codecpar->codec_id;
    std::vector<std::int64_t> times, copied_times;
    std::string bytes, copied_bytes;
    for (const auto& [time, data] : packets) times.push_back(time), bytes += data;
    for (const auto& [time, data] : copied) {
      if (text && data.size() <= 2) continue;  // mov_text says where there is nothing
      copied_times.push_back(time);
      copied_bytes += data;
    }
    check_times(copied_times, times, unit);
    const bool packets_kept = text || copied_bytes == bytes;
    CHECK(packets_kept);
  }
}

void check_refused(const Refused& refused) {
  const Place place;
  refused.film.make(place);
  const fs::path in = place.file(refused.film.in), out = place.file(refused.film.out);
  INFO(refused.film.what << ": " << refused.film.in << " to " << refused.film.out);
  const ProgramResult result = run_afterglow({"colorize", in, "--out", out});
  INFO(result.err);
  CHECK(result.exit_code == 2);
  const auto at = result.err.find("afterglow: ");
  REQUIRE(at != std::string::npos);
  CHECK(result.err.find("afterglow: ", at + 1) == std::string::npos);
  CHECK(std::count(result.err.begin() + std::ptrdiff_t(at), result.err.end(), '\n') == 1);
  CHECK_THAT(result.err, Contains(refused.complaint) && Contains("; "));
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("odd films are coloured and keep all that is theirs", "[app]") {
  for (const OddFilm& film : films_that_pass()) check_passes(film);
}

TEST_CASE("what a container cannot hold is told once, and the film is made", "[app]") {
  const Place place;
  write_text(place.file("font.ttf"), "letters");
  ffmpeg(kPicture + kX264 +
         Strings{"-attach", place.file("font.ttf"), "-metadata:s:t",
                 "mimetype=application/x-truetype-font", place.file("in.mkv")});
  const std::string out = place.file("out.mp4");
  const ProgramResult result = run_afterglow({"colorize", place.file("in.mkv"), "--out", out});
  INFO(result.err);
  CHECK(result.exit_code == 0);
  const std::string line =
      "afterglow: " + out + ": cannot hold the attachment of stream 1 (ttf, font.ttf), left out;";
  const auto at = result.err.find(line);
  REQUIRE(at != std::string::npos);
  CHECK(result.err.find("left out", at + line.size()) == std::string::npos);
  CHECK(fs::exists(out));
}

TEST_CASE("sound whose times go back is copied whole, and told of once", "[app]") {
  const Place place;
  const std::string in = place.file("in.ts");
  const Strings long_ones = {"-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=3",
                             "-f", "lavfi", "-i", "sine=500:duration=3"};
  ffmpeg(long_ones + kX264 + Strings{"-c:a", "mp2", "-b:a", "128k", in});
  constexpr std::int64_t kTicks = 45000;  // half a second
  change_bytes(in, [](std::string& bytes) { set_sound_back(bytes, kTicks); });
  const Packets before = packets_of(in, AVMEDIA_TYPE_AUDIO);
  std::vector<std::int64_t> steps;
  for (std::size_t i = 1; i < before.size(); ++i) {
    steps.push_back(std::get<0>(before[i]) - std::get<0>(before[i - 1]));
  }
  REQUIRE(*std::min_element(steps.begin(), steps.end()) < -400000);
  for (const char* name : {"out.mkv", "out.mp4", "out.mov", "out.avi"}) {
    const std::string out = place.file(name);
    const ProgramResult result = run_afterglow({"colorize", in, "--out", out});
    INFO(name << ": " << result.err);
    REQUIRE(result.exit_code == 0);
    const std::string line = "afterglow: " + out + ": times of the sound of stream 1 (mp2) go back";
    const auto at = result.err.find(line);
    REQUIRE(at != std::string::npos);
    CHECK(result.err.find("go back", at + line.size()) == std::string::npos);
    const Packets after = packets_of(out, AVMEDIA_TYPE_AUDIO);
    REQUIRE(after.size() == before.size());
    bool bytes_kept = true;
    for (std::size_t i = 0; i < before.size(); ++i) {
      bytes_kept = bytes_kept && std::get<1>(after[i]) == std::get<1>(before[i]);
      if (i > 0) CHECK(std::get<0>(after[i]) >= std::get<0>(after[i - 1]));
    }
    CHECK(bytes_kept);
  }
}

TEST_CASE("of a gray film whose sound is not the one kept, the rest is told to be left out",
          "[app]") {
  const Place place;
  write_text(place.file("s.srt"), "1\n00:00:00,200 --> 00:00:00,600\nA word\n\n");
  ffmpeg(kPicture + tone(500) + kX264 + Strings{"-c:a", "aac", place.file("in.mkv")});
  ffmpeg(kPicture +
         Strings{"-i", place.file("s.srt"), "-vf", "format=gray,format=yuv420p", "-c:s", "srt"} +
         kX264 + Strings{place.file("gray.mkv")});
  const ProgramResult result =
      run_afterglow({"colorize", place.file("in.mkv"), "--gray", place.file("gray.mkv"), "--out",
                     place.file("o.mkv")});
  INFO(result.err);
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.err, Contains("gray.mkv: loses the subtitles of stream 1 (subrip), because " +
                                  place.file("in.mkv") + " has the sound;"));
}

TEST_CASE("odd films that cannot be coloured are refused in one line", "[app]") {
  for (const Refused& refused : films_that_do_not()) check_refused(refused);
}

}  // namespace
}  // namespace afterglow::test
