// Convolution kernels between our layout, (KH, KW, I, O), and cuDNN's, (O', KH, KW, I'): tiles of
// 32 x 32 are turned in shared memory, so that both sides are read and written along memory. For
// the sub-pixel form the taps that meet are summed on the way, or their gradients gathered.
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/vectors.cuh"

namespace afterglow::cuda {
namespace {

constexpr int kTile = 32;
constexpr int kTileRows = 8;  // of threads: each takes 4 rows of a tile

/// A tile with a column to spare, so that threads that walk down it meet no bank twice.
struct Tile {
  float values[kTile][kTile + 1];
};

// Not in the templates: see batch_norm.cu.
__device__ Tile& shared_tile() {
  __shared__ Tile tile;
  return tile;
}

/// The grid of tiles of an (I, O) matrix, one for each of `depth` places.
dim3 tile_grid(std::int32_t in, std::int32_t out, std::int32_t depth) {
  return {static_cast<unsigned>((in + kTile - 1) / kTile),
          static_cast<unsigned>((out + kTile - 1) / kTile), static_cast<unsigned>(depth)};
}
const dim3 kTileBlock{kTile, kTileRows};

/// Fills the tile with f(i, o) for i, o of the block's tile; 0 outside of the matrix.
template <typename F>
__device__ void fill_tile(Tile& tile, std::int32_t in, std::int32_t out, const F& f) {
  const auto o = static_cast<std::int32_t>(blockIdx.y * kTile + threadIdx.x);
  for (int row = static_cast<int>(threadIdx.y); row < kTile; row += kTileRows) {
    const auto i = static_cast<std::int32_t>(blockIdx.x * kTile) + row;
    tile.values[row][threadIdx.x] = i < in && o < out ? f(i, o) : 0.0F;
  }
}

/// Calls f(i, o, tile's value) for i below `in` and o below `out`, i running along the threads.
template <typename F>
__device__ void read_tile(const Tile& tile, std::int32_t in, std::int32_t out, const F& f) {
  const auto i = static_cast<std::int32_t>(blockIdx.x * kTile + threadIdx.x);
  for (int row = static_cast<int>(threadIdx.y); row < kTile; row += kTileRows) {
    const auto o = static_cast<std::int32_t>(blockIdx.y * kTile) + row;
    if (i < in && o < out) f(i, o, tile.values[threadIdx.x][row]);
  }
}

/// The same tile the other way round: filled along i, read along o.
template <typename F>
__device__ void fill_tile_along_i(Tile& tile, std::int32_t in, std::int32_t out, const F& f) {
  const auto i = static_cast<std::int32_t>(blockIdx.x * kTile + threadIdx.x);
  for (int row = static_cast<int>(threadIdx.y); row < kTile; row += kTileRows) {
    const auto o = static_cast<std::int32_t>(blockIdx.y * kTile) + row;
    tile.values[threadIdx.x][row] = i < in && o < out ? f(i, o) : 0.0F;
  }
}
template <typename F>
__device__ void read_tile_along_o(const Tile& tile, std::int32_t in, std::int32_t out, const F& f) {
  const auto o = static_cast<std::int32_t>(blockIdx.y * kTile + threadIdx.x);
  for (int row = static_cast<int>(threadIdx.y); row < kTile; row += kTileRows) {
    const auto i = static_cast<std::int32_t>(blockIdx.x * kTile) + row;
    if (i < in && o < out) f(i, o, tile.values[row][threadIdx.x]);
  }
}

/// blockIdx.z: the tap.
template <typename S, typename T>
__global__ void __launch_bounds__(kTile* kTileRows)
    pack_kernel_kernel(KernelLayout k, const S* w, T* packed) {
  Tile& tile = shared_tile();
  const auto tap = static_cast<std::int64_t>(blockIdx.z);
  fill_tile(tile, k.in, k.out, [&](std::int32_t i, std::int32_t o) {
    return to_float(w[(tap * k.in + i) * k.out + o]);
  });
  __syncthreads();
  read_tile(tile, k.padded_in, k.padded_out, [&](std::int32_t i, std::int32_t o, float value) {
    packed[(std::int64_t{o} * k.kh * k.kw + tap) * k.padded_in + i] = from_float<T>(value);
  });
}

template <typename T>
__global__ void __launch_bounds__(kTile* kTileRows)
    unpack_kernel_kernel(KernelLayout k, const T* packed, float* dw) {
  Tile& tile = shared_tile();
  const auto tap = static_cast<std::int64_t>(blockIdx.z);
  fill_tile_along_i(tile, k.in, k.out, [&](std::int32_t i, std::int32_t o) {
    return to_float(packed[(std::int64_t{o} * k.kh * k.kw + tap) * k.padded_in + i]);
  });
  __syncthreads();
  read_tile_along_o(tile, k.in, k.out, [&](std::int32_t i, std::int32_t o, float value) {
    dw[(tap * k.in + i) * k.out + o] = value;
  });
}

/// blockIdx.z: the phase (2 py + px) and the low-resolution tap.
template <typename T>
__global__ void __launch_bounds__(kTile* kTileRows)
    pack_sub_pixel_kernel_kernel(UpsampleConv2dGeometry g, std::int32_t padded_in, const float* w,
                                 T* packed) {
  Tile& tile = shared_tile();
  const std::int32_t taps = g.low_taps();
  const auto place = static_cast<std::int32_t>(blockIdx.z) % (taps * taps);
  const auto phase = static_cast<std::int32_t>(blockIdx.z) / (taps * taps);
  fill_tile(tile, g.c, g.k, [&](std::int32_t i, std::int32_t o) {
    float sum = 0;
    for (std::int32_t a = 0; a < g.ksize; ++a) {
      if (g.low_tap(phase / 2, a) != place / taps) continue;
      for (std::int32_t b = 0; b < g.ksize; ++b) {
        if (g.low_tap(phase % 2, b) != place % taps) continue;
        sum += w[((std::int64_t{a} * g.ksize + b) * g.c + i) * g.k + o];
      }
    }
    return sum;
  });
  __syncthreads();
  read_tile(tile, padded_in, g.k, [&](std::int32_t i, std::int32_t o, float value) {
    const std::int64_t channel = std::int64_t{phase} * g.k + o;
    packed[(channel * taps * taps + place) * padded_in + i] = from_float<T>(value);
  });
}

/// blockIdx.z: the tap of the k x k kernel.
template <typename T>
__global__ void __launch_bounds__(kTile* kTileRows)
    unpack_sub_pixel_kernel_kernel(UpsampleConv2dGeometry g, std::int32_t padded_in,
                                   const T* packed, float* dw) {
  Tile& tile = shared_tile();
  const std::int32_t taps = g.low_taps();
  const auto tap = static_cast<std::int32_t>(blockIdx.z);
  fill_tile_along_i(tile, g.c, g.k, [&](std::int32_t i, std::int32_t o) {
    float of_phase[4];
#pragma unroll
    for (std::int32_t phase = 0; phase < 4; ++phase) {
      const std::int32_t place =
          g.low_tap(phase / 2, tap / g.ksize) * taps + g.low_tap(phase % 2, tap % g.ksize);
      const std::int64_t channel = std::int64_t{phase} * g.k + o;
      of_phase[phase] = to_float(packed[(channel * taps * taps + place) * padded_in + i]);
    }
    return (of_phase[0] + of_phase[1]) + (of_phase[2] + of_phase[3]);
  });
  __syncthreads();
  read_tile_along_o(tile, g.c, g.k, [&](std::int32_t i, std::int32_t o, float value) {
    dw[(std::int64_t{tap} * g.c + i) * g.k + o] = value;
  });
}

}  // namespace

template <typename S, typename T>
void pack_kernel(Stream stream, const KernelLayout& layout, const S* w, T* packed) {
  launch(pack_kernel_kernel<S, T>,
         tile_grid(layout.padded_in, layout.padded_out, layout.kh * layout.kw), kTileBlock, stream,
         layout, w, packed);
}

template <typename T>
void unpack_kernel(Stream stream, const KernelLayout& layout, const T* packed, float* dw) {
  launch(unpack_kernel_kernel<T>, tile_grid(layout.in, layout.out, layout.kh * layout.kw),
         kTileBlock, stream, layout, packed, dw);
}

template <typename T>
void pack_sub_pixel_kernel(Stream stream, const UpsampleConv2dGeometry& g, std::int32_t padded_in,
                           std::int32_t padded_out, const float* w, T* packed) {
  const std::int32_t places = g.low_taps() * g.low_taps();
  launch(pack_sub_pixel_kernel_kernel<T>, tile_grid(padded_in, g.k, 4 * places), kTileBlock, stream,
         g, padded_in, w, packed);
  const std::int64_t channel = std::int64_t{places} * padded_in;
  fill(stream, (padded_out - 4 * g.k) * channel, 0, packed + 4 * g.k * channel);
}

template <typename T>
void unpack_sub_pixel_kernel(Stream stream, const UpsampleConv2dGeometry& g, std::int32_t padded_in,
                             std::int32_t /*padded_out*/, const T* packed, float* dw) {
  launch(unpack_sub_pixel_kernel_kernel<T>, tile_grid(g.c, g.k, g.ksize * g.ksize), kTileBlock,
         stream, g, padded_in, packed, dw);
}

#define AFTERGLOW_INSTANTIATE(T)                                                             \
  template void pack_kernel(Stream, const KernelLayout&, const float*, T*);                  \
  template void pack_kernel(Stream, const KernelLayout&, const bfloat16*, T*);               \
  template void unpack_kernel(Stream, const KernelLayout&, const T*, float*);                \
  template void pack_sub_pixel_kernel(Stream, const UpsampleConv2dGeometry&, std::int32_t,   \
                                      std::int32_t, const float*, T*);                       \
  template void unpack_sub_pixel_kernel(Stream, const UpsampleConv2dGeometry&, std::int32_t, \
                                        std::int32_t, const T*, float*)
AFTERGLOW_INSTANTIATE(float);
AFTERGLOW_INSTANTIATE(bfloat16);
#undef AFTERGLOW_INSTANTIATE

}  // namespace afterglow::cuda
