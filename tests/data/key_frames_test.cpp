#include "data/key_frames.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.hpp"
#include "data/film_maker.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

using Catch::Contains;

TEST_CASE("key frames are named one by one or by a folder, and come in order") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  for (const char* name : {"00120.png", "shot 7.png"}) {
    write_picture(file(name), plain_picture(4, 4, 200, 20, 20));
  }
  std::ofstream(file("notes.txt")) << "120: red";
  const std::vector<KeyFrame> keys = parse_key_frames({"12=a=b.png", folder.path().string()});
  REQUIRE(keys.size() == 3);
  CHECK(keys[0].index == 7);
  CHECK(keys[0].picture == file("shot 7.png"));
  CHECK(keys[1].index == 12);
  CHECK(keys[1].picture == "a=b.png");
  CHECK(keys[2].index == 120);

  for (const char* wrong :
       {"picture.png", "12=", "=a.png", "-1=a.png", "1.5=a.png", "99999999999999999999=a.png"}) {
    CAPTURE(wrong);
    CHECK_THROWS_WITH(parse_key_frames({wrong}), Contains(wrong) && Contains("120=frame.png"));
  }
  CHECK_THROWS_WITH(parse_key_frames({"7=b.png", folder.path().string()}),
                    Contains("second picture of frame 7"));
  write_picture(file("cover.png"), plain_picture(4, 4, 200, 20, 20));
  CHECK_THROWS_WITH(parse_key_frames({folder.path().string()}),
                    Contains("cover.png") && Contains("which frame"));
}

TEST_CASE("numbers of frames") {
  CHECK(parse_frame_numbers("480,120,120", "-") == std::vector<std::int64_t>{120, 480});
  CHECK(parse_frame_numbers("0", "-") == std::vector<std::int64_t>{0});
  for (const char* wrong : {"", "1,", ",1", "1,x", "1 2", "-3"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_frame_numbers(wrong, "-"), InputError);
  }
}

TEST_CASE("a key frame's picture fits the film or is refused") {
  const TemporaryFolder folder;
  const KeyFrame key{3, folder.path() / "3.png"};
  write_picture(key.picture, random_picture(64, 48, 1));
  CHECK(key_picture(key, 64, 48) == random_picture(64, 48, 1));
  CHECK(key_picture(key, 32, 24) == resize_area(random_picture(64, 48, 1), 32, 24));
  CHECK(key_picture(key, 641, 480).width == 641);  // 4:3 up to rounding
  CHECK_THROWS_WITH(key_picture(key, 64, 36),
                    Contains("64x48") && Contains("64x36") && Contains("--export-frames 3"));
  write_picture(key.picture, plain_picture(64, 48, 90, 95, 100));
  CHECK_THROWS_WITH(key_picture(key, 64, 48), Contains("has no colour"));
  CHECK_THROWS_AS(key_picture({3, folder.path() / "none.png"}, 64, 48), InputError);
}

}  // namespace
}  // namespace afterglow
