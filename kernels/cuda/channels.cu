// Functions of rows of channels, and those that move channels or pixels.
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/rows.cuh"

namespace afterglow::cuda {
namespace {

/// Stretches of rows that a sum is cut into, at most.
constexpr std::int64_t kMostStretches = 256;
/// Rows that a thread walks, where there are so many.
constexpr std::int64_t kRowsEach = 8;

/// blockIdx.z: which of the frames.
template <int kWidth>
dim3 frame_grid(const ChannelGeometry& frame, std::int32_t frames, std::int64_t rows_each,
                std::int64_t most) {
  dim3 grid = row_grid<kWidth>(frame, rows_each, most);
  grid.z = static_cast<unsigned>(frames);
  return grid;
}

dim3 sum_grid(const ChannelGeometry& frame, std::int32_t frames) {
  return frame_grid<1>(frame, frames, kRowsEach, kMostStretches);
}

ChannelGeometry frame_of(const FrameGeometry& g) { return {std::int64_t{g.h} * g.w, g.c}; }

template <typename T, int kWidth, bool kBias, bool kRelu>
__global__ void __launch_bounds__(kThreads)
    add_bias_kernel(std::int64_t rows, std::int32_t channels, const T* x, const float* b, T* y) {
  const RowWalk<kWidth> walk(channels);
  if (!walk.active) return;
  float bias[kWidth];
#pragma unroll
  for (int k = 0; k < kWidth; ++k) bias[k] = kBias ? b[walk.channel() + k] : 0.0F;
  for (std::int64_t row = walk.first_row; row < rows; row += walk.row_step) {
    const std::int64_t at = row * channels + walk.channel();
    const auto in = load<kWidth>(x + at);
    Pack<T, kWidth> out;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const float sum = to_float(in.values[k]) + bias[k];
      out.values[k] = from_float<T>(kRelu && sum < 0 ? 0.0F : sum);
    }
    store(y + at, out);
  }
}

// Not in the template: see batch_norm.cu.
__device__ float* shared_sums() {
  __shared__ float sums[kThreads];
  return sums;
}

/// partials(frame, stretch, channel): sums over the stretch's rows of x(frame, rows, channels).
template <typename T>
__global__ void __launch_bounds__(kThreads)
    sum_stretches_kernel(std::int64_t rows, std::int32_t channels, const T* x, float* partials) {
  float* const sums = shared_sums();
  const RowWalk<1> walk(channels);
  x += blockIdx.z * rows * channels;
  float sum = 0;
  if (walk.active) {
    for (std::int64_t row = walk.first_row; row < rows; row += walk.row_step) {
      sum += to_float(x[row * channels + walk.channel()]);
    }
  }
  sums[threadIdx.x] = sum;
  __syncthreads();
  if (!walk.active || walk.row_lane != 0) return;
  for (std::int32_t lane = 1; lane < walk.row_lanes; ++lane) {
    sum += sums[lane * walk.width + walk.in_block];
  }
  const std::int64_t stretch = std::int64_t{blockIdx.z} * gridDim.x + blockIdx.x;
  partials[stretch * channels + walk.channel()] = sum;
}

/// sums(frame, channel), a warp each: lanes take every 32nd stretch, then meet in a fixed order.
template <typename S>
__global__ void __launch_bounds__(kThreads)
    add_stretches_kernel(std::int32_t stretches, std::int32_t channels, std::int64_t size,
                         float factor, const float* partials, S* sums) {
  const auto lane = static_cast<std::int32_t>(threadIdx.x % 32);
  for (std::int64_t at = thread_number() / 32; at < size; at += thread_count() / 32) {
    const std::int64_t frame = at / channels;
    const float* const from = partials + frame * stretches * channels + (at - frame * channels);
    double sum = 0;
    for (std::int32_t i = lane; i < stretches; i += 32) {
      sum += static_cast<double>(from[std::int64_t{i} * channels]);
    }
    for (int distance = 16; distance > 0; distance /= 2) {
      sum += __shfl_down_sync(0xffffffffU, sum, distance);
    }
    if (lane == 0) sums[at] = from_float<S>(static_cast<float>(static_cast<double>(factor) * sum));
  }
}

/// x may be nullptr.
template <typename T, typename S, int kWidth>
__global__ void __launch_bounds__(kThreads)
    add_to_pixels_kernel(std::int64_t rows, std::int32_t channels, float factor, const T* x,
                         const S* v, T* y) {
  const RowWalk<kWidth> walk(channels);
  if (!walk.active) return;
  const std::int64_t frame = blockIdx.z;
  float added[kWidth];
#pragma unroll
  for (int k = 0; k < kWidth; ++k) {
    added[k] = factor * to_float(v[frame * channels + walk.channel() + k]);
  }
  for (std::int64_t row = walk.first_row; row < rows; row += walk.row_step) {
    const std::int64_t at = (frame * rows + row) * channels + walk.channel();
    Pack<T, kWidth> in{};
    if (x != nullptr) in = load<kWidth>(x + at);
    Pack<T, kWidth> out;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      out.values[k] = from_float<T>(to_float(in.values[k]) + added[k]);
    }
    store(y + at, out);
  }
}

