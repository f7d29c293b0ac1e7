// Random numbers whose state can be saved, so that a resumed run draws what it would have drawn.
#pragma once

#include <array>
#include <cstdint>

namespace afterglow {

/// xoshiro256++ (Blackman & Vigna 2019), seeded through splitmix64. The same seed gives the same
/// numbers on every machine (normal() but for the last bits of the C library's log and cos).
class Rng {
 public:
  using State = std::array<std::uint64_t, 4>;

  explicit Rng(std::uint64_t seed);
  explicit Rng(const State& state) : state_(state) {}

  /// 64 uniformly random bits.
  std::uint64_t next();
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Uniform in [low, high).
  double uniform(double low, double high);
  /// Standard normal (Box-Muller; draws two uniforms every time, so no hidden state).
  double normal();
  /// Uniform in 0 .. bound-1, bound > 0.
  std::uint64_t below(std::uint64_t bound);

  const State& state() const { return state_; }

 private:
  State state_;
};

/// A 64-bit hash of text (FNV-1a, then splitmix64's finalizer); stable for ever, used for splits
/// and derived seeds.
std::uint64_t stable_hash(const char* data, std::uint64_t size, std::uint64_t seed);

}  // namespace afterglow
