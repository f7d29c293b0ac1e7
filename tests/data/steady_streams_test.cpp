#include "data/steady_streams.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.hpp"
#include "film_set_maker.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

constexpr int kWidth = 64, kHeight = 48;  // of the cut-out; planes are 32 x 24
constexpr std::size_t kPixels = 32 * 24;

StreamOptions small_options() {
  StreamOptions options;
  options.streams = 3;
  options.unroll = 4;
  options.width = kWidth;
  options.height = kHeight;
  return options;
}

std::shared_ptr<const FilmSet> films_of(const TemporaryFolder& folder,
                                        const std::vector<test::FilmRequest>& clips) {
  const std::filesystem::path path = folder.path() / "films.h5";
  test::write_film_set(path, clips);
  return std::make_shared<const FilmSet>(path);
}

bool same(const StreamFrames& a, const StreamFrames& b) {
  return a.luma == b.luma && a.lightness == b.lightness && a.input == b.input && a.flow == b.flow &&
         a.follows == b.follows && a.kind == b.kind && a.truth == b.truth;
}

}  // namespace

TEST_CASE("streams are the same again, and go on from any step") {
  const TemporaryFolder folder;
  const auto films = films_of(folder, {{"a", 30, 96, 64}, {"b", 9, 64, 64, true}});
  SteadyStreams whole(films, small_options()), again(films, small_options());
  SteadyStreams later(films, small_options(), 3);
  for (int step = 0; step < 6; ++step) {
    const std::vector<StreamFrames> frames = whole.next();
    REQUIRE(frames.size() == 4);
    const std::vector<StreamFrames> twin = again.next();
    for (std::size_t j = 0; j < 4; ++j) CHECK(same(frames[j], twin[j]));
    if (step < 3) continue;
    const std::vector<StreamFrames> resumed = later.next();
    for (std::size_t j = 0; j < 4; ++j) CHECK(same(frames[j], resumed[j]));
  }
  StreamOptions other = small_options();
  other.seed = 2;
  CHECK_FALSE(
      same(SteadyStreams(films, other).next()[0], SteadyStreams(films, small_options()).next()[0]));
}

TEST_CASE("the flow of a stream leads to the frame before, mirrored and backwards too") {
  const TemporaryFolder folder;
  const auto films = films_of(folder, {{"a", 30, 96, 64}, {"b", 30, 64, 96, true}});
  SteadyStreams streams(films, small_options());
  std::vector<StreamFrames> last_step;
  int starts = 0, leftwards = 0, rightwards = 0;
  for (int step = 0; step < 25; ++step) {
    const std::vector<StreamFrames> frames = streams.next();
    for (std::size_t j = 0; j < frames.size(); ++j) {
      const StreamFrames& now = frames[j];
      REQUIRE(now.luma.size() == 3 * kPixels * 4);
      REQUIRE(now.truth.size() == 3 * kPixels * 2);
      for (std::size_t n = 0; n < 3; ++n) {
        const std::size_t begin = n * kPixels;
        if (now.follows[begin] == 0) {
          CHECK(j == 0);
          ++starts;
          continue;
        }
        const StreamFrames& before = j > 0 ? frames[j - 1] : last_step.back();
        // Two pixels a frame are one of the planes'.
        const float u = now.flow[2 * (begin + 40)];
        REQUIRE(std::abs(u) == 1);
        ++(u < 0 ? rightwards : leftwards);
        double moved = 0, still = 0;
        for (std::size_t y = 2; y < 22; ++y) {
          for (std::size_t x = 2; x < 30; ++x) {
            const std::size_t at = begin + 32 * y + x;
            const std::size_t from = u < 0 ? at - 1 : at + 1;
            moved += std::abs(double{now.lightness[at]} - double{before.lightness[from]});
            still += std::abs(double{now.lightness[at]} - double{before.lightness[at]});
          }
        }
        CHECK(moved < 0.1 * still);
      }
    }
    last_step = frames;
  }
  CHECK(starts > 6);
  CHECK(leftwards > 20);
  CHECK(rightwards > 20);
}

TEST_CASE("real pairs keep their input, other streams get a colorizer's") {
  const TemporaryFolder folder;
  const bool real = GENERATE(false, true);
  const auto films = films_of(folder, {{"a", 24, 64, 48, real}});
  SteadyStreams streams(films, small_options());
  bool told_muted = false, told_vivid = false, untold = false, strayed = false;
  for (int step = 0; step < 12; ++step) {
    for (const StreamFrames& frame : streams.next()) {
      for (std::size_t n = 0; n < 3; ++n) {
        const float kind = frame.kind[n * kPixels];
        told_muted |= kind == -1;
        told_vivid |= kind == 1;
        untold |= kind == 0;
        for (std::size_t i = 2 * n * kPixels; i < 2 * (n + 1) * kPixels; ++i) {
          // The paler version has the truth's hues.
          strayed |= frame.input[i] * frame.truth[i] < -0.05F;
        }
      }
    }
  }
  CHECK(untold);
  CHECK(told_vivid);
  CHECK(told_muted == !real);
  CHECK(strayed == !real);
}

TEST_CASE("films without a long enough clip to train on are refused") {
  const TemporaryFolder folder;
  const auto films = films_of(folder, {{"a", 3, 64, 64}, {"b", 9, 64, 64, false, Split::kTest}});
  CHECK_THROWS_WITH(SteadyStreams(films, small_options()), Catch::Contains("no clip of 4 frames"));
}

}  // namespace afterglow