template <typename T, typename S>
void sum_frames(Stream stream, const ChannelGeometry& frame, std::int32_t frames, float factor,
                const T* x, S* sums, void* workspace) {
  const std::int64_t size = std::int64_t{frames} * frame.channels;
  if (size == 0) return;
  if (frame.rows == 0) return fill<S>(stream, size, 0, sums);
  const dim3 grid = sum_grid(frame, frames);
  auto* partials = static_cast<float*>(workspace);
  launch(sum_stretches_kernel<T>, grid, kThreads, stream, frame.rows, frame.channels, x, partials);
  launch(add_stretches_kernel<S>, blocks_for(32 * size), kThreads, stream,
         static_cast<std::int32_t>(grid.x), frame.channels, size, factor,
         static_cast<const float*>(partials), sums);
}

std::size_t sum_frames_workspace(const ChannelGeometry& frame, std::int32_t frames) {
  const dim3 grid = sum_grid(frame, frames);
  return std::size_t{grid.x} * grid.z * static_cast<std::size_t>(frame.channels) * sizeof(float);
}

/// y(rows, to) from x(rows, from): the first channels, zeros behind.
template <typename S, typename T>
__global__ void __launch_bounds__(kThreads)
    resize_channels_kernel(std::int64_t rows, std::int32_t from, std::int32_t to, const S* x,
                           T* y) {
  const std::int64_t size = rows * to;
  for (std::int64_t i = thread_number(); i < size; i += thread_count()) {
    const std::int64_t row = i / to;
    const auto channel = static_cast<std::int32_t>(i - row * to);
    y[i] = from_float<T>(channel < from ? to_float(x[row * from + channel]) : 0.0F);
  }
}

/// A thread a value of the padded form, or, where there is none, of y (then to = c0 + c1).
template <typename S0, typename S1, typename T>
__global__ void __launch_bounds__(kThreads)
    concat_channels_kernel(std::int64_t rows, std::int32_t c0, std::int32_t c1, const S0* x0,
                           const S1* x1, T* y, std::int32_t to, T* padded) {
  const std::int32_t channels = c0 + c1;
  const std::int64_t size = rows * to;
  for (std::int64_t i = thread_number(); i < size; i += thread_count()) {
    const std::int64_t row = i / to;
    const auto channel = static_cast<std::int32_t>(i - row * to);
    float value = 0;
    if (channel < c0) {
      value = to_float(x0[row * c0 + channel]);
    } else if (channel < channels) {
      value = to_float(x1[row * c1 + channel - c0]);
    }
    const T result = from_float<T>(value);
    if (channel < channels) y[row * channels + channel] = result;
    if (padded != nullptr) padded[i] = result;
  }
}

/// part(rows, count) = channels [first, first + count) of x(rows, channels).
template <typename S, typename T>
__global__ void __launch_bounds__(kThreads)
    take_channels_kernel(std::int64_t rows, std::int32_t channels, std::int32_t first,
                         std::int32_t count, const S* x, T* part) {
  const std::int64_t size = rows * count;
  for (std::int64_t i = thread_number(); i < size; i += thread_count()) {
    const std::int64_t row = i / count;
    part[i] = from_float<T>(to_float(x[row * channels + first + (i - row * count)]));
  }
}

