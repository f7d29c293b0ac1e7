#include "data/guided_colours.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "data/colour.hpp"
#include "data/lab_picture.hpp"
#include "data/picture.hpp"
#include "data/resample.hpp"
#include "data/steady_planes.hpp"
#include "data/synth.hpp"

namespace afterglow {
namespace {

struct Colours {
  std::vector<float> ab, lightness;
};

Colours colours_of(const Picture& picture) {
  Colours result{{}, lightness(picture)};
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const Triple lab = rgb_to_lab(picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]);
    result.ab.push_back(static_cast<float>(lab[1]));
    result.ab.push_back(static_cast<float>(lab[2]));
  }
  return result;
}

double squared_error(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(double{a[i]} - double{b[i]}, 2);
  return sum / static_cast<double>(a.size());
}

/// Enlarged bilinearly, sample centres aligned.
std::vector<float> bilinear(const std::vector<float>& ab, int width, int height, int to_width,
                            int to_height) {
  const ResampleAxis across = make_axis(width, to_width), down = make_axis(height, to_height);
  std::vector<float> result;
  for (const Taps& row : down.taps) {
    for (const Taps& column : across.taps) {
      for (std::size_t c = 0; c < 2; ++c) {
        double sum = 0;
        for (std::size_t y = 0; y < row.weights.size(); ++y) {
          for (std::size_t x = 0; x < column.weights.size(); ++x) {
            const std::size_t at =
                (std::size_t(row.first) + y) * std::size_t(width) + std::size_t(column.first) + x;
            sum += double(row.weights[y]) * double(column.weights[x]) * double{ab[2 * at + c]};
          }
        }
        result.push_back(static_cast<float>(sum / double(down.sum) / double(across.sum)));
      }
    }
  }
  return result;
}

}  // namespace

TEST_CASE("enlarged colours keep what is flat") {
  std::vector<float> ab, small_light(6 * 4), light(33 * 21);
  for (int i = 0; i < 24; ++i) ab.insert(ab.end(), {30.0F, -12.0F});
  for (std::size_t i = 0; i < small_light.size(); ++i) small_light[i] = float(i % 7) * 9;
  for (std::size_t i = 0; i < light.size(); ++i) light[i] = float(i % 11) * 9;
  const std::vector<float> large = guided_colours({ab, small_light, 6, 4}, light, 33, 21);
  REQUIRE(large.size() == 2 * light.size());
  for (std::size_t i = 0; i < large.size(); i += 2) {
    REQUIRE(double{large[i]} == Approx(30).margin(1e-3));
    REQUIRE(double{large[i + 1]} == Approx(-12).margin(1e-3));
  }
}

TEST_CASE("an edge of colour that is an edge of lightness stays sharp") {
  // Left of x = 10 of 64 it is dark and blue, right of it light and yellow; a small pixel is 8
  // wide.
  const int width = 64, height = 16;
  std::vector<float> light, small_ab, small_light;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) light.push_back(x < 10 ? 20.0F : 80.0F);
  }
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 8; ++x) {
      const float share = x == 0 ? 0.0F : x == 1 ? 0.75F : 1.0F;  // of the right side
      small_light.push_back(20 + 60 * share);
      small_ab.insert(small_ab.end(), {0.0F, -40 + 80 * share});
    }
  }
  const std::vector<float> large =
      guided_colours({small_ab, small_light, 8, 2}, light, width, height);
  const std::vector<float> plain = bilinear(small_ab, 8, 2, width, height);
  const auto b = [&](const std::vector<float>& ab, int x) {
    return double{ab[2 * std::size_t(8 * width + x) + 1]};
  };
  // On the last dark and the first light pixel.
  CHECK(b(large, 9) < -20);
  CHECK(b(large, 10) > 20);
  CHECK(b(plain, 10) - b(plain, 9) < 15);
}

TEST_CASE("guided by lightness, enlarged colours are nearer to the truth than bilinear ones") {
  SynthOptions options;
  options.frames = 2;
  const SynthClip clip(5, options);
  const Picture truth = clip.frame(0);
  const Colours large = colours_of(truth);
  const Colours small = colours_of(resize_area(truth, 64, 64));
  // Means of ab, as the network gives them, not the ab of means.
  std::vector<float> means(small.ab.size());
  for (std::size_t y = 0; y < 64; ++y) {
    for (std::size_t x = 0; x < 64; ++x) {
      for (std::size_t c = 0; c < 2; ++c) {
        float sum = 0;
        for (std::size_t i = 0; i < 16; ++i) {
          sum += large.ab[2 * ((4 * y + i / 4) * 256 + 4 * x + i % 4) + c];
        }
        means[2 * (y * 64 + x) + c] = sum / 16;
      }
    }
  }
  const double guided = squared_error(
      guided_colours({means, small.lightness, 64, 64}, large.lightness, 256, 256), large.ab);
  const double plain = squared_error(bilinear(means, 64, 64, 256, 256), large.ab);
  INFO("guided " << guided << ", bilinear " << plain);
  CHECK(guided < 0.75 * plain);
}

TEST_CASE("colours that do not fit their pictures are refused") {
  const std::vector<float> four(4), eight(8);
  CHECK_NOTHROW(guided_colours({eight, four, 2, 2}, eight, 4, 2));
  CHECK_THROWS_AS(guided_colours({four, four, 2, 2}, eight, 4, 2), ShapeError);
  CHECK_THROWS_AS(guided_colours({eight, four, 2, 2}, four, 4, 2), ShapeError);
}

TEST_CASE("RGB by tables is Lab's to a fiftieth of a step") {
  std::vector<float> light, ab;
  for (int l = 0; l <= 100; l += 5) {
    for (int a = -60; a <= 60; a += 20) {
      light.push_back(float(l));
      ab.insert(ab.end(), {float(a), float(a) / 2 - 10});
    }
  }
  const std::vector<float> rgb = rgb_of_lab(light, ab);
  for (std::size_t i = 0; i < light.size(); ++i) {
    const double yellowest = 200 * (double{light[i]} + 16) / 116;
    const Triple exact = lab_to_rgb(
        {double{light[i]}, double{ab[2 * i]}, std::min(double{ab[2 * i + 1]}, yellowest)});
    for (std::size_t c = 0; c < 3; ++c) {
      REQUIRE(double{rgb[3 * i + c]} == Approx(std::clamp(exact[c], 0.0, 255.0)).margin(0.02));
    }
  }
}

}  // namespace afterglow
