// Between a low-resolution convolution's 4K channels and the pixels that they are. Channels (2 py +
// px) K + k of one low-resolution pixel hold, for each py, a run of 2K values that stand together
// in the high resolution, too. Below, the order of the operation of that name, 4k + 2 py + px, has
// no such runs but for K = 1.
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/vectors.cuh"

namespace afterglow::cuda {
namespace {

struct Runs {
  std::int32_t low_w, channels;  // of a low-resolution pixel
  std::int32_t run;              // 2K

  /// Where value i of the high-resolution tensor stands in the low resolution.
  __device__ std::int64_t low_of(std::int64_t i) const {
    const std::int64_t at = i / run;  // run: (n * OH + y) * low_w + j
    const std::int64_t in_run = i - at * run;
    const std::int64_t row = at / low_w;
    const std::int64_t j = at - row * low_w;
    const std::int64_t low_pixel = (row / 2) * low_w + j;
    return low_pixel * channels + (row % 2) * run + in_run;
  }
};

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    depth_to_space_kernel(std::int64_t packs, Runs runs, const T* low, const float* b, bool relu,
                          T* y) {
  const std::int32_t k_count = runs.run / 2;
  for (std::int64_t i = thread_number(); i < packs; i += thread_count()) {
    const std::int64_t at = i * kWidth;
    auto pack = load<kWidth>(low + runs.low_of(at));
    if (b != nullptr || relu) {
#pragma unroll
      for (int k = 0; k < kWidth; ++k) {
        float value = to_float(pack.values[k]);
        if (b != nullptr) value += b[(at + k) % k_count];
        pack.values[k] = from_float<T>(relu && value < 0 ? 0.0F : value);
      }
    }
    store(y + at, pack);
  }
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    space_to_depth_kernel(std::int64_t packs, Runs runs, const T* dy, T* low) {
  for (std::int64_t i = thread_number(); i < packs; i += thread_count()) {
    store(low + runs.low_of(i * kWidth), load<kWidth>(dy + i * kWidth));
  }
}

/// Zeros in the channels behind the 4K.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    clear_padding_kernel(std::int64_t pixels, std::int32_t used, std::int32_t channels, T* low) {
  const std::int32_t spare = channels - used;
  for (std::int64_t i = thread_number(); i < pixels * spare; i += thread_count()) {
    low[i / spare * channels + used + i % spare] = from_float<T>(0);
  }
}

Runs runs_of(const UpsampleConv2dGeometry& g, std::int32_t channels) {
  return {g.low_w(), channels, 2 * g.k};
}

/// Calls f with the width that runs and alignment allow.
template <typename T, typename F>
void with_width(const Runs& runs, const T* low, const T* y, const F& f) {
  constexpr int kWide = kWidthOf<T>;
  if (runs.run % kWide == 0 && runs.channels % kWide == 0 && is_aligned<kWide>(low) &&
      is_aligned<kWide>(y)) {
    f(std::integral_constant<int, kWide>());
  } else {
    f(std::integral_constant<int, 1>());
  }
}

/// The other order: the four values of a channel of a block stand together in depth, in two rows of
/// two pixels in space.
struct Quads {
  std::int64_t count;
  std::int32_t block_columns, channels;  // of a pixel in space

