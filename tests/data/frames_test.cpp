#include "data/frames.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "base/error.hpp"
#include "data/picture_folder.hpp"
#include "film_maker.hpp"
#include "support/file_bytes.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

namespace fs = std::filesystem;

void write_bytes(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::vector<Frame> read_all(const fs::path& path) {
  const auto reader = open_frames(path);
  std::vector<Frame> frames;
  while (auto frame = reader->read()) frames.push_back(std::move(*frame));
  return frames;
}

/// Writes random pictures at the given times.
void write_film(const fs::path& path, int width, int height, const std::vector<double>& times,
                VideoCodec codec = VideoCodec::kLossless) {
  const auto writer = create_frames(path, width, height, 25, codec);
  for (std::size_t i = 0; i < times.size(); ++i) {
    writer->write(random_picture(width, height, i), times[i]);
  }
  writer->commit();
}

std::size_t entries(const fs::path& folder) {
  return std::size_t(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST_CASE("numbers in names are compared as numbers") {
  CHECK(natural_less("frame_2.png", "frame_10.png"));
  CHECK_FALSE(natural_less("frame_10.png", "frame_2.png"));
  CHECK(natural_less("a9b1", "a10b0"));
  CHECK(natural_less("a1b2", "a1b10"));
  CHECK(natural_less("007", "8"));
  CHECK(natural_less("01", "1") != natural_less("1", "01"));
  CHECK_FALSE(natural_less("x5", "x5"));
  CHECK(natural_less("a", "a0"));
  CHECK(natural_less("99999999999999999999998", "99999999999999999999999"));
}

TEST_CASE("lossless films and folders give back every bit and every time") {
  const TemporaryFolder folder;
  const std::string name = GENERATE("a.mp4", "a.mov", "a.mkv", "a.avi", "a.webm", "a.MKV", "a");
  const auto [width, height] = GENERATE(std::pair{32, 16}, std::pair{37, 21});
  CAPTURE(name, width, height);
  write_film(folder.path() / name, width, height, {0, 0.04, 0.08, 0.12, 0.16});
  const auto frames = read_all(folder.path() / name);
  REQUIRE(frames.size() == 5);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    CHECK(frames[i].picture == random_picture(width, height, i));
    CHECK(frames[i].index == std::int64_t(i));
    CHECK(frames[i].seconds == Approx(0.04 * double(i)).epsilon(0).margin(1e-9));
  }
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("uneven times are kept as finely as the container can") {
  const TemporaryFolder folder;
  struct Row {
    const char* name;
    double step;  // the container's
  };
  const Row row =
      GENERATE(Row{"a.mp4", 1e-5}, Row{"a.mov", 1e-5}, Row{"a.mkv", 1e-3}, Row{"a.webm", 1e-3});
  const std::vector<double> times = {0, 0.01234, 0.5, 0.50777, 2.125};
  write_film(folder.path() / row.name, 16, 16, times);
  const auto frames = read_all(folder.path() / row.name);
  REQUIRE(frames.size() == times.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    CAPTURE(row.name, i);
    CHECK(frames[i].seconds == Approx(times[i]).margin(row.step / 2 + 1e-9));
  }
}

TEST_CASE("the rate and the number of frames are known before reading") {
  const TemporaryFolder folder;
  const auto writer = create_frames(folder.path() / "a.mp4", 16, 8, 30000.0 / 1001.0);
  for (int i = 0; i < 4; ++i) writer->write(random_picture(16, 8, 1), i * 1001.0 / 30000.0);
  writer->commit();
  const auto reader = open_frames(folder.path() / "a.mp4");
  CHECK(reader->info().fps == Approx(30000.0 / 1001.0).epsilon(1e-6));
  CHECK(reader->info().count == 4);
  CHECK(reader->info().codec == "h264");
  CHECK(reader->info().matrix == "rgb");
  CHECK(reader->info().width == 16);
  CHECK(reader->info().height == 8);
  for (int i = 0; i < 4; ++i) {
    CHECK(reader->read()->seconds == Approx(i * 1001.0 / 30000.0).epsilon(1e-12));
  }
  CHECK_FALSE(reader->read());
  CHECK_FALSE(reader->read());
}

TEST_CASE("H.264 keeps colours, which are flagged BT.601 limited") {
  // Rounding to limited-range YCbCr and back moves a flat colour by less than 2; the encoder's own
  // loss at crf 14 on a flat picture is below 2 more.
  constexpr int kColourError = 4;
  const TemporaryFolder folder;
  const std::string name = GENERATE("a.mp4", "a.mkv", "a.webm", "a.avi");
  const auto [width, height] = GENERATE(std::pair{48, 32}, std::pair{47, 33});
  const std::uint8_t colours[][3] = {{220, 30, 20}, {20, 200, 40}, {30, 40, 230}, {128, 128, 128}};
  const auto writer = create_frames(folder.path() / name, width, height, 25, VideoCodec::kH264);
  for (int i = 0; i < 4; ++i) {
    writer->write(plain_picture(width, height, colours[i][0], colours[i][1], colours[i][2]),
                  i / 25.0);
  }
  writer->commit();
  const auto reader = open_frames(folder.path() / name);
  CAPTURE(name, width, height);
  CHECK(reader->info().matrix == "bt601");
  CHECK_FALSE(reader->info().full_range);
  for (int i = 0; i < 4; ++i) {
    const auto frame = reader->read();
    REQUIRE(frame);
    int worst = 0;
    for (std::size_t k = 0; k < frame->picture.rgb.size(); ++k) {
      worst = std::max(worst, std::abs(frame->picture.rgb[k] - colours[i][k % 3]));
    }
    CHECK(worst <= kColourError);
  }
}

TEST_CASE("the matrix and range of a stream decide its RGB") {
  struct Row {
    AVColorSpace matrix;
    AVColorRange range;
    int y, cb, cr;
    int r, g, b;  // from the standards' formulas, rounded
    const char* name;
    int height = 16;
  };
  const Row row =
      GENERATE(Row{AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG, 81, 90, 240, 254, 0, 0, "bt601"},
               Row{AVCOL_SPC_BT470BG, AVCOL_RANGE_MPEG, 81, 90, 240, 254, 0, 0, "bt601", 578},
               Row{AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_MPEG, 81, 90, 240, 254, 0, 0, "bt601", 576},
               Row{AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_MPEG, 63, 102, 240, 255, 1, 0, "bt709", 578},
               Row{AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_UNSPECIFIED, 81, 90, 240, 254, 0, 0, "bt601"},
               Row{AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, 63, 102, 240, 255, 1, 0, "bt709"},
               Row{AVCOL_SPC_SMPTE170M, AVCOL_RANGE_JPEG, 76, 85, 255, 254, 0, 0, "bt601"},
               Row{AVCOL_SPC_BT709, AVCOL_RANGE_JPEG, 182, 30, 12, 0, 255, 0, "bt709"},
               Row{AVCOL_SPC_BT2020_NCL, AVCOL_RANGE_JPEG, 67, 92, 255, 254, 1, 0, "bt2020"});
  constexpr int kFixedPoint = 2;  // swscale's coefficients
  const TemporaryFolder folder;
  VideoParameters parameters;
  parameters.format = AV_PIX_FMT_YUV420P;
  parameters.width = 16;
  parameters.height = row.height;
  parameters.matrix = row.matrix;
  parameters.range = row.range;
  {
    VideoFile file(folder.path() / "a.mkv", film_format("a.mkv").lossless_yuv, parameters);
    const libav::FramePtr frame = libav::make_frame(AV_PIX_FMT_YUV420P, 16, row.height);
    const int values[] = {row.y, row.cb, row.cr};
    for (int p = 0; p < 3; ++p) {
      for (int y = 0; y < (p == 0 ? row.height : row.height / 2); ++y) {
        std::fill_n(frame->data[p] + y * frame->linesize[p], p == 0 ? 16 : 8,
                    std::uint8_t(values[p]));
      }
    }
    frame->pts = 0;
    file.write(*frame);
    file.commit();
  }
  const auto reader = open_frames(folder.path() / "a.mkv");
  CAPTURE(row.name, row.height, row.y, row.cb, row.cr);
  CHECK(reader->info().matrix == row.name);
  CHECK(reader->info().full_range == (row.range == AVCOL_RANGE_JPEG));
  const Picture picture = reader->read()->picture;
  CHECK(std::abs(picture.rgb[0] - row.r) <= kFixedPoint);
  CHECK(std::abs(picture.rgb[1] - row.g) <= kFixedPoint);
  CHECK(std::abs(picture.rgb[2] - row.b) <= kFixedPoint);
}

TEST_CASE("a folder of pictures is read in natural order, other files ignored") {
  const TemporaryFolder folder;
  for (int i : {10, 2, 1}) {
    write_picture(folder.path() / ("frame_" + std::to_string(i) + ".png"),
                  plain_picture(4, 4, std::uint8_t(i), 0, 0));
  }
  write_bytes(folder.path() / "notes.txt", "not a frame");
  write_bytes(folder.path() / ".hidden.png", "not a frame");
  const auto reader = open_frames(folder.path());
  CHECK(reader->info().count == 3);
  CHECK(reader->info().fps == 25);
  std::vector<int> order;
  while (const auto frame = reader->read()) order.push_back(frame->picture.rgb[0]);
  CHECK(order == std::vector<int>{1, 2, 10});
}

TEST_CASE("pictures of two sizes are refused by name") {
  const TemporaryFolder folder;
  write_picture(folder.path() / "1.png", random_picture(8, 8, 1));
  write_picture(folder.path() / "2.png", random_picture(8, 9, 1));
  CHECK_THROWS_WITH(read_all(folder.path()), Catch::Contains("2.png") && Catch::Contains("1.png") &&
                                                 Catch::Contains("8x9") && Catch::Contains("8x8"));
}

TEST_CASE("films that cannot be read are refused with their name and reason") {
  const TemporaryFolder folder;
  const auto path = [&](const std::string& name) { return folder.path() / name; };
  std::vector<double> times;
  for (int i = 0; i < 30; ++i) times.push_back(i / 25.0);
  for (const char* extension : {"mp4", "mkv", "avi", "webm"}) {
    const std::string good = std::string("good.") + extension;
    write_film(path(good), 64, 48, times);
    const std::string bytes = bytes_of(path(good));
    write_bytes(path(std::string("cut.") + extension), bytes.substr(0, bytes.size() * 3 / 5));
    write_bytes(path(std::string("head.") + extension), bytes.substr(0, 40));
  }
  std::string damaged = bytes_of(path("good.mp4"));
  for (std::size_t i = damaged.size() / 2; i < damaged.size() / 2 + 3000; ++i) damaged[i] = 'x';
  write_bytes(path("damaged.mp4"), damaged);
  write_bytes(path("text.mp4"), "this is a text\n");
  write_bytes(path("text.txt"), "this is a text\n");
  write_bytes(path("empty.mp4"), "");
  make_wav(path("sound.wav"), 0.5);
  make_aac(path("sound.mp4"), 0.5);
  VideoParameters silent;
  silent.format = AV_PIX_FMT_YUV420P;
  silent.width = silent.height = 16;
  make_film(path("noframes.mp4"), silent, {});
  make_film(path("noframes.mkv"), silent, {});
  fs::create_directory(path("hollow"));

  const std::pair<const char*, const char*> rows[] = {{"missing.mp4", "does not exist"},
                                                      {"empty.mp4", "is empty"},
                                                      {"text.mp4", "not a film"},
                                                      {"text.txt", "not a film"},
                                                      {"sound.wav", "no video stream"},
                                                      {"sound.mp4", "no video stream"},
                                                      {"noframes.mp4", ""},
                                                      {"noframes.mkv", ""},
                                                      {"hollow", "holds no pictures"},
                                                      {"cut.mp4", "cut off"},
                                                      {"cut.mkv", "cut off"},
                                                      {"cut.webm", "cut off"},
                                                      {"cut.avi", "cut off"},
                                                      {"head.mp4", ""},
                                                      {"head.mkv", ""},
                                                      {"head.avi", ""},
                                                      {"head.webm", ""},
                                                      {"damaged.mp4", "is broken after frame"}};
  for (const auto& [name, problem] : rows) {
    CAPTURE(name);
    CHECK_THROWS_AS(read_all(path(name)), InputError);
    CHECK_THROWS_WITH(read_all(path(name)), Catch::Contains(path(name).string() + ": ") &&
                                                Catch::Contains(problem) && Catch::Contains("; "));
  }
}

TEST_CASE("outputs that cannot be made are refused, and nothing half written stays") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(create_frames(folder.path() / "a.xyz", 8, 8, 25), InputError);
  write_bytes(folder.path() / "file", "x");
  CHECK_THROWS_AS(create_frames(folder.path() / "file" / "a.mp4", 8, 8, 25), InputError);
  CHECK_THROWS_AS(create_frames(folder.path() / "file", 8, 8, 25), InputError);

  fs::create_directory(folder.path() / "mine");
  write_bytes(folder.path() / "mine" / "thesis.pdf", "x");
  CHECK_THROWS_WITH(create_frames(folder.path() / "mine", 8, 8, 25), Catch::Contains("thesis.pdf"));
  CHECK(fs::exists(folder.path() / "mine" / "thesis.pdf"));

  for (const char* name : {"b.mp4", "b.mkv", "b"}) {
    const auto writer = create_frames(folder.path() / name, 16, 16, 25);
    writer->write(random_picture(16, 16, 1), 0);
    CHECK_THROWS_AS(writer->write(random_picture(16, 18, 1), 0.04), ShapeError);
  }
  CHECK(entries(folder.path()) == 2);

  write_film(folder.path() / "frames", 8, 8, {0, 0.04, 0.08});
  write_film(folder.path() / "frames", 8, 8, {0});
  CHECK(entries(folder.path() / "frames") == 1);
}

}  // namespace
}  // namespace afterglow
