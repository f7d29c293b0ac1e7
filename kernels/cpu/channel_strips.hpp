// Pixels of a few channels as rows wide enough for vectors, and strips of them by index.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/cpu/strips.hpp"
#include "kernels/geometry.hpp"

namespace afterglow {

/// A run of pixels: so many wide rows, then so many single pixels.
struct ChannelStrip {
  std::size_t offset = 0;  // of the first value
  std::size_t rows = 0;    // pixels
  std::size_t wide_rows = 0;
  std::size_t single_rows = 0;
};

/// The strips of a (rows, channels) array. A wide row is as many pixels side by side as give at
/// least kWidth values; a parameter of the channels is repeated to that width.
class ChannelStrips {
 public:
  explicit ChannelStrips(const ChannelGeometry& g)
      : rows_(std::size_t(g.rows)),
        channels_(std::size_t(g.channels)),
        pixels_((kWidth + channels_ - 1) / channels_),
        strip_(std::max(kWideRows, kValues / width()) * pixels_) {}

  std::size_t channels() const { return channels_; }
  std::size_t width() const { return pixels_ * channels_; }
  std::int64_t count() const { return static_cast<std::int64_t>((rows_ + strip_ - 1) / strip_); }

  ChannelStrip operator[](std::size_t i) const {
    const std::size_t rows = std::min(strip_, rows_ - i * strip_);
    return {i * strip_ * channels_, rows, rows / pixels_, rows % pixels_};
  }

  std::vector<float> wide(const std::vector<float>& parameter) const {
    std::vector<float> result;
    result.reserve(width());
    for (std::size_t i = 0; i < pixels_; ++i)
      result.insert(result.end(), parameter.begin(), parameter.end());
    return result;
  }

  /// Calls f(offset, rows, width) for the wide and the single rows of every strip, on all threads.
  template <typename F>
  void for_rows(F&& f) const {
    for_each_index(count(), [&](std::int64_t i) {
      const ChannelStrip strip = (*this)[static_cast<std::size_t>(i)];
      f(strip.offset, strip.wide_rows, width());
      f(strip.offset + strip.wide_rows * width(), strip.single_rows, channels_);
    });
  }

 private:
  static constexpr std::size_t kWidth = 64;
  static constexpr std::size_t kValues = 16384;  // of a strip: it is read twice from the cache
  static constexpr std::size_t kWideRows = 32;   // at least, or adding up strips costs too much

  std::size_t rows_, channels_, pixels_, strip_;
};

/// Two float sums per value of a wide row, and their totals per channel.
class WideSums {
 public:
  explicit WideSums(const ChannelStrips& strips)
      : channels_(strips.channels()), first_(strips.width()), second_(strips.width()) {}

  float* first() { return first_.data(); }
  float* second() { return second_.data(); }
  double total_first(std::size_t channel) const { return total(first_, channel); }
  double total_second(std::size_t channel) const { return total(second_, channel); }

 private:
  double total(const std::vector<float>& sums, std::size_t channel) const {
    double result = 0;
    for (std::size_t i = channel; i < sums.size(); i += channels_) result += double(sums[i]);
    return result;
  }

  std::size_t channels_;
  std::vector<float> first_, second_;
};

}  // namespace afterglow
