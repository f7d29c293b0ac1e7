// Colours put upon real frames, against scikit-image. Needs a Python with it: AFTERGLOW_PYTHON,
// else python3; and a film: AFTERGLOW_FILM.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "base/input_file.hpp"
#include "data/frames.hpp"
#include "data/lab_picture.hpp"
#include "support/peer.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

/// Width, height, then files: the frame's bytes, its new a and b (float32), the result's bytes.
constexpr const char* kScript = R"(
import sys
import numpy as np
from skimage.color import lab2rgb, rgb2lab
shape = (int(sys.argv[2]), int(sys.argv[1]))
lab = rgb2lab(np.fromfile(sys.argv[3], np.uint8).reshape(*shape, 3) / 255.0)
lab[..., 1:] = np.fromfile(sys.argv[4], np.float32).reshape(*shape, 2)
np.round(lab2rgb(lab) * 255).astype(np.uint8).tofile(sys.argv[5])
)";

void write(const std::filesystem::path& path, const void* bytes, std::size_t count) {
  std::ofstream(path, std::ios::binary)
      .write(static_cast<const char*>(bytes), static_cast<std::streamsize>(count));
}

}  // namespace

TEST_CASE("a frame with given colours is scikit-image's within a level", "[peer]") {
  const char* const film = std::getenv("AFTERGLOW_FILM");
  if (film == nullptr) {
    std::cout << "SKIPPED: AFTERGLOW_FILM names no file\n";
    return;
  }
  if (!test::python_has("numpy, skimage")) return;
  const TemporaryFolder folder;
  const auto reader = open_frames(film);
  for (int t = 0; t < 3; ++t) {
    CAPTURE(t);
    const auto frame = reader->read();
    REQUIRE(frame);
    const Picture& picture = frame->picture;
    std::vector<float> ab;  // all hues, some of them outside of sRGB
    for (int y = 0; y < picture.height; ++y) {
      for (int x = 0; x < picture.width; ++x) {
        ab.push_back(static_cast<float>(60 * std::sin(0.05 * x + t)));
        ab.push_back(static_cast<float>(60 * std::cos(0.07 * y - t)));
      }
    }
    const auto in = folder.path() / "in", colours = folder.path() / "ab",
               out = folder.path() / "out";
    write(in, picture.rgb.data(), picture.rgb.size());
    write(colours, ab.data(), ab.size() * sizeof(float));
    const test::ProgramResult result =
        test::run_to_end(test::python(), {"-c", kScript, std::to_string(picture.width),
                                          std::to_string(picture.height), in.string(),
                                          colours.string(), out.string()});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    const std::string expected = read_file(out, picture.rgb.size(), "a picture");
    const Picture coloured = with_colours(picture, ab, picture.width, picture.height);
    REQUIRE(expected.size() == coloured.rgb.size());
    int largest = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      largest = std::max(
          largest, std::abs(int{coloured.rgb[i]} - int{static_cast<unsigned char>(expected[i])}));
    }
    CHECK(largest <= 1);
  }
}

}  // namespace afterglow
