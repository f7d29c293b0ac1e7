// What joins, cuts and biases channels: concat, split, crop, bias.
#include <limits>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {

void CpuBackend::add_bias(const ChannelGeometry& g, Source b, Activation activation,
                          Destination y) {
  const float floor =
      activation == Activation::kRelu ? 0.0F : -std::numeric_limits<float>::infinity();
  for_rows(g.rows, [&](std::int64_t row) {
    float* values = y.data() + row * g.channels;
    for (std::int32_t c = 0; c < g.channels; ++c) {
      const float value = b.empty() ? values[c] : values[c] + b[static_cast<std::size_t>(c)];
      values[c] = value < floor ? floor : value;  // a NaN stays one
    }
  });
}

void CpuBackend::sum_rows(const ChannelGeometry& g, Source x, Destination sums) {
  sum_channel_rows(g, x, sums);
}

void CpuBackend::concat_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source x0,
                                 Source x1, Destination y) {
  float* const joined = y.data();
  with_bytes_or_floats(x0, [&](const auto* from0) {
    with_bytes_or_floats(x1, [&](const auto* from1) {
      for_rows(rows, [&](std::int64_t row) {
        float* to = joined + row * (c0 + c1);
        std::copy_n(from0 + row * c0, c0, to);
        std::copy_n(from1 + row * c1, c1, to + c0);
      });
    });
  });
}

void CpuBackend::split_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source dy,
                                Destination dx0, Destination dx1) {
  for_rows(rows, [&](std::int64_t row) {
    const float* from = dy.data() + row * (c0 + c1);
    if (!dx0.empty()) std::copy_n(from, c0, dx0.data() + row * c0);
    if (!dx1.empty()) std::copy_n(from + c0, c1, dx1.data() + row * c1);
  });
}

void CpuBackend::crop(const CropGeometry& g, Source x, Destination y) {
  const std::int64_t line = std::int64_t{g.width} * g.c;
  for_each_index(std::int64_t{g.n} * g.height, [&](std::int64_t i) {
    const std::int64_t row = i / g.height * g.h + g.top + i % g.height;
    std::copy_n(x.data() + (row * g.w + g.left) * g.c, line, y.data() + i * line);
  });
}

void CpuBackend::crop_backward(const CropGeometry& g, Source dy, Destination dx) {
  fill(dx, 0.0F);
  const std::int64_t line = std::int64_t{g.width} * g.c;
  for_each_index(std::int64_t{g.n} * g.height, [&](std::int64_t i) {
    const std::int64_t row = i / g.height * g.h + g.top + i % g.height;
    std::copy_n(dy.data() + i * line, line, dx.data() + (row * g.w + g.left) * g.c);
  });
}

}  // namespace afterglow
