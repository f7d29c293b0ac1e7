#include "data/reduced_picture.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>

#include "data/colour.hpp"
#include "data/film.hpp"
#include "data/pixels.hpp"
#include "data/resample.hpp"
#include "data/synth.hpp"
#include "film_maker.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

double sample_at(const AVFrame& frame, int plane, int x, int y) {
  const std::uint8_t* const row =
      frame.data[plane] + std::ptrdiff_t(y) * std::ptrdiff_t(frame.linesize[plane]);
  if (bits_of(AVPixelFormat(frame.format)) == 8) return row[x];
  return reinterpret_cast<const std::uint16_t*>(row)[x];
}

/// One sample of a plane at another size, in double.
double reduced_sample(const AVFrame& frame, int plane, int width, int height, int x, int y) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(AVPixelFormat(frame.format));
  const int across_shift = plane == 0 ? 0 : d.log2_chroma_w;
  const int down_shift = plane == 0 ? 0 : d.log2_chroma_h;
  const ResampleAxis across = make_axis(AV_CEIL_RSHIFT(frame.width, across_shift), width);
  const ResampleAxis down = make_axis(AV_CEIL_RSHIFT(frame.height, down_shift), height);
  const Taps &column = across.taps[std::size_t(x)], &row = down.taps[std::size_t(y)];
  double sum = 0;
  for (std::size_t j = 0; j < row.weights.size(); ++j) {
    for (std::size_t i = 0; i < column.weights.size(); ++i) {
      sum += double(row.weights[j]) * double(column.weights[i]) *
             sample_at(frame, plane, column.first + int(i), row.first + int(j));
    }
  }
  return sum / double(across.sum) / double(down.sum);
}

}  // namespace

TEST_CASE("a reduced picture is its planes' means, converted") {
  // Single precision moves a value that is nearly half way between two bytes.
  constexpr double kRounding = 0.5 + 1e-3;
  struct Row {
    AVPixelFormat format;
    int width, height, to_width, to_height;
    AVColorSpace matrix;
    AVColorRange range;
  };
  const Row row =
      GENERATE(Row{AV_PIX_FMT_YUV420P, 96, 64, 48, 32, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG},
               Row{AV_PIX_FMT_YUV420P, 97, 63, 32, 17, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_JPEG},
               Row{AV_PIX_FMT_YUV422P10LE, 50, 30, 25, 30, AVCOL_SPC_BT2020_NCL, AVCOL_RANGE_MPEG},
               Row{AV_PIX_FMT_YUV444P16LE, 40, 30, 13, 11, AVCOL_SPC_BT709, AVCOL_RANGE_JPEG},
               Row{AV_PIX_FMT_YUV420P, 20, 14, 48, 32, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG},
               Row{AV_PIX_FMT_GRAY8, 33, 21, 16, 7, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_JPEG},
               Row{AV_PIX_FMT_GRAY10LE, 32, 20, 16, 10, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG});
  CAPTURE(av_get_pix_fmt_name(row.format), row.width, row.height, row.to_width, row.to_height);
  const libav::FramePtr frame = libav::make_frame(row.format, row.width, row.height);
  fill_random(*frame, 5);
  frame->colorspace = row.matrix;
  frame->color_range = row.range;
  const YCbCrCoding coding = coding_of(*frame);
  const bool gray = layout_of(row.format) == PixelLayout::kGray;
  const double centre = std::ldexp(128, coding.bits - 8);
  const Picture picture = reduced_picture(*frame, row.to_width, row.to_height);
  REQUIRE(picture.width == row.to_width);
  REQUIRE(picture.height == row.to_height);
  double worst = 0;
  for (int y = 0; y < row.to_height; ++y) {
    for (int x = 0; x < row.to_width; ++x) {
      const auto plane = [&](int p) {
        return gray && p > 0 ? centre
                             : reduced_sample(*frame, p, row.to_width, row.to_height, x, y);
      };
      const Triple rgb = ycbcr_to_rgb({plane(0), plane(1), plane(2)}, coding);
      for (std::size_t c = 0; c < 3; ++c) {
        const double value = std::clamp(rgb[c], 0.0, 255.0);
        const std::uint8_t got = picture.rgb[3 * std::size_t(y * row.to_width + x) + c];
        worst = std::max(worst, std::abs(value - double(got)));
      }
    }
  }
  CHECK(worst <= kRounding);
}

TEST_CASE("a film's reduced picture is nearly its picture, resized") {
  // The large picture is rounded once more, and its chroma is interpolated before it is averaged,
  // which moves edges of colour by some levels.
  constexpr double kMean = 0.4;
  constexpr int kMost = 12;
  const TemporaryFolder folder;
  SynthOptions options;
  options.frames = 2;
  options.size = 240;
  const SynthClip clip(3, options);
  const auto path = folder.path() / "film.mp4";
  const auto writer = create_frames(path, 240, 240, 25, VideoCodec::kH264);
  for (int i = 0; i < 2; ++i) writer->write(clip.frame(i), i / 25.0);
  writer->commit();
  FilmReader reader(path);
  const FilmFrame frame = reader.read().value();
  for (const int side : {120, 64}) {
    const Picture whole = frame.picture(side, side), reduced = frame.reduced_picture(side, side);
    REQUIRE(reduced.rgb.size() == whole.rgb.size());
    double sum = 0;
    int most = 0;
    for (std::size_t i = 0; i < whole.rgb.size(); ++i) {
      const int difference = std::abs(int{whole.rgb[i]} - int{reduced.rgb[i]});
      sum += difference;
      most = std::max(most, difference);
    }
    CAPTURE(side);
    CHECK(sum / double(whole.rgb.size()) <= kMean);
    CHECK(most <= kMost);
  }
}

TEST_CASE("RGB films have no planes to reduce") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "film.mkv";
  const auto writer = create_frames(path, 32, 24, 25);
  writer->write(random_picture(32, 24, 1), 0);
  writer->commit();
  FilmReader reader(path);
  const FilmFrame frame = reader.read().value();
  CHECK(frame.reduced_picture(16, 12) == frame.picture(16, 12));
}

}  // namespace afterglow
