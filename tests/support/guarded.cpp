#include "support/guarded.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

namespace afterglow::test {

namespace {

constexpr std::size_t kGuardWords = 16;  // keeps what lies between them aligned to 64 bytes
constexpr float kGuard = -12345.678F;
constexpr std::uint8_t kGuardByte = 0xA5;

}  // namespace

Guarded::Guarded(Backend& backend, const std::vector<float>& values)
    : backend_(backend),
      count_(values.size()),
      buffer_(backend.allocate((count_ + 2 * kGuardWords) * sizeof(float))) {
  std::vector<float> all(count_ + 2 * kGuardWords, kGuard);
  std::copy(values.begin(), values.end(), all.begin() + kGuardWords);
  backend_.copy_from_host(std::as_bytes(std::span(all)), buffer_.data.get());
}

Guarded::Guarded(Backend& backend, std::size_t count)
    : Guarded(backend, std::vector<float>(count, std::numeric_limits<float>::quiet_NaN())) {}

Destination Guarded::span() const {
  return {reinterpret_cast<float*>(buffer_.data.get()) + kGuardWords, count_};
}

std::vector<float> Guarded::read() const {
  std::vector<float> all(count_ + 2 * kGuardWords);
  backend_.copy_to_host(buffer_.data.get(), std::as_writable_bytes(std::span(all)));
  const auto intact = [](float word) { return word == kGuard; };
  REQUIRE(std::all_of(all.begin(), all.begin() + kGuardWords, intact));
  REQUIRE(std::all_of(all.end() - kGuardWords, all.end(), intact));
  return {all.begin() + kGuardWords, all.end() - kGuardWords};
}

GuardedBytes::GuardedBytes(Backend& backend, std::size_t count)
    : backend_(backend),
      count_(count),
      buffer_(backend.allocate(count + 2 * kGuardWords * sizeof(float))) {
  const std::vector<std::uint8_t> all(buffer_.bytes, kGuardByte);
  backend_.copy_from_host(std::as_bytes(std::span(all)), buffer_.data.get());
}

std::span<std::uint8_t> GuardedBytes::span() const {
  auto* const all = reinterpret_cast<std::uint8_t*>(buffer_.data.get());
  return {all + kGuardWords * sizeof(float), count_};
}

std::vector<std::uint8_t> GuardedBytes::read() const {
  std::vector<std::uint8_t> all(buffer_.bytes);
  backend_.copy_to_host(buffer_.data.get(), std::as_writable_bytes(std::span(all)));
  const auto intact = [](std::uint8_t byte) { return byte == kGuardByte; };
  const auto first = all.begin() + kGuardWords * sizeof(float);
  const auto last = first + std::ptrdiff_t(count_);
  REQUIRE(std::all_of(all.begin(), first, intact));
  REQUIRE(std::all_of(last, all.end(), intact));
  return {first, last};
}

std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
  constexpr float kFromZero = 1.0F / 64;
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<float> magnitude(kFromZero, 1.0F);
  std::vector<float> values(count);
  for (float& value : values) {
    value = magnitude(generator);
    if (generator() % 2 == 0) value = -value;
  }
  return values;
}

std::vector<double> to_double(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

Tolerance sum_tolerance(std::size_t terms) {
  constexpr double kEps = std::numeric_limits<float>::epsilon();
  return {kEps * (double(terms) + 4), 8 * kEps};
}

Tolerance winograd_tolerance(std::size_t terms) {
  constexpr double kGrowth = 10;
  const Tolerance direct = sum_tolerance(terms);
  return {kGrowth * direct.absolute, kGrowth * direct.relative};
}

void require_close(const std::vector<float>& result, const std::vector<double>& reference,
                   Tolerance tolerance) {
  REQUIRE(result.size() == reference.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const double error = std::abs(double(result[i]) - reference[i]);
    if (error <= tolerance.absolute + tolerance.relative * std::abs(reference[i])) continue;
    FAIL("value " << i << " is " << result[i] << " instead of " << reference[i] << ", tolerance "
                  << tolerance.absolute << " + " << tolerance.relative << " * |reference|");
  }
  SUCCEED();
}

}  // namespace afterglow::test
