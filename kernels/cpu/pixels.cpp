// What multiplies, measures, sums and moves whole pixels: rows of channels.
#include <cmath>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {

void CpuBackend::multiply(const ChannelGeometry& g, Source x, Source m, Destination y) {
  if (m.size() == g.size()) {
    for_strips(y.size(), [&](std::size_t begin, std::size_t end) {
      const float *from = x.data(), *factors = m.data();
      float* to = y.data();
      for (std::size_t i = begin; i < end; ++i) to[i] = from[i] * factors[i];
    });
    return;
  }
  for_rows(g.rows, [&](std::int64_t row) {
    const float* from = x.data() + row * g.channels;
    float* to = y.data() + row * g.channels;
    const float factor = m.data()[row];
    for (std::int32_t c = 0; c < g.channels; ++c) to[c] = from[c] * factor;
  });
}

void CpuBackend::dot_channels(const ChannelGeometry& g, Source a, Source b, Destination y) {
  for_rows(g.rows, [&](std::int64_t row) {
    const float* left = a.data() + row * g.channels;
    const float* right = b.data() + row * g.channels;
    float sum = 0;
    for (std::int32_t c = 0; c < g.channels; ++c) sum += left[c] * right[c];
    y.data()[row] = sum;
  });
}

void CpuBackend::pixel_length(const ChannelGeometry& g, float epsilon, Source x, Destination y) {
  for_rows(g.rows, [&](std::int64_t row) {
    const float* values = x.data() + row * g.channels;
    float sum = epsilon * epsilon;
    for (std::int32_t c = 0; c < g.channels; ++c) sum += values[c] * values[c];
    y.data()[row] = std::sqrt(sum);
  });
}

void CpuBackend::pixel_length_backward(const ChannelGeometry& g, Source x, Source y, Source dy,
                                       Destination dx) {
  for_rows(g.rows, [&](std::int64_t row) {
    const float* from = x.data() + row * g.channels;
    float* to = dx.data() + row * g.channels;
    const float length = y.data()[row];
    const float factor = length == 0 ? 0.0F : dy.data()[row] / length;
    for (std::int32_t c = 0; c < g.channels; ++c) to[c] = from[c] * factor;
  });
}

void CpuBackend::sum_pixels(const FrameGeometry& g, float factor, Source x, Destination sums) {
  const ChannelGeometry frame{std::int64_t{g.h} * g.w, g.c};
  const auto channels = static_cast<std::size_t>(g.c);
  for (std::size_t n = 0; n < static_cast<std::size_t>(g.n); ++n) {
    sum_channel_rows(frame, x.subspan(n * frame.size(), frame.size()),
                     sums.subspan(n * channels, channels), factor);
  }
}

void CpuBackend::add_to_pixels(const FrameGeometry& g, float factor, Source x, Source v,
                               Destination y) {
  for_each_index(std::int64_t{g.n} * g.h, [&](std::int64_t row) {
    const float* added = v.data() + row / g.h * g.c;
    const float* from = x.empty() ? nullptr : x.data() + row * g.w * g.c;
    float* to = y.data() + row * g.w * g.c;
    for (std::int32_t column = 0; column < g.w; ++column, to += g.c) {
      if (from == nullptr) {
        for (std::int32_t c = 0; c < g.c; ++c) to[c] = factor * added[c];
      } else {
        for (std::int32_t c = 0; c < g.c; ++c) to[c] = from[c] + factor * added[c];
        from += g.c;
      }
    }
  });
}

}  // namespace afterglow
