// What films take on disk is what was said before.
#include "apps/disk_use.hpp"

#include <catch2/catch.hpp>

#include "apps/fixtures.hpp"
#include "base/error.hpp"
#include "data/film_maker.hpp"
#include "data/film_set_maker.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

constexpr int kFilmFrames = 60;

/// Makes the film with its own colours; returns the bytes of the picture's packets.
std::size_t remade(const fs::path& from, const fs::path& to, const FilmOptions& options) {
  FilmReader reader(from);
  FilmWriter writer(to, reader, options);
  while (const auto frame = reader.read()) writer.write(*frame, frame->picture());
  writer.commit();
  std::size_t bytes = 0;
  for (const auto& [time, packet] : packets_of(to, AVMEDIA_TYPE_VIDEO)) bytes += packet.size();
  return bytes;
}

}  // namespace

TEST_CASE("a film takes no more disk than was said, and no less than it plainly needs") {
  const auto [name, codec, side_by_side] =
      GENERATE(table<const char*, VideoCodec, bool>({{"o.mkv", VideoCodec::kFfv1, false},
                                                     {"o.mkv", VideoCodec::kFfv1, true},
                                                     {"o.mp4", VideoCodec::kH264, false},
                                                     {"o.mp4", VideoCodec::kH264, true},
                                                     {"o.mp4", VideoCodec::kH265, false},
                                                     {"o.mov", VideoCodec::kProRes, false},
                                                     {"o.webm", VideoCodec::kH264, false},
                                                     {"o.mp4", VideoCodec::kLossless, false}}));
  CAPTURE(name, codec, side_by_side);
  const TemporaryFolder folder;
  const fs::path in = folder.path() / "in.mkv", out = folder.path() / name;
  write_film(in, kFilmFrames, [](int t) { return textured(96, 64, t, t / 20); });
  const FilmOptions options{.codec = codec, .side_by_side = side_by_side};
  DiskUse use;
  {
    const FilmReader reader(in);
    CHECK(reader.expected_frames() == kFilmFrames);
    use = expected_disk_use(FilmWriter(out, reader, options), reader, in);
  }
  const auto bytes = double(remade(in, out, options));
  const double copied = double(fs::file_size(in));
  CHECK(use.film - copied >= bytes);
  CHECK(use.making - copied >= 2 * bytes);
  CHECK(use.least <= 2 * bytes);
  CHECK(use.least > 0);
}

TEST_CASE("a frame alone takes what FFV1 makes of each, and others at most that") {
  const TemporaryFolder folder;
  const fs::path in = folder.path() / "in.mkv", exact = folder.path() / "exact.mkv",
                 lossy = folder.path() / "lossy.mp4";
  make_film(in, parameters_of(AV_PIX_FMT_YUV420P, 64, 48), {0, 40, 80});
  FilmReader reader(in);
  const FilmWriter writer(exact, reader, {.codec = VideoCodec::kFfv1});
  CHECK_FALSE(writer.frames_lean());
  CHECK(FilmWriter(lossy, reader).frames_lean());
  // The very frames: FFV1 of a film by FFV1, whose packets are the source's.
  for (const auto& [time, packet] : packets_of(in, AVMEDIA_TYPE_VIDEO)) {
    CHECK(std::size_t(writer.bytes_alone(*reader.read())) == packet.size());
  }
  const FilmWriter pictures(folder.path() / "pictures", reader);
  CHECK(pictures.bytes_alone(*FilmReader(in).read()) == 0);
}

TEST_CASE("a film whose size changes is measured by frames of the size that it begins with") {
  const TemporaryFolder folder;
  const fs::path in = folder.path() / "in.mpg", larger = folder.path() / "larger.mkv",
                 out = folder.path() / "out.mkv", pictures = folder.path() / "pictures";
  make_growing_film(in);
  make_film(larger, parameters_of(AV_PIX_FMT_YUV420P, 96, 80), {0});
  const FilmReader reader(in);
  const FilmFrame other = *FilmReader(larger).read();
  FilmWriter film(out, reader), frames(pictures, reader);
  const double a_frame = double(film.bytes_alone(*FilmReader(in).read()));
  const DiskUse use = expected_disk_use(film, reader, {});
  REQUIRE(reader.expected_frames() > 0);
  // Noise takes alike much in every frame.
  CHECK(use.film == Approx(1.5 * a_frame * double(reader.expected_frames())).epsilon(0.1));
  CHECK_THROWS_AS(film.bytes_alone(other), ShapeError);
  CHECK_THROWS_AS(film.write(other, Picture(8, 8)), ShapeError);
  CHECK_THROWS_WITH(frames.write(other, Picture(8, 8)),
                    "FilmWriter: a frame of 96x80 in a film of 64x48");
}

TEST_CASE("films for which there plainly is no room are refused") {
  const DiskUse alone = disk_use({1e6, false, 1000, 5e8, 2e9}),
                leaning = disk_use({1e6, true, 1000, 5e8, 2e9}),
                still = disk_use({1e6, true, 1000, 5e8, 1e8});
  CHECK(alone.film == Approx(2e9));
  CHECK(alone.making == Approx(3.5e9));
  CHECK(alone.least == Approx(1e9));
  CHECK(leaning.film == Approx(2e9));
  CHECK(leaning.least == Approx(1e8));
  CHECK(still.least == Approx(2.5e7));
  CHECK_NOTHROW(require_room(alone, 0, 1.1e9, "out.mkv"));
  CHECK_NOTHROW(require_room(alone, 6e8, 5e8, "out.mkv"));  // parts are there already
  CHECK_THROWS_WITH(require_room(alone, 3e8, 5e8, "out.mkv"),
                    "out.mkv: takes 1.00 GB or more while it is made, but only 500 MB are free "
                    "there; free some space, or choose another place or another --codec");
  CHECK_THROWS_AS(require_room(leaning, 0, 9e7, "out.mkv"), InputError);
}

TEST_CASE("bytes are told in three digits") {
  CHECK(bytes_text(0) == "0 B");
  CHECK(bytes_text(999) == "999 B");
  CHECK(bytes_text(1234) == "1.23 kB");
  CHECK(bytes_text(99.96e6) == "100 MB");
  CHECK(bytes_text(999.7e6) == "1.00 GB");
  CHECK(bytes_text(45.67e12) == "45.7 TB");
}

}  // namespace afterglow::test
