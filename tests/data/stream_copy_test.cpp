// What is copied from a film into another beside its picture.
#include "data/stream_copy.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>

#include "data/film.hpp"
#include "film_maker.hpp"
#include "support/ffmpeg.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

/// A film with two languages, subtitles, chapters, an attachment and a cover, in .mkv or .mp4.
class RichFilm {
 public:
  RichFilm() {
    std::ofstream(file("s.srt")) << "1\n00:00:00,100 --> 00:00:00,300\nHello <i>there</i>\n\n"
                                    "2\n00:00:00,500 --> 00:00:00,700\nAgain\n";
    std::ofstream(file("chapters.txt"))
        << ";FFMETADATA1\ntitle=A film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=One\n"
           "[CHAPTER]\nTIMEBASE=1/1000\nSTART=400\nEND=800\ntitle=Two\n";
    std::ofstream(file("font.ttf")) << std::string(300, 'f');
    write_picture(file("cover.png"), plain_picture(16, 16, 200, 30, 30));
    Strings inputs = {"-f", "lavfi", "-i", "testsrc2=size=32x24:rate=25:duration=0.8"};
    for (const char* tone : {"400", "800"}) {
      const std::string sine = std::string("sine=") + tone + ":duration=0.8";
      inputs.insert(inputs.end(), {"-f", "lavfi", "-i", sine});
    }
    for (const char* name : {"s.srt", "chapters.txt", "cover.png"}) {
      inputs.insert(inputs.end(), {"-i", file(name)});
    }
    const Strings common = {"-map",
                            "0",
                            "-map",
                            "1",
                            "-map",
                            "2",
                            "-map",
                            "3",
                            "-map_metadata",
                            "4",
                            "-map_chapters",
                            "4",
                            "-c:v:0",
                            "mpeg4",
                            "-pix_fmt:v:0",
                            "yuv420p",
                            "-c:a:0",
                            "aac",
                            "-c:a:1",
                            "libmp3lame",
                            "-metadata:s:a:0",
                            "language=eng",
                            "-metadata:s:a:1",
                            "language=ger",
                            "-disposition:a:1",
                            "comment",
                            "-metadata:s:s:0",
                            "language=fre"};
    const auto make = [&](const std::string& name, const Strings& more) {
      Strings arguments = inputs;
      arguments.insert(arguments.end(), common.begin(), common.end());
      arguments.insert(arguments.end(), more.begin(), more.end());
      arguments.push_back(file(name));
      test::ffmpeg(arguments);
    };
    make("in.mkv", {"-c:s", "srt", "-attach", file("font.ttf"), "-metadata:s:t",
                    "mimetype=application/x-truetype-font"});
    make("in.mp4",
         {"-map", "5", "-c:v:1", "png", "-c:s", "mov_text", "-disposition:v:1", "attached_pic"});
  }

  std::string file(const std::string& name) const { return folder_.path() / name; }

  /// Gives the film new chroma; what it says is left out.
  Strings colour(const std::string& in, const std::string& out) const {
    FilmReader reader(file(in));
    FilmWriter writer(file(out), reader);
    while (const auto frame = reader.read()) writer.write(*frame, plain_picture(8, 8, 9, 80, 200));
    writer.commit();
    return writer.left_out();
  }

 private:
  TemporaryFolder folder_;
};

std::string tag(const AVDictionary* tags, const char* key) {
  const AVDictionaryEntry* const entry = av_dict_get(tags, key, nullptr, 0);
  return entry == nullptr ? "" : entry->value;
}

/// "1 aac eng comment", what matters of a stream.
Strings streams_of(const fs::path& path) {
  const libav::InputPtr input = libav::open_input(path);
  Strings streams;
  for (unsigned i = 0; i < input->nb_streams; ++i) {
    const AVStream& stream = *input->streams[i];
    if (stream.discard == AVDISCARD_ALL) continue;  // of which chapters were made
    std::string text = avcodec_get_name(stream.codecpar->codec_id);
    if (const std::string language = tag(stream.metadata, "language"); language.size() > 0) {
      if (language != "und") text += " " + language;
    }
    if (stream.disposition & AV_DISPOSITION_COMMENT) text += " comment";
    if (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) text += " cover";
    streams.push_back(text);
  }
  return streams;
}

Strings chapters_of(const fs::path& path) {
  const libav::InputPtr input = libav::open_input(path);
  Strings chapters;
  for (unsigned i = 0; i < input->nb_chapters; ++i) {
    const AVChapter& chapter = *input->chapters[i];
    const auto ms = [&](std::int64_t time) {
      return std::to_string(av_rescale_q(time, chapter.time_base, {1, 1000}));
    };
    chapters.push_back(tag(chapter.metadata, "title") + " " + ms(chapter.start) + " " +
                       ms(chapter.end));
  }
  return chapters;
}

/// Packets of equal bytes, in equal times but for the containers' units.
void check_same(const Packets& after, const Packets& before, bool same_bytes = true) {
  constexpr std::int64_t kUnit = 1100;  // microseconds: 1 ms of .mkv, and a sample
  REQUIRE(before.size() > 1);
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK(std::abs(std::get<0>(after[i]) - std::get<0>(before[i])) <= kUnit);
    const bool equal = std::get<1>(after[i]) == std::get<1>(before[i]);
    if (same_bytes) CHECK(equal);
  }
}

