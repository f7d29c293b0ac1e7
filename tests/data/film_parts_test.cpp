// Films made part by part equal those made in one go.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.hpp"
#include "data/film_maker.hpp"
#include "data/film_source.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

constexpr int kWidth = 64, kHeight = 48;

/// Uneven times, the last frame long.
const std::vector<std::int64_t> kTimes = {0, 40, 80, 200, 240, 250, 330, 370, 410, 450, 600, 640};

void make_source(const fs::path& path) {
  make_film(path, parameters_of(AV_PIX_FMT_YUV420P, kWidth, kHeight, AVCOL_SPC_BT709), kTimes);
}

/// Copies a film with plain chroma; a part ends behind each of `ends`. `last`: the writer stops
/// there, without a commit.
void copy_film(const fs::path& from, const fs::path& to, FilmOptions options,
               const std::vector<std::int64_t>& ends, std::int64_t last = 1000) {
  FilmReader reader(from);
  FilmWriter writer(to, reader, options);
  const Picture colour = plain_picture(kWidth, kHeight, 150, 90, 60);
  const std::int64_t done = writer.frames();
  while (const auto frame = reader.read()) {
    if (frame->index() < done) continue;
    if (frame->index() == last) return;
    writer.write(*frame, colour);
    if (std::find(ends.begin(), ends.end(), frame->index()) != ends.end()) writer.end_part();
  }
  writer.commit();
}

struct PacketTime {
  std::int64_t pts, dts;
};

struct Decoded {
  std::vector<std::string> luma;
  std::vector<double> seconds;
  std::vector<PacketTime> packets;
  std::int64_t duration = 0;  // of the container
  int matrix = 0, range = 0;  // as the container has them
};

Decoded decode(const fs::path& path) {
  Decoded film;
  FilmReader reader(path);
  while (const auto frame = reader.read()) {
    film.luma.push_back(luma_bytes(*frame->content().frame));
    film.seconds.push_back(frame->seconds());
  }
  const libav::InputPtr input = libav::open_input(path);
  film.duration = input->duration;
  film.matrix = input->streams[0]->codecpar->color_space;
  film.range = input->streams[0]->codecpar->color_range;
  const libav::PacketPtr packet = libav::make_packet();
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    film.packets.push_back({packet->pts, packet->dts});
    av_packet_unref(packet.get());
  }
  return film;
}

}  // namespace

TEST_CASE("a film made in parts has the frames and times of one made in one go", "[data]") {
  const TemporaryFolder folder;
  const auto [name, codec] =
      GENERATE(table<std::string, VideoCodec>({{"out.mkv", VideoCodec::kLossless},
                                               {"out.mp4", VideoCodec::kLossless},
                                               {"out.mp4", VideoCodec::kH264},
                                               {"out.mov", VideoCodec::kProRes},
                                               {"out.webm", VideoCodec::kLossless},
                                               {"out.avi", VideoCodec::kLossless},
                                               {"out.mkv", VideoCodec::kH265}}));
  CAPTURE(name, int(codec));
  const fs::path source = folder.path() / "in.mkv";
  make_source(source);
  const fs::path whole = folder.path() / ("whole-" + name), joined = folder.path() / name;
  const fs::path parts = folder.path() / "parts";
  copy_film(source, whole, {codec, {}, {}}, {});
  copy_film(source, joined, {codec, {}, parts}, {2, 3, 4, 8});
  const Decoded one = decode(whole), many = decode(joined);
  REQUIRE(many.luma.size() == kTimes.size());
  CHECK(many.seconds == one.seconds);
  if (codec == VideoCodec::kLossless) CHECK(many.luma == one.luma);
  CHECK(many.packets.size() == one.packets.size());
  CHECK(many.duration == one.duration);
  CHECK(many.matrix == one.matrix);
  CHECK(many.range == one.range);
  for (const PacketTime& packet : many.packets) {
    if (packet.pts != AV_NOPTS_VALUE) CHECK(packet.dts <= packet.pts);  // .avi has none
  }
}

TEST_CASE("a film in parts goes on behind the last whole part", "[data]") {
  const TemporaryFolder folder;
  const fs::path source = folder.path() / "in.mkv", parts = folder.path() / "parts";
  make_source(source);
  const FilmOptions options{VideoCodec::kLossless, {}, parts};
  const fs::path once = folder.path() / "once.mp4", again = folder.path() / "again.mp4";
  copy_film(source, once, options, {2, 8});
  fs::remove_all(parts);
  copy_film(source, again, options, {2, 8}, 6);  // what was made of a part is lost
  CHECK_FALSE(fs::exists(again));
  copy_film(source, again, options, {2, 8}, 11);
  copy_film(source, again, options, {2, 8});
  CHECK(fs::file_size(once) > 0);
  CHECK(bytes_of(once) == bytes_of(again));
}

TEST_CASE("damaged parts of a film are refused", "[data]") {
  const TemporaryFolder folder;
  const fs::path source = folder.path() / "in.mkv", parts = folder.path() / "parts";
  make_source(source);
  copy_film(source, folder.path() / "out.mkv", {VideoCodec::kLossless, {}, parts}, {2, 8}, 10);
  SECTION("what tells of a part") { std::ofstream(parts / "part-00001.json") << "{"; }
  SECTION("a part that lacks its end") {
    fs::resize_file(parts / "part-00001.nut", fs::file_size(parts / "part-00001.nut") / 2);
  }
  SECTION("a part that is none") { std::ofstream(parts / "part-00000.nut") << "no film at all"; }
  SECTION("an empty part") { fs::resize_file(parts / "part-00001.nut", 0); }
  SECTION("a part that is missing") { fs::remove(parts / "part-00000.nut"); }
  CHECK_THROWS_WITH(
      copy_film(source, folder.path() / "out.mkv", {VideoCodec::kLossless, {}, parts}, {2, 8}),
      Contains("is damaged; remove the folder " + parts.string() + " and run again"));
  CHECK_FALSE(fs::exists(folder.path() / "out.mkv"));
}

}  // namespace afterglow::test
