#include "base/random.hpp"

#include <bit>
#include <cmath>
#include <numbers>

namespace afterglow {
namespace {

/// splitmix64's finalizer (Steele, Lea & Flood 2014): every bit of the input moves every bit of the
/// result.
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

constexpr std::uint64_t kGoldenGamma = 0x9E3779B97F4A7C15ULL;

}  // namespace

Rng::Rng(std::uint64_t seed) : state_{} {
  for (auto& word : state_) word = mix(seed += kGoldenGamma);
}

std::uint64_t Rng::next() {
  auto& [s0, s1, s2, s3] = state_;
  const std::uint64_t result = std::rotl(s0 + s3, 23) + s0;
  const std::uint64_t t = s1 << 17;
  s2 ^= s0;
  s3 ^= s1;
  s1 ^= s2;
  s0 ^= s3;
  s2 ^= t;
  s3 = std::rotl(s3, 45);
  return result;
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Rng::uniform(double low, double high) { return low + (high - low) * uniform(); }

double Rng::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));  // 1 - u is never 0
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::uint64_t Rng::below(std::uint64_t bound) {
  // Values under the threshold would make the first residues more likely than the last.
  const std::uint64_t threshold = (0 - bound) % bound;
  std::uint64_t draw = next();
  while (draw < threshold) draw = next();
  return draw % bound;
}

std::uint64_t stable_hash(const char* data, std::uint64_t size, std::uint64_t seed) {
  std::uint64_t hash = 0xCBF29CE484222325ULL ^ mix(seed + kGoldenGamma);
  for (std::uint64_t i = 0; i < size; ++i) {
    hash = (hash ^ static_cast<unsigned char>(data[i])) * 0x100000001B3ULL;
  }
  return mix(hash);
}

}  // namespace afterglow
