#include "data/colour_consistency.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "base/random.hpp"

namespace afterglow {
namespace {

constexpr double kSameSum = 1e-12;  // in double, some thousand terms

std::vector<Picture> random_film(int frames, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Picture> film;
  for (int t = 0; t < frames; ++t) {
    Picture picture(9, 5);
    for (auto& value : picture.rgb) {
      value = static_cast<std::uint8_t>(rng.below(40) + 10 * static_cast<std::uint64_t>(t));
    }
    film.push_back(picture);
  }
  return film;
}

double share(const Picture& picture, std::size_t channel, int value) {
  double count = 0;
  for (std::size_t i = channel; i < picture.rgb.size(); i += 3) count += picture.rgb[i] == value;
  return count / (picture.width * picture.height);
}

/// The Jensen-Shannon divergence by entropies: H((p + q) / 2) - (H(p) + H(q)) / 2.
double written_out_divergence(const Picture& a, const Picture& b, std::size_t channel) {
  const auto entropy = [](double p) { return p > 0 ? -p * std::log(p) : 0; };
  double sum = 0;
  for (int value = 0; value < 256; ++value) {
    const double p = share(a, channel, value), q = share(b, channel, value);
    sum += entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2;
  }
  return sum;
}

double written_out_cdc(const std::vector<Picture>& film) {
  double cdc = 0;
  for (const std::size_t apart : {1, 2, 4}) {
    double sum = 0;
    int count = 0;
    for (std::size_t t = 0; t + apart < film.size(); ++t) {
      for (std::size_t c = 0; c < 3; ++c, ++count) {
        sum += written_out_divergence(film[t], film[t + apart], c);
      }
    }
    cdc += sum / count / 3;
  }
  return cdc;
}

std::optional<double> cdc_of(const std::vector<Picture>& film) {
  ColourConsistency consistency;
  for (const Picture& picture : film) consistency.push(picture);
  return consistency.value();
}

}  // namespace

TEST_CASE("CDC is the written-out formula") {
  for (const int frames : {5, 6, 9, 13}) {
    CAPTURE(frames);
    const std::vector<Picture> film = random_film(frames, 3);
    CHECK(cdc_of(film).value() == Approx(written_out_cdc(film)).epsilon(kSameSum));
    CHECK(cdc_of(film).value() > 0.01);
  }
}

TEST_CASE("CDC of histograms that never meet is ln 2, of a still film 0") {
  std::vector<Picture> film;
  for (int t = 0; t < 7; ++t) {
    Picture picture(4, 3);
    for (auto& value : picture.rgb) value = static_cast<std::uint8_t>(t);
    film.push_back(picture);
  }
  CHECK(cdc_of(film).value() == Approx(std::log(2)).epsilon(kSameSum));
  CHECK(cdc_of(std::vector<Picture>(7, film[3])).value() == 0);
}

TEST_CASE("CDC does not see where colours are, only how many") {
  std::vector<Picture> film(6, random_film(1, 8)[0]);
  for (std::size_t t = 0; t < film.size(); ++t) {
    std::rotate(film[t].rgb.begin(), film[t].rgb.begin() + static_cast<std::ptrdiff_t>(3 * t),
                film[t].rgb.end());
  }
  CHECK(film[1] != film[0]);
  CHECK(cdc_of(film).value() == 0);
}

TEST_CASE("a film below five frames has no CDC") {
  for (int frames = 0; frames < 5; ++frames) {
    CHECK_FALSE(cdc_of(random_film(frames, 1)).has_value());
  }
  CHECK(cdc_of(random_film(5, 1)).has_value());
}

}  // namespace afterglow
