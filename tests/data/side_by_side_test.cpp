// The film as it was beside the new one, sample by sample.
#include "data/side_by_side.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "data/film_maker.hpp"
#include "data/film_source.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

namespace fs = std::filesystem;

const Picture kColours = random_picture(16, 12, 9);

void recolour(const fs::path& from, const fs::path& to, const FilmOptions& options,
              std::int64_t part = 1000, std::int64_t last = 1000) {
  FilmReader reader(from);
  FilmWriter writer(to, reader, options);
  const std::int64_t done = writer.frames();
  while (const auto frame = reader.read()) {
    if (frame->index() < done) continue;
    if (frame->index() == last) return;
    writer.write(*frame, kColours);
    if (frame->index() % part == part - 1) writer.end_part();
  }
  writer.commit();
}

std::vector<FilmFrame> frames_of(const fs::path& path) {
  FilmReader reader(path);
  std::vector<FilmFrame> frames;
  while (auto frame = reader.read()) frames.push_back(std::move(*frame));
  return frames;
}

int sample(const FilmFrame& frame, int plane, int x, int y) {
  const AVFrame& content = *frame.content().frame;
  const std::uint8_t* const row = content.data[plane] + std::ptrdiff_t(y) * content.linesize[plane];
  return bits_of(AVPixelFormat(content.format)) > 8 ? reinterpret_cast<const std::uint16_t*>(row)[x]
                                                    : row[x];
}

}  // namespace

TEST_CASE("side by side: the source at the left, the new film at the right, to the bit") {
  struct Row {
    AVPixelFormat format;
    int width, height, half;
    const char* out;
  };
  const Row row = GENERATE(
      Row{AV_PIX_FMT_YUV420P, 32, 24, 32, "o.mkv"}, Row{AV_PIX_FMT_YUV420P, 33, 25, 34, "o.mkv"},
      Row{AV_PIX_FMT_YUV420P, 33, 24, 34, "o.mp4"},
      Row{AV_PIX_FMT_YUV422P10LE, 35, 25, 36, "o.mkv"},
      Row{AV_PIX_FMT_YUV444P, 33, 25, 33, "o.mp4"}, Row{AV_PIX_FMT_GRAY8, 31, 24, 32, "o.mkv"},
      Row{AV_PIX_FMT_YUV411P, 33, 24, 36, "o.mkv"});
  CAPTURE(av_get_pix_fmt_name(row.format), row.width, row.height);
  const TemporaryFolder folder;
  const fs::path in = folder.path() / "in.mkv", both = folder.path() / row.out,
                 single = folder.path() / "single.mkv";
  make_film(in, parameters_of(row.format, row.width, row.height), {0, 40, 90});
  recolour(in, both, {.codec = VideoCodec::kLossless, .side_by_side = true});
  recolour(in, single, {.codec = VideoCodec::kLossless});
  const std::vector<FilmFrame> source = frames_of(in), right = frames_of(single),
                               made = frames_of(both);
  REQUIRE(made.size() == 3);
  const AVPixFmtDescriptor& d =
      *av_pix_fmt_desc_get(AVPixelFormat(made[0].content().frame->format));
  for (std::size_t t = 0; t < made.size(); ++t) {
    CHECK(made[t].seconds() == Approx(source[t].seconds()).margin(1e-9));
    REQUIRE(made[t].width() == 2 * row.half);
    REQUIRE(made[t].height() == row.height);
    int wrong = 0;
    for (const int plane : {0, 1, 2}) {
      const bool chroma = plane > 0;
      const int across = chroma ? d.log2_chroma_w : 0, down = chroma ? d.log2_chroma_h : 0;
      const int width = AV_CEIL_RSHIFT(row.width, across), half = row.half >> across;
      const int over = (chroma ? 128 : 16) << (d.comp[0].depth - 8);
      for (int y = 0; y < AV_CEIL_RSHIFT(row.height, down); ++y) {
        for (int x = 0; x < half; ++x) {
          const bool gray = chroma && row.format == AV_PIX_FMT_GRAY8;
          const int at_left = x >= width ? over : gray ? 128 : sample(source[t], plane, x, y);
          const int at_right = x >= width ? over : sample(right[t], plane, x, y);
          if (sample(made[t], plane, x, y) != at_left) ++wrong;
          if (sample(made[t], plane, half + x, y) != at_right) ++wrong;
        }
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("side by side: the left half may have another film's colours") {
  const TemporaryFolder folder;
  const fs::path in = folder.path() / "in.mkv", out = folder.path() / "out.mkv",
                 red = folder.path() / "red.mkv";
  make_film(in, parameters_of(AV_PIX_FMT_GRAY8), {0});
  {
    const auto writer = create_frames(red, 20, 10, 25);
    writer->write(plain_picture(20, 10, 200, 60, 60), 0);
    writer->commit();
  }
  {
    FilmReader reader(in), colours(red);
    FilmWriter writer(out, reader, {.codec = VideoCodec::kLossless, .side_by_side = true});
    const auto frame = reader.read(), given = colours.read();
    const std::vector<float> green = {60, 200, 60};
    writer.write(*frame, green, 1, 1, &*given);
    writer.commit();
  }
  const FilmFrame made = frames_of(out).at(0), gray = frames_of(in).at(0);
  const YCbCrCoding coding{Matrix::kBt601, false, 8};
  const Triple left = rgb_to_ycbcr({200, 60, 60}, coding),
               right = rgb_to_ycbcr({60, 200, 60}, coding);
  for (const int plane : {1, 2}) {
    CHECK(sample(made, plane, 3, 5) == std::lround(left[std::size_t(plane)]));
    CHECK(sample(made, plane, 19, 5) == std::lround(right[std::size_t(plane)]));
  }
  CHECK(sample(made, 0, 7, 9) == sample(gray, 0, 7, 9));
  CHECK(sample(made, 0, 39, 9) == sample(gray, 0, 7, 9));
}

TEST_CASE("side by side: parts are joined to the same film, folders hold wide pictures") {
  const TemporaryFolder folder;
  const fs::path in = folder.path() / "in.mkv", once = folder.path() / "once.mp4",
                 parts = folder.path() / "parts", resumed = folder.path() / "resumed.mp4";
  make_film(in, parameters_of(AV_PIX_FMT_YUV420P), {0, 40, 80, 120, 160, 200});
  recolour(in, once, {.codec = VideoCodec::kLossless, .side_by_side = true});
  const FilmOptions by_parts{.codec = VideoCodec::kLossless, .parts = parts, .side_by_side = true};
  recolour(in, resumed, by_parts, 2, 5);
  REQUIRE_FALSE(fs::exists(resumed));
  recolour(in, resumed, by_parts, 2);
  const std::vector<FilmFrame> one = frames_of(once), other = frames_of(resumed);
  REQUIRE(other.size() == 6);
  for (std::size_t t = 0; t < 6; ++t) CHECK(one[t].picture() == other[t].picture());

  const fs::path pictures = folder.path() / "pictures";
  recolour(in, pictures, {.side_by_side = true});
  const Picture wide = read_picture(pictures / "00003.png");
  const Picture source = frames_of(in)[3].picture();
  REQUIRE(wide.width == 64);
  CHECK(std::equal(&source.rgb[96 * 7], &source.rgb[96 * 8], &wide.rgb[192 * 7]));
  CHECK_FALSE(std::equal(&source.rgb[96 * 7], &source.rgb[96 * 8], &wide.rgb[192 * 7 + 96]));
  CHECK_THROWS_AS(side_by_side(Picture(2, 3), Picture(2, 4)), ShapeError);
}

}  // namespace afterglow::test