/// Value i of an (N, H, W, C) tensor: its frame, row, column and channel.
struct Place {
  std::int32_t n, y, x, c;
  __device__ Place(std::int64_t i, std::int32_t h, std::int32_t w, std::int32_t channels) {
    c = static_cast<std::int32_t>(i % channels);
    i /= channels;
    x = static_cast<std::int32_t>(i % w);
    i /= w;
    y = static_cast<std::int32_t>(i % h);
    n = static_cast<std::int32_t>(i / h);
  }
};

template <typename T>
__global__ void __launch_bounds__(kThreads) crop_kernel(CropGeometry g, const T* x, T* y) {
  const auto size = static_cast<std::int64_t>(g.y_size());
  for (std::int64_t i = thread_number(); i < size; i += thread_count()) {
    const Place to(i, g.height, g.width, g.c);
    const std::int64_t row = (std::int64_t{to.n} * g.h + to.y + g.top) * g.w + to.x + g.left;
    y[i] = x[row * g.c + to.c];
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    crop_backward_kernel(CropGeometry g, const T* dy, T* dx) {
  const auto size = static_cast<std::int64_t>(g.x_size());
  for (std::int64_t i = thread_number(); i < size; i += thread_count()) {
    const Place to(i, g.h, g.w, g.c);
    const std::int32_t y = to.y - g.top, x = to.x - g.left;
    const bool inside = y >= 0 && y < g.height && x >= 0 && x < g.width;
    const std::int64_t row = (std::int64_t{to.n} * g.height + y) * g.width + x;
    dx[i] = inside ? dy[row * g.c + to.c] : from_float<T>(0);
  }
}

}  // namespace

template <typename T>
void add_bias(Stream stream, const ChannelGeometry& g, const float* b, Activation activation,
              const T* x, T* y) {
  if (g.size() == 0) return;
  const bool relu = activation == Activation::kRelu;
  with_row_width<T>(
      g,
      [&](auto width) {
        constexpr int kWidth = width;
        const auto kernel = b == nullptr ? (relu ? add_bias_kernel<T, kWidth, false, true>
                                                 : add_bias_kernel<T, kWidth, false, false>)
                                         : (relu ? add_bias_kernel<T, kWidth, true, true>
                                                 : add_bias_kernel<T, kWidth, true, false>);
        launch(kernel, row_grid<kWidth>(g, 4, kMostBlocks), kThreads, stream, g.rows, g.channels, x,
               b, y);
      },
      x, y);
}

std::size_t sum_rows_workspace(const ChannelGeometry& g) { return sum_frames_workspace(g, 1); }

template <typename T>
void sum_rows(Stream stream, const ChannelGeometry& g, const T* x, float* sums, void* workspace) {
  sum_frames(stream, g, 1, 1, x, sums, workspace);
}

std::size_t sum_pixels_workspace(const FrameGeometry& g) {
  return sum_frames_workspace(frame_of(g), g.n);
}

template <typename T, typename S>
void sum_pixels(Stream stream, const FrameGeometry& g, float factor, const T* x, S* sums,
                void* workspace) {
  sum_frames(stream, frame_of(g), g.n, factor, x, sums, workspace);
}

template <typename T, typename S>
void add_to_pixels(Stream stream, const FrameGeometry& g, float factor, const T* x, const S* v,
                   T* y) {
  if (g.size() == 0) return;
  const ChannelGeometry frame = frame_of(g);
  with_row_width<T>(
      frame,
      [&](auto width) {
        constexpr int kWidth = width;
        launch(add_to_pixels_kernel<T, S, kWidth>, frame_grid<kWidth>(frame, g.n, 4, kMostBlocks),
               kThreads, stream, frame.rows, frame.channels, factor, x, v, y);
      },
      x, y);
}

template <typename S0, typename S1, typename T>
void concat_channels(Stream stream, std::int64_t rows, std::int32_t c0, std::int32_t c1,
                     const S0* x0, const S1* x1, T* y, std::int32_t to, T* padded) {
  if (rows == 0 || c0 + c1 == 0) return;
  const std::int32_t written = padded == nullptr ? c0 + c1 : to;
  launch(concat_channels_kernel<S0, S1, T>, blocks_for(rows * written), kThreads, stream, rows, c0,
         c1, x0, x1, y, written, padded);
}

template <typename S, typename T>
void take_channels(Stream stream, std::int64_t rows, std::int32_t channels, std::int32_t first,
                   std::int32_t count, const S* x, T* part) {
  if (rows == 0 || count == 0) return;
  launch(take_channels_kernel<S, T>, blocks_for(rows * count), kThreads, stream, rows, channels,
         first, count, x, part);
}

template <typename S, typename T>
void resize_channels(Stream stream, std::int64_t rows, std::int32_t from, std::int32_t to,
                     const S* x, T* y) {
  if (rows == 0 || to == 0) return;
  if constexpr (!std::is_same_v<S, T>) {
    if (from == to) return convert(stream, rows * to, x, y);
  }
  launch(resize_channels_kernel<S, T>, blocks_for(rows * to), kThreads, stream, rows, from, to, x,
         y);
}

template <typename T>
void crop(Stream stream, const CropGeometry& g, const T* x, T* y) {
  if (g.y_size() == 0) return;
  launch(crop_kernel<T>, blocks_for(static_cast<std::int64_t>(g.y_size())), kThreads, stream, g, x,
         y);
}

template <typename T>
void crop_backward(Stream stream, const CropGeometry& g, const T* dy, T* dx) {
  if (g.x_size() == 0) return;
  launch(crop_backward_kernel<T>, blocks_for(static_cast<std::int64_t>(g.x_size())), kThreads,
         stream, g, dy, dx);
}

#define AFTERGLOW_INSTANTIATE_FOR(S, T)                                                     \
  template void concat_channels(Stream, std::int64_t, std::int32_t, std::int32_t, const S*, \
                                const std::uint8_t*, T*, std::int32_t, T*);                 \
  template void concat_channels(Stream, std::int64_t, std::int32_t, std::int32_t, const S*, \
                                const float*, T*, std::int32_t, T*);                        \
  template void concat_channels(Stream, std::int64_t, std::int32_t, std::int32_t, const S*, \
                                const bfloat16*, T*, std::int32_t, T*)
#define AFTERGLOW_INSTANTIATE(T)                                                                   \
  template void add_bias(Stream, const ChannelGeometry&, const float*, Activation, const T*, T*);  \
  template void sum_rows(Stream, const ChannelGeometry&, const T*, float*, void*);                 \
  template void sum_pixels(Stream, const FrameGeometry&, float, const T*, float*, void*);          \
  template void sum_pixels(Stream, const FrameGeometry&, float, const T*, bfloat16*, void*);       \
  template void add_to_pixels(Stream, const FrameGeometry&, float, const T*, const float*, T*);    \
  template void add_to_pixels(Stream, const FrameGeometry&, float, const T*, const bfloat16*, T*); \
  AFTERGLOW_INSTANTIATE_FOR(std::uint8_t, T);                                                      \
  AFTERGLOW_INSTANTIATE_FOR(float, T);                                                             \
  AFTERGLOW_INSTANTIATE_FOR(bfloat16, T);                                                          \
  template void take_channels(Stream, std::int64_t, std::int32_t, std::int32_t, std::int32_t,      \
                              const T*, float*);                                                   \
  template void take_channels(Stream, std::int64_t, std::int32_t, std::int32_t, std::int32_t,      \
                              const T*, bfloat16*);                                                \
  template void resize_channels(Stream, std::int64_t, std::int32_t, std::int32_t, const float*,    \
                                T*);                                                               \
  template void resize_channels(Stream, std::int64_t, std::int32_t, std::int32_t, const bfloat16*, \
                                T*);                                                               \
  template void crop(Stream, const CropGeometry&, const T*, T*);                                   \
  template void crop_backward(Stream, const CropGeometry&, const T*, T*)
AFTERGLOW_INSTANTIATE(float);
AFTERGLOW_INSTANTIATE(bfloat16);
#undef AFTERGLOW_INSTANTIATE
#undef AFTERGLOW_INSTANTIATE_FOR

}  // namespace afterglow::cuda
