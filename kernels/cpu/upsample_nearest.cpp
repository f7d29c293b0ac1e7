#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {

void CpuBackend::upsample_nearest(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c,
                                  Source x, Destination y) {
  for_each_index(std::int64_t{n} * h, [&](std::int64_t row) {
    const std::int64_t line = std::int64_t{2} * w * c;
    float* top = y.data() + 2 * row * line;
    for (std::int64_t column = 0; column < w; ++column) {
      const float* pixel = x.data() + (row * w + column) * c;
      std::copy_n(pixel, c, top + 2 * column * c);
      std::copy_n(pixel, c, top + (2 * column + 1) * c);
    }
    std::copy_n(top, line, top + line);
  });
}

void CpuBackend::upsample_nearest_backward(std::int32_t n, std::int32_t h, std::int32_t w,
                                           std::int32_t c, Source dy, Destination dx) {
  for_each_index(std::int64_t{n} * h, [&](std::int64_t row) {
    const std::int64_t line = std::int64_t{2} * w * c;
    for (std::int64_t column = 0; column < w; ++column) {
      const float* top = dy.data() + 2 * row * line + 2 * column * c;
      float* sum = dx.data() + (row * w + column) * c;
      for (std::int32_t i = 0; i < c; ++i) {
        sum[i] = (top[i] + top[c + i]) + (top[line + i] + top[line + c + i]);
      }
    }
  });
}

}  // namespace afterglow
