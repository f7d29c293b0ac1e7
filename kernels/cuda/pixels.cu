// Functions of a pixel's channels together. They are made for few channels, as colours have.
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/rows.cuh"

namespace afterglow::cuda {
namespace {

/// What a pixel is multiplied by: its factor, or with kOverLength that divided by its length, 0
/// where the length is.
template <bool kOverLength, typename T>
__device__ float factor_of(const T* factors, const T* lengths, std::int64_t row) {
  const float factor = to_float(factors[row]);
  if constexpr (!kOverLength) return factor;
  const float length = to_float(lengths[row]);
  return length == 0 ? 0.0F : factor / length;
}

template <typename T, int kWidth, bool kOverLength>
__global__ void __launch_bounds__(kThreads)
    scale_pixels_kernel(std::int64_t rows, std::int32_t channels, const T* x, const T* factors,
                        const T* lengths, T* y) {
  const RowWalk<kWidth> walk(channels);
  if (!walk.active) return;
  for (std::int64_t row = walk.first_row; row < rows; row += walk.row_step) {
    const std::int64_t at = row * channels + walk.channel();
    const float factor = factor_of<kOverLength>(factors, lengths, row);
    auto pack = load<kWidth>(x + at);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      pack.values[k] = from_float<T>(factor * to_float(pack.values[k]));
    }
    store(y + at, pack);
  }
}

/// The sum of a b over a pixel's channels.
template <int kWidth, typename T>
__device__ float dot(std::int32_t channels, const T* a, const T* b) {
  float sum = 0;
#pragma unroll 1  // fewer registers
  for (std::int32_t c = 0; c < channels; c += kWidth) {
    const auto left = load<kWidth>(a + c), right = load<kWidth>(b + c);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) sum += to_float(left.values[k]) * to_float(right.values[k]);
  }
  return sum;
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    dot_channels_kernel(std::int64_t rows, std::int32_t channels, const T* a, const T* b,
                        T* products) {
  for (std::int64_t row = thread_number(); row < rows; row += thread_count()) {
    const std::int64_t at = row * channels;
    products[row] = from_float<T>(dot<kWidth>(channels, a + at, b + at));
  }
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    pixel_length_kernel(std::int64_t rows, std::int32_t channels, float epsilon, const T* x,
                        T* lengths) {
  for (std::int64_t row = thread_number(); row < rows; row += thread_count()) {
    const T* const pixel = x + row * channels;
    const float squares = dot<kWidth>(channels, pixel, pixel);
    lengths[row] = from_float<T>(sqrtf(squares + epsilon * epsilon));
  }
}

template <bool kOverLength, typename T>
void scale_each(Stream stream, const ChannelGeometry& g, const T* x, const T* factors,
                const T* lengths, T* y) {
  if (g.size() == 0) return;
  with_row_width<T>(
      g,
      [&](auto width) {
        constexpr int kWidth = width;
        launch(scale_pixels_kernel<T, kWidth, kOverLength>, row_grid<kWidth>(g, 4, kMostBlocks),
               kThreads, stream, g.rows, g.channels, x, factors, lengths, y);
      },
      x, y);
}

}  // namespace

template <typename T>
void scale_pixels(Stream stream, const ChannelGeometry& g, const T* x, const T* factors, T* y) {
  scale_each<false, T>(stream, g, x, factors, nullptr, y);
}

template <typename T>
void dot_channels(Stream stream, const ChannelGeometry& g, const T* a, const T* b, T* products) {
  if (g.rows == 0) return;
  with_row_width<T>(
      g,
      [&](auto width) {
        constexpr int kWidth = width;
        launch(dot_channels_kernel<T, kWidth>, blocks_for(g.rows), kThreads, stream, g.rows,
               g.channels, a, b, products);
      },
      a, b);
}

template <typename T>
void pixel_length(Stream stream, const ChannelGeometry& g, float epsilon, const T* x, T* lengths) {
  if (g.rows == 0) return;
  with_row_width<T>(
      g,
      [&](auto width) {
        constexpr int kWidth = width;
        launch(pixel_length_kernel<T, kWidth>, blocks_for(g.rows), kThreads, stream, g.rows,
               g.channels, epsilon, x, lengths);
      },
      x);
}

template <typename T>
void pixel_length_backward(Stream stream, const ChannelGeometry& g, const T* x, const T* lengths,
                           const T* dlengths, T* dx) {
  scale_each<true>(stream, g, x, dlengths, lengths, dx);
}

#define AFTERGLOW_INSTANTIATE(T)                                                          \
  template void scale_pixels(Stream, const ChannelGeometry&, const T*, const T*, T*);     \
  template void dot_channels(Stream, const ChannelGeometry&, const T*, const T*, T*);     \
  template void pixel_length(Stream, const ChannelGeometry&, float, const T*, T*);        \
  template void pixel_length_backward(Stream, const ChannelGeometry&, const T*, const T*, \
                                      const T*, T*)
AFTERGLOW_INSTANTIATE(float);
AFTERGLOW_INSTANTIATE(bfloat16);
#undef AFTERGLOW_INSTANTIATE

}  // namespace afterglow::cuda
