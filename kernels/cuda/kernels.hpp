// Every hand-written kernel of the CUDA backend, as its host code calls it: one .cu file of the
// same name per group. They know plain pointers into device memory and the geometry structs alone.
//
// Rules that hold for all. A call queues work on the stream and returns; it allocates nothing and
// waits for nothing, so that every one can be captured in a CUDA graph. Tensors are contiguous (N,
// H, W, C); destinations are overwritten; sources and destinations do not overlap unless said. The
// same call gives the same bits: sums are added in a fixed order, no float is added atomically.
// Sizes of 0 queue nothing. Pointers are aligned to 16 bytes or not: both work, aligned ones in
// vectors of 16 bytes. T is float or bfloat16, the type of activations and their gradients; sums
// and parameters are float. A `workspace` is uninitialised device memory of at least the bytes that
// the function of that name says.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/backend.hpp"
#include "kernels/cuda/bfloat16.hpp"
#include "kernels/function.hpp"
#include "kernels/geometry.hpp"

struct CUstream_st;

namespace afterglow::cuda {

using Stream = CUstream_st*;  // cudaStream_t

// elementwise.cu
template <typename T>
void fill(Stream stream, std::int64_t n, float value, T* y);
/// y may be x.
template <typename T>
void relu(Stream stream, std::int64_t n, const T* x, T* y);
/// dx = dy where y > 0, else 0. dx may be dy.
template <typename T>
void relu_backward(Stream stream, std::int64_t n, const T* y, const T* dy, T* dx);
/// y = a + b; y may be a.
template <typename T>
void add(Stream stream, std::int64_t n, const T* a, const T* b, T* y);
/// y = factor x; y may be x.
template <typename T>
void scale(Stream stream, std::int64_t n, const T* x, float factor, T* y);
/// y = f(x); y may be x.
template <typename T>
void apply(Stream stream, std::int64_t n, const Function& f, const T* x, T* y);
/// dx = f'(x) dy; dx may be dy.
template <typename T>
void apply_backward(Stream stream, std::int64_t n, const Function& f, const T* x, const T* dy,
                    T* dx);
/// y = a b.
template <typename T>
void multiply(Stream stream, std::int64_t n, const T* a, const T* b, T* y);
/// y = (1 - t) y + t factor x.
void blend_into(Stream stream, std::int64_t n, const float* x, float factor, float t, float* y);
/// Between the two types, or from bytes to either.
template <typename S, typename T>
void convert(Stream stream, std::int64_t n, const S* x, T* y);

// channels.cu. x, y: (rows, channels).
/// y = activation(x + b), b(channels) or nullptr; y may be x.
template <typename T>
void add_bias(Stream stream, const ChannelGeometry& g, const float* b, Activation activation,
              const T* x, T* y);
/// sums(channels) = the sums over the rows.
std::size_t sum_rows_workspace(const ChannelGeometry& g);
template <typename T>
void sum_rows(Stream stream, const ChannelGeometry& g, const T* x, float* sums, void* workspace);
/// sums(N, C) = factor times the sum over the pixels of each frame.
std::size_t sum_pixels_workspace(const FrameGeometry& g);
template <typename T, typename S>
void sum_pixels(Stream stream, const FrameGeometry& g, float factor, const T* x, S* sums,
                void* workspace);
/// y = x, or nullptr for 0, + factor v(N, C) at every pixel; y may be x.
template <typename T, typename S>
void add_to_pixels(Stream stream, const FrameGeometry& g, float factor, const T* x, const S* v,
                   T* y);
/// y(rows, c0 + c1) = x0(rows, c0) beside x1(rows, c1); each of bytes or any type. The same once
/// more in padded(rows, to), zeros behind; it may be nullptr.
template <typename S0, typename S1, typename T>
void concat_channels(Stream stream, std::int64_t rows, std::int32_t c0, std::int32_t c1,
                     const S0* x0, const S1* x1, T* y, std::int32_t to, T* padded);
/// part(rows, count) = the channels from `first` on of x(rows, channels).
template <typename S, typename T>
void take_channels(Stream stream, std::int64_t rows, std::int32_t channels, std::int32_t first,
                   std::int32_t count, const S* x, T* part);
/// y(rows, to) = x(rows, from) with zeros behind (to > from) or cut off (to < from). Types may
/// differ.
template <typename S, typename T>
void resize_channels(Stream stream, std::int64_t rows, std::int32_t from, std::int32_t to,
                     const S* x, T* y);
template <typename T>
void crop(Stream stream, const CropGeometry& g, const T* x, T* y);
/// dx = dy inside the rectangle, 0 outside.
template <typename T>
void crop_backward(Stream stream, const CropGeometry& g, const T* dy, T* dx);

// pixels.cu. x, a, b, y: (rows, channels); factors, products, lengths: (rows).
/// y = x times its pixel's factor.
template <typename T>
void scale_pixels(Stream stream, const ChannelGeometry& g, const T* x, const T* factors, T* y);
/// products = the sums of a b over the channels.
template <typename T>
void dot_channels(Stream stream, const ChannelGeometry& g, const T* a, const T* b, T* products);
/// lengths = sqrt(|x|^2 + epsilon^2).
template <typename T>
void pixel_length(Stream stream, const ChannelGeometry& g, float epsilon, const T* x, T* lengths);
/// dx = dlengths x / lengths, 0 where the length is 0.
template <typename T>
void pixel_length_backward(Stream stream, const ChannelGeometry& g, const T* x, const T* lengths,
                           const T* dlengths, T* dx);

// pool2d.cu: as in Backend.
/// winners may be nullptr.
template <typename T>
void max_pool2d(Stream stream, const Pool2dGeometry& g, const T* x, T* y, std::uint8_t* winners);
template <typename T>
void max_pool2d_backward(Stream stream, const Pool2dGeometry& g, const T* dy,
                         const std::uint8_t* winners, T* dx);
template <typename T>
void avg_pool2d(Stream stream, const Pool2dGeometry& g, const T* x, T* y);
template <typename T>
void avg_pool2d_backward(Stream stream, const Pool2dGeometry& g, const T* dy, T* dx);

// upsample_nearest.cu. n, h, w, c are x's (dx's).
template <typename T>
void upsample_nearest(Stream stream, std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c,
                      const T* x, T* y);
template <typename T>
void upsample_nearest_backward(Stream stream, std::int32_t n, std::int32_t h, std::int32_t w,
                               std::int32_t c, const T* dy, T* dx);

// kernel_layout.cu. Convolution kernels are kept as (KH, KW, I, O) float; cuDNN reads (O', KH, KW,
// I') with I' >= I and O' >= O padded by zeros, in the type of the activations.
struct KernelLayout {
  std::int32_t kh = 0, kw = 0, in = 0, out = 0;  // I, O
  std::int32_t padded_in = 0, padded_out = 0;    // I', O'
};
/// w is float, or bfloat16 (RoundedKernel).
template <typename S, typename T>
void pack_kernel(Stream stream, const KernelLayout& layout, const S* w, T* packed);
/// The gradient back to (KH, KW, I, O) float.
template <typename T>
void unpack_kernel(Stream stream, const KernelLayout& layout, const T* packed, float* dw);
/// The same for upsample_conv2d's low-resolution convolution (geometry.hpp, sub_pixel): from
/// w(ksize, ksize, I, O) to the summed kernel (4O padded to padded_out, taps, taps, padded_in),
/// output channel (2 py + px) O + o; each of its values a sum in a fixed order, of float, so that
/// it is rounded once.
template <typename T>
void pack_sub_pixel_kernel(Stream stream, const UpsampleConv2dGeometry& g, std::int32_t padded_in,
                           std::int32_t padded_out, const float* w, T* packed);
template <typename T>
void unpack_sub_pixel_kernel(Stream stream, const UpsampleConv2dGeometry& g, std::int32_t padded_in,
                             std::int32_t padded_out, const T* packed, float* dw);

// softmax_mean.cu: as in Backend.
template <typename T>
void softmax_mean(Stream stream, const SoftmaxMeanGeometry& g, float factor, const T* x,
                  const float* centres, T* y);
template <typename T>
void softmax_mean_backward(Stream stream, const SoftmaxMeanGeometry& g, float factor, const T* x,
                           const float* centres, const T* dy, T* dx);

// depth_to_space.cu. low: (N, OH/2, OW/2, channels >= 4K), channel (2 py + px) K + k; y: (N, OH,
// OW, K).
/// y = activation(depth_to_space(low) + b), b(K) or nullptr.
template <typename T>
void depth_to_space(Stream stream, const UpsampleConv2dGeometry& g, std::int32_t channels,
                    const T* low, const float* b, Activation activation, T* y);
/// The reverse; channels from 4K on become 0.
template <typename T>
void space_to_depth(Stream stream, const UpsampleConv2dGeometry& g, std::int32_t channels,
                    const T* dy, T* low);
/// The order of Backend's functions of these names: between frames (N, H, W, C), `g`, and blocks
/// (N, H/2, W/2, 4C), channel 4c + 2 py + px.
template <typename T>
void depth_to_space(Stream stream, const FrameGeometry& g, const T* blocks, T* frames);
template <typename T>
void space_to_depth(Stream stream, const FrameGeometry& g, const T* frames, T* blocks);

// warp.cu (kernels/warp.hpp). flow: (N, H, W, 2).
template <typename T>
void warp(Stream stream, const FrameGeometry& g, const T* x, const float* flow, T* y);
/// As in Backend; a NaN in dy counts as -65536. The workspace must lie on a border of 8 bytes.
std::size_t warp_backward_workspace(const FrameGeometry& g);
template <typename T>
void warp_backward(Stream stream, const FrameGeometry& g, const T* dy, const float* flow, T* dx,
                   void* workspace);

// batch_norm.cu: as in Backend, statistics accurate to float32 whatever the mean.
std::size_t batch_norm_workspace(const ChannelGeometry& g);
/// mean(channels) and biased variance(channels) of x, and what the rounding of the mean left over.
template <typename T>
void batch_norm_statistics(Stream stream, const ChannelGeometry& g, const T* x, float* mean,
                           float* variance, float* mean_rest, void* workspace);
/// y = gamma (x - mean - mean_rest) / sqrt(variance + epsilon) + beta; mean_rest may be nullptr.
template <typename T>
void batch_norm_apply(Stream stream, const ChannelGeometry& g, const T* x, const float* gamma,
                      const float* beta, const float* mean, const float* mean_rest,
                      const float* variance, float epsilon, T* y);
/// Through the statistics of x itself. dgamma and dbeta must be given; dx may be nullptr.
template <typename T>
void batch_norm_backward(Stream stream, const ChannelGeometry& g, const T* x, const T* dy,
                         const float* gamma, const float* mean, const float* variance,
                         float epsilon, T* dx, float* dgamma, float* dbeta, void* workspace);
/// Mean and variance are constants. dx, dgamma, dbeta may be nullptr; x may be when dgamma is.
template <typename T>
void batch_norm_inference_backward(Stream stream, const ChannelGeometry& g, const T* x, const T* dy,
                                   const float* gamma, const float* mean, const float* variance,
                                   float epsilon, T* dx, float* dgamma, float* dbeta,
                                   void* workspace);

// temporal_mse.cu: value and gradient in one launch (kernels/temporal_mse.hpp). y is T or bytes.
/// The workspace must be zeroed once, when it is allocated; every call leaves it fit for the next.
std::size_t temporal_mse_workspace(const TemporalMseGeometry& g);
/// clip_starts: n bytes; gradient may be nullptr; with `output_relu` the gradient counts where p >
/// 0 alone (p is then a ReLU's result). value: one TemporalMseValue in device memory.
template <typename T, typename Y>
void temporal_mse(Stream stream, const TemporalMseGeometry& g, float beta, bool output_relu,
                  const T* p, const Y* y, const std::uint8_t* clip_starts, T* gradient,
                  TemporalMseValue* value, void* workspace);

/// The same along the motion (kernels/motion_temporal_mse.hpp). The workspace must lie on a border
/// of 8 bytes, and need not be zeroed.
std::size_t motion_temporal_mse_workspace(const FrameGeometry& g);
template <typename T, typename Y>
void motion_temporal_mse(Stream stream, const FrameGeometry& g, float beta, const T* p, const Y* y,
                         const float* flow, const std::uint8_t* clip_starts, T* gradient,
                         TemporalMseValue* value, void* workspace);

// adam.cu. Up to kAdamSlots parameters in one launch.
inline constexpr int kAdamSlots = 48;
struct AdamTable {
  struct Slot {
    const float* gradient;
    float* parameter;
    float* m;
    float* v;
    bfloat16* rounded;  // the parameter's copy, or nullptr
    std::int64_t size;
    bool aligned;  // all of them, for packs of 4 values; adam() finds out
  };
  Slot slots[kAdamSlots];
  std::int32_t count = 0;
};
struct SumTable {
  struct Slot {
    const float* x;
    std::int64_t size;
  };
  Slot slots[kAdamSlots];
  std::int32_t count = 0;
};
std::size_t sum_of_squares_workspace();
/// sum = the sum of squares of all, in double; with `add` it is added to what sum holds.
void sum_of_squares(Stream stream, const SumTable& table, bool add, double* sum, void* workspace);
/// One step of Adam for every slot: Backend::adam. rate and squares lie in device memory.
void adam(Stream stream, const AdamTable& table, const AdamStep& step, const AdamRate* rate,
          const double* squares);

}  // namespace afterglow::cuda
