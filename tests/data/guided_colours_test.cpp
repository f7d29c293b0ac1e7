#include "data/guided_colours.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/random.hpp"
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

/// A plane in double, edges repeated.
struct ExactPlane {
  int width, height;
  std::vector<double> values;

  double at(int x, int y) const {
    x = std::clamp(x, 0, width - 1);
    y = std::clamp(y, 0, height - 1);
    return values[std::size_t(y * width + x)];
  }
};

/// Keys's cubic, a = -0.75.
double cubic(double x) {
  x = std::abs(x);
  if (x < 1) return (1.25 * x - 2.25) * x * x + 1;
  return x < 2 ? -0.75 * (((x - 5) * x + 8) * x - 4) : 0;
}

ExactPlane exact_enlarged(const ExactPlane& small, int width, int height) {
  ExactPlane result{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = (x + 0.5) * small.width / width - 0.5;
      const double v = (y + 0.5) * small.height / height - 0.5;
      const int left = int(std::floor(u)) - 1, top = int(std::floor(v)) - 1;
      double sum = 0;
      for (int j = top; j < top + 4; ++j) {
        for (int i = left; i < left + 4; ++i) sum += cubic(u - i) * cubic(v - j) * small.at(i, j);
      }
      result.values.push_back(sum);
    }
  }
  return result;
}

/// What guided_colours() adds to the cubic for each unit of detail of lightness.
ExactPlane exact_slopes(const ExactPlane& l, const ExactPlane& c) {
  ExactPlane result{l.width, l.height, {}};
  for (int y = 0; y < l.height; ++y) {
    for (int x = 0; x < l.width; ++x) {
      double ml = 0, mc = 0, ll = 0, lc = 0, cc = 0;
      for (int j = -1; j <= 1; ++j) {
        for (int i = -1; i <= 1; ++i) {
          const double weight = (i == 0 ? 0.58 : 0.21) * (j == 0 ? 0.58 : 0.21);
          const double light = l.at(x + i, y + j), colour = c.at(x + i, y + j);
          ml += weight * light;
          mc += weight * colour;
          ll += weight * light * light;
          lc += weight * light * colour;
          cc += weight * colour * colour;
        }
      }
      const double covariance = lc - ml * mc;
      const double var_l = ll - ml * ml + 20, var_c = cc - mc * mc + 0.5;
      result.values.push_back(covariance / var_l *
                              std::min(1.0, covariance * covariance / (var_l * var_c)));
    }
  }
  return result;
}

double exact_mean(const ExactPlane& large, const ResampleAxis& across, const ResampleAxis& down,
                  int x, int y) {
  const Taps &column = across.taps[std::size_t(x)], &row = down.taps[std::size_t(y)];
  double sum = 0;
  for (std::size_t j = 0; j < row.weights.size(); ++j) {
    for (std::size_t i = 0; i < column.weights.size(); ++i) {
      sum += double(row.weights[j]) * double(column.weights[i]) *
             large.at(column.first + int(i), row.first + int(j));
    }
  }
  return sum / double(across.sum) / double(down.sum);
}

}  // namespace

TEST_CASE("guided colours are their formula's, in double") {
  // Sums of some hundred products of single precision, of values up to 100 and their squares.
  constexpr double kFloats = 5e-3;
  struct Row {
    int small_width, small_height, width, height;
  };
  const Row row = GENERATE(Row{9, 6, 37, 25}, Row{8, 4, 64, 32}, Row{5, 7, 5, 7}, Row{1, 3, 11, 3});
  CAPTURE(row.small_width, row.small_height, row.width, row.height);
  Rng rng(21);
  const auto plane = [&](int width, int height, double low, double high) {
    ExactPlane result{width, height, {}};
    for (int i = 0; i < width * height; ++i) {
      result.values.push_back(double{static_cast<float>(rng.uniform(low, high))});
    }
    return result;
  };
  const ExactPlane small_l = plane(row.small_width, row.small_height, 0, 100);
  const ExactPlane light = plane(row.width, row.height, 0, 100);
  std::array<ExactPlane, 2> colours{plane(row.small_width, row.small_height, -60, 60),
                                    plane(row.small_width, row.small_height, -60, 60)};
  for (std::size_t i = 0; i < small_l.values.size(); ++i) {  // some of it is lightness's doing
    colours[1].values[i] = double{static_cast<float>(0.6 * small_l.values[i] - 30)};
  }
  std::vector<float> ab;
  for (std::size_t i = 0; i < small_l.values.size(); ++i) {
    for (const ExactPlane& colour : colours) ab.push_back(static_cast<float>(colour.values[i]));
  }
  const auto floats = [](const ExactPlane& exact) {
    return std::vector<float>(exact.values.begin(), exact.values.end());
  };
  const std::vector<float> result =
      guided_colours({ab, floats(small_l), row.small_width, row.small_height}, floats(light),
                     row.width, row.height);
  const ResampleAxis across = make_axis(row.width, row.small_width);
  const ResampleAxis down = make_axis(row.height, row.small_height);
  const ExactPlane cubic_l = exact_enlarged(small_l, row.width, row.height);
  for (std::size_t c = 0; c < 2; ++c) {
    ExactPlane large = exact_enlarged(colours[c], row.width, row.height);
    const ExactPlane slope =
        exact_enlarged(exact_slopes(small_l, colours[c]), row.width, row.height);
    for (std::size_t i = 0; i < large.values.size(); ++i) {
      large.values[i] += slope.values[i] * (light.values[i] - cubic_l.values[i]);
    }
    ExactPlane missing = colours[c];
    for (int y = 0; y < row.small_height; ++y) {
      for (int x = 0; x < row.small_width; ++x) {
        missing.values[std::size_t(y * row.small_width + x)] -=
            exact_mean(large, across, down, x, y);
      }
    }
    const ExactPlane correction = exact_enlarged(missing, row.width, row.height);
    double worst = 0;
    for (std::size_t i = 0; i < large.values.size(); ++i) {
      worst = std::max(
          worst, std::abs(double{result[2 * i + c]} - large.values[i] - correction.values[i]));
    }
    CAPTURE(c);
    CHECK(worst < kFloats);
  }
}

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

}  // namespace afterglow