  /// Where the first of the four stands in space; row pairs of all frames follow each other.
  __device__ std::int64_t space_of(std::int64_t quad) const {
    const std::int64_t block = quad / channels;
    const std::int64_t block_row = block / block_columns;
    const std::int64_t column = 2 * (block - block_row * block_columns);
    return (block_row * 4 * block_columns + column) * channels + (quad - block * channels);
  }
  /// From there to one of the four.
  __device__ std::int64_t step_to(int place) const {
    return std::int64_t{channels} * ((place / 2) * 2 * block_columns + place % 2);
  }
};

/// kWidth: of the accesses to `blocks`.
template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    spread_quads_kernel(Quads quads, const T* blocks, T* frames) {
#pragma unroll 1  // fewer registers
  for (std::int64_t i = thread_number(); i < quads.count; i += thread_count()) {
    T* const to = frames + quads.space_of(i);
#pragma unroll
    for (int first = 0; first < 4; first += kWidth) {
      const auto pack = load<kWidth>(blocks + 4 * i + first);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) to[quads.step_to(first + k)] = pack.values[k];
    }
  }
}

template <typename T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    gather_quads_kernel(Quads quads, const T* frames, T* blocks) {
  for (std::int64_t i = thread_number(); i < quads.count; i += thread_count()) {
    const T* const from = frames + quads.space_of(i);
#pragma unroll
    for (int first = 0; first < 4; first += kWidth) {
      Pack<T, kWidth> pack;
#pragma unroll
      for (int k = 0; k < kWidth; ++k) pack.values[k] = from[quads.step_to(first + k)];
      store(blocks + 4 * i + first, pack);
    }
  }
}

Quads quads_of(const FrameGeometry& g) {
  return {static_cast<std::int64_t>(g.size() / 4), g.w / 2, g.c};
}

}  // namespace

template <typename T>
void depth_to_space(Stream stream, const FrameGeometry& g, const T* blocks, T* frames) {
  const Quads quads = quads_of(g);
  if (quads.count == 0) return;
  launch(is_aligned<4>(blocks) ? spread_quads_kernel<T, 4> : spread_quads_kernel<T, 1>,
         blocks_for(quads.count), kThreads, stream, quads, blocks, frames);
}

template <typename T>
void space_to_depth(Stream stream, const FrameGeometry& g, const T* frames, T* blocks) {
  const Quads quads = quads_of(g);
  if (quads.count == 0) return;
  launch(is_aligned<4>(blocks) ? gather_quads_kernel<T, 4> : gather_quads_kernel<T, 1>,
         blocks_for(quads.count), kThreads, stream, quads, frames, blocks);
}

template <typename T>
void depth_to_space(Stream stream, const UpsampleConv2dGeometry& g, std::int32_t channels,
                    const T* low, const float* b, Activation activation, T* y) {
  const auto size = static_cast<std::int64_t>(g.y_size());
  if (size == 0) return;
  const Runs runs = runs_of(g, channels);
  with_width(runs, low, static_cast<const T*>(y), [&](auto width) {
    constexpr int kWidth = width;
    launch(depth_to_space_kernel<T, kWidth>, blocks_for(size / kWidth), kThreads, stream,
           size / kWidth, runs, low, b, activation == Activation::kRelu, y);
  });
}

template <typename T>
void space_to_depth(Stream stream, const UpsampleConv2dGeometry& g, std::int32_t channels,
                    const T* dy, T* low) {
  const auto size = static_cast<std::int64_t>(g.y_size());
  if (size == 0) return;
  const Runs runs = runs_of(g, channels);
  with_width(runs, static_cast<const T*>(low), dy, [&](auto width) {
    constexpr int kWidth = width;
    launch(space_to_depth_kernel<T, kWidth>, blocks_for(size / kWidth), kThreads, stream,
           size / kWidth, runs, dy, low);
  });
  const std::int64_t pixels = std::int64_t{g.n} * g.low_h() * g.low_w();
  const std::int32_t spare = channels - 4 * g.k;
  if (spare == 0) return;
  launch(clear_padding_kernel<T>, blocks_for(pixels * spare), kThreads, stream, pixels, 4 * g.k,
         channels, low);
}

#define AFTERGLOW_INSTANTIATE(T)                                                                   \
  template void depth_to_space(Stream, const UpsampleConv2dGeometry&, std::int32_t, const T*,      \
                               const float*, Activation, T*);                                      \
  template void space_to_depth(Stream, const UpsampleConv2dGeometry&, std::int32_t, const T*, T*); \
  template void depth_to_space(Stream, const FrameGeometry&, const T*, T*);                        \
  template void space_to_depth(Stream, const FrameGeometry&, const T*, T*)
AFTERGLOW_INSTANTIATE(float);
AFTERGLOW_INSTANTIATE(bfloat16);
#undef AFTERGLOW_INSTANTIATE

}  // namespace afterglow::cuda
