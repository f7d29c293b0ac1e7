// What this machine can do at most, measured in the same run as the work that is judged by it, and
// the statistics that all benchmarks print.
#pragma once

#include <immintrin.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/cpu/onednn.hpp"

namespace afterglow::bench {

/// Seconds that one call of f takes.
template <typename F>
double seconds(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Summary {
  double median = 0, p10 = 0, p90 = 0;
};

/// Median, tenth and ninetieth percentile (nearest rank). Requires at least one sample.
inline Summary summarize(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const auto rank = [&](double share) {
    return samples[std::size_t(share * double(samples.size() - 1) + 0.5)];
  };
  return {rank(0.5), rank(0.1), rank(0.9)};
}

namespace detail {

/// Rounds that one thread walks through its chains of multiply-adds, which do not wait for each
/// other.
constexpr int kFmaRounds = 2'000'000;

__attribute__((target("avx512f"))) inline float fma_chains_avx512() {
  constexpr int kChains = 24;
  __m512 chain[kChains];
  for (int i = 0; i < kChains; ++i) chain[i] = _mm512_set1_ps(float(i));
  const __m512 a = _mm512_set1_ps(0.999F), b = _mm512_set1_ps(0.001F);
  for (int round = 0; round < kFmaRounds; ++round) {
#pragma GCC unroll 24
    for (int i = 0; i < kChains; ++i) chain[i] = _mm512_fmadd_ps(chain[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) chain[0] = _mm512_add_ps(chain[0], chain[i]);
  return _mm512_cvtss_f32(chain[0]);
}

__attribute__((target("avx2,fma"))) inline float fma_chains_avx2() {
  constexpr int kChains = 12;
  __m256 chain[kChains];
  for (int i = 0; i < kChains; ++i) chain[i] = _mm256_set1_ps(float(i));
  const __m256 a = _mm256_set1_ps(0.999F), b = _mm256_set1_ps(0.001F);
  for (int round = 0; round < kFmaRounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) chain[i] = _mm256_fmadd_ps(chain[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) chain[0] = _mm256_add_ps(chain[0], chain[i]);
  return _mm256_cvtss_f32(chain[0]);
}

}  // namespace detail

/// Multiply-add peak of all threads together, GFLOP/s; 0 on a machine without AVX2.
inline double fma_gflops() {
  const bool avx512 = __builtin_cpu_supports("avx512f");
  if (!avx512 && !__builtin_cpu_supports("avx2")) return 0;
  float sum = 0;
  const double time = seconds([&] {
#pragma omp parallel reduction(+ : sum)
    sum += avx512 ? detail::fma_chains_avx512() : detail::fma_chains_avx2();
  });
  volatile float sink = sum;  // keeps the chains alive
  static_cast<void>(sink);
  const double flop = 2.0 * detail::kFmaRounds * (avx512 ? 24 * 16 : 12 * 8);
  return flop * omp_get_max_threads() / time * 1e-9;
}

/// Square single-precision matrix product: multiply() is dnnl_sgemm and nothing else.
class Sgemm {
 public:
  Sgemm() : a_(kSize * kSize, 0.5F), b_(kSize * kSize, 0.25F), c_(kSize * kSize) {}

  /// GFLOP/s of one product.
  double gflops() {
    const double time = seconds([&] {
      multiply({kSize, kSize, kSize}, {a_.data(), false}, {b_.data(), false}, c_.data());
    });
    return 2.0 * kSize * kSize * kSize / time * 1e-9;
  }

 private:
  static constexpr std::int64_t kSize = 1536;
  std::vector<float> a_, b_, c_;
};

/// Plain streams over arrays of `count` floats each, on all threads.
class Streams {
 public:
  explicit Streams(std::size_t count) : a_(count, 1.0F), b_(count, 2.0F), c_(count, 3.0F) {}

  /// c = a. GB/s, one read and one write counted.
  double copy_gb_per_s() {
    const double time = seconds([&] {
#pragma omp parallel for simd schedule(static)
      for (std::size_t i = 0; i < c_.size(); ++i) c_[i] = a_[i];
    });
    return 2 * bytes() / time * 1e-9;
  }

  /// c = a + 0.5 b. GB/s, two reads and one write counted.
  double triad_gb_per_s() {
    const double time = seconds([&] {
#pragma omp parallel for simd schedule(static)
      for (std::size_t i = 0; i < c_.size(); ++i) c_[i] = a_[i] + 0.5F * b_[i];
    });
    return 3 * bytes() / time * 1e-9;
  }

 private:
  double bytes() const { return double(c_.size() * sizeof(float)); }

  std::vector<float> a_, b_, c_;
};

}  // namespace afterglow::bench