TEST_CASE("all that a film holds is copied where the container can hold it") {
  const RichFilm film;
  struct Row {
    const char *in, *out;
    Strings streams, left_out;
  };
  const Strings chapters = {"One 0 400", "Two 400 800"};
  const auto left_out = [&](const char* out, const std::string& what, const std::string& advice) {
    return film.file(out) + ": cannot hold " + what + ", left out; " + advice;
  };
  const std::string keeps = "a .mkv would keep it";
  const std::vector<Row> rows = {
      {"in.mkv", "a.mkv", {"h264", "aac eng", "mp3 ger comment", "subrip fre", "ttf"}, {}},
      {"in.mkv",
       "b.mp4",
       {"h264", "aac eng", "mp3 ger comment", "mov_text fre"},
       {left_out("b.mp4", "the attachment of stream 4 (ttf, font.ttf)", keeps)}},
      {"in.mp4", "c.mp4", {"h264", "aac eng", "mp3 ger comment", "mov_text fre", "png cover"}, {}},
      {"in.mp4", "d.mkv", {"h264", "aac eng", "mp3 ger comment", "subrip fre", "png cover"}, {}},
      {"in.mkv",
       "e.avi",
       {"h264", "aac", "mp3"},
       {left_out("e.avi", "the subtitles of stream 3 (subrip, fre)", keeps),
        left_out("e.avi", "the attachment of stream 4 (ttf, font.ttf)", keeps),
        left_out("e.avi", "the film's chapters", keeps)}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.in, row.out);
    CHECK(film.colour(row.in, row.out) == row.left_out);
    CHECK(streams_of(film.file(row.out)) == row.streams);
    const bool avi = std::string(row.out) == "e.avi";
    CHECK(chapters_of(film.file(row.out)) == (avi ? Strings() : chapters));
    if (avi) continue;  // of a constant rate
    for (int stream : {1, 2}) {
      check_same(packets_of_stream(film.file(row.out), stream),
                 packets_of_stream(film.file(row.in), stream));
    }
    const libav::InputPtr input = libav::open_input(film.file(row.out));
    CHECK(tag(input->metadata, "title") == "A film");
  }
  check_same(packets_of_stream(film.file("a.mkv"), 3), packets_of_stream(film.file("in.mkv"), 3));
}

TEST_CASE("subtitles of text go from one kind into another and keep their text and times") {
  const RichFilm film;
  film.colour("in.mkv", "mid.mp4");
  film.colour("mid.mp4", "out.mkv");
  const Packets before = packets_of_stream(film.file("in.mkv"), 3);
  const Packets after = packets_of_stream(film.file("out.mkv"), 3);
  check_same(after, before, false);
  CHECK_THAT(std::get<1>(after[0]), Catch::Contains("Hello <i>there</i>"));
  CHECK_THAT(std::get<1>(after[1]), Catch::Contains("Again"));
}

TEST_CASE("attachments and covers are copied to the byte") {
  const RichFilm film;
  film.colour("in.mkv", "font.mkv");
  const libav::InputPtr font = libav::open_input(film.file("font.mkv"));
  const AVCodecParameters& attached = *font->streams[4]->codecpar;
  CHECK(std::string(reinterpret_cast<char*>(attached.extradata),
                    std::size_t(attached.extradata_size)) == std::string(300, 'f'));
  film.colour("in.mp4", "cover.mkv");
  const libav::InputPtr before = libav::open_input(film.file("in.mp4"));
  const libav::InputPtr after = libav::open_input(film.file("cover.mkv"));
  const auto bytes = [](const AVFormatContext& opened) {
    const AVStream* const cover = opened.streams[opened.nb_streams - 1];
    return std::string(reinterpret_cast<char*>(cover->attached_pic.data),
                       std::size_t(cover->attached_pic.size));
  };
  CHECK(bytes(*before).size() > 50);
  const bool equal = bytes(*after) == bytes(*before);
  CHECK(equal);
}

TEST_CASE("a stream that begins too late for the header is named when it comes") {
  const TemporaryFolder folder;
  const fs::path in = folder.path() / "in.mpg", out = folder.path() / "out.mkv";
  // Sound in the eleventh second of twenty, where nobody looks for it beforehand.
  test::ffmpeg({"-f",
                "lavfi",
                "-i",
                "testsrc2=size=128x96:rate=10:duration=20",
                "-f",
                "lavfi",
                "-itsoffset",
                "10",
                "-i",
                "sine=500:duration=1",
                "-map",
                "0",
                "-map",
                "1",
                "-vf",
                "noise=alls=100:allf=t",
                "-c:v",
                "mpeg2video",
                "-q:v",
                "1",
                "-maxrate",
                "8M",
                "-bufsize",
                "1M",
                "-c:a",
                "mp2",
                in});
  FilmReader reader(in);
  FilmWriter writer(out, reader);
  CHECK(writer.left_out().empty());
  while (const auto frame = reader.read()) writer.write(*frame, plain_picture(8, 8, 9, 80, 200));
  const Strings lines = writer.commit();
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::StartsWith(out.string() + ": has not the sound of stream 1 (mp2), "
                                                        "which begins too late in the source"));
  CHECK(streams_of(out) == Strings{"h264"});
}

}  // namespace
}  // namespace afterglow
