// The contract that both backends fulfil: some thirty functions over raw memory.
//
// Rules that hold for all of them. Tensors are contiguous, (N, H, W, C); kernels are (KH, KW, I,
// O). Parameters, their gradients and per-channel sums are float32; activations and their gradients
// float32 or the backend's activation_type(), all of one call alike unless it says otherwise; sums
// are made in float32 at least. Destinations are overwritten, never accumulated into (but for
// add_into). Sources and destinations do not overlap unless a function says so. They have exactly
// the sizes that the geometry says; shapes are checked once, in nn/ops, not here. The same call
// gives the same bits. A function that a backend lacks throws Unsupported.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/device.hpp"
#include "kernels/function.hpp"
#include "kernels/geometry.hpp"
#include "kernels/values.hpp"

namespace afterglow {

/// Device memory. Freed (or kept by the backend for reuse) when the last copy of the pointer goes.
struct Buffer {
  std::shared_ptr<std::byte> data;
  std::size_t bytes = 0;
};

/// What a backend made of a kernel (transformed, summed, reordered), under names of its own.
using PreparedKernels = std::map<std::string, Buffer>;

/// The values of a changing kernel once more, in bfloat16: half the bytes for a backend that
/// multiplies those. Such a backend says so in `wanted`; then the optimizer writes them beside the
/// float32 ones. Whoever else changes the values must drop these first (Tensor does).
struct RoundedKernel {
  bool wanted = false;
  Buffer values;  // none, or up to date
};

/// The kernel of a convolution. With `prepared`, its values stay as they are from call to call: the
/// backend may leave there what it made of them, and finds it again. Whoever changes the values
/// must clear it first (Tensor does). Either may be nullptr.
struct Kernel {
  Source values;
  PreparedKernels* prepared = nullptr;
  RoundedKernel* rounded = nullptr;
};

/// Batch normalisation with given statistics (C), per channel:
/// y = gamma (x - mean) / sqrt(variance + epsilon) + beta.
struct Norm {
  Source gamma = {}, beta = {}, mean = {}, variance = {};
  float epsilon = 0;
};

/// What becomes of a convolution's sums: y = norm(activation(sums + b)). No b (K) where it is
/// empty, no norm where its gamma is.
struct Epilogue {
  Source b = {};
  Activation activation = Activation::kNone;
  Norm norm = {};
};

/// Which algorithms a backend's convolutions may use.
enum class ConvolutionChoice : std::int32_t {
  kAuto,      // whatever is fastest for each
  kDirect,    // those that multiply as the definition does
  kWinograd,  // Winograd's wherever it can be used
};

/// What convolutions multiply; sums are float32.
enum class Precision : std::int32_t {
  kFloat32,
  kTf32,      // CUDA: values rounded to 11 bits on tensor cores
  kBfloat16,  // values rounded to bfloat16 (8 bits); on a CPU where that is faster, on CUDA
              // activations are stored so too
};

/// How one of a backend's convolutions is computed.
struct ConvolutionPlan {
  std::string convolution;  // "3x3 64-128, 16 of 64x64"; with 4K outputs where upsampling is inside
  std::string pass;         // "forward", "backward data", "backward weights"
  std::string algorithm;
};

/// What the memory of a backend amounts to, in bytes.
struct MemoryReport {
  std::size_t in_use = 0;
  std::size_t peak_in_use = 0;
  std::size_t reserved = 0;     // in use + kept for reuse
  std::size_t allocations = 0;  // how often the system was asked for memory
};

/// The value of a temporal loss. loss = beta * fidelity + (1 - beta) * temporal.
struct TemporalMseValue {
  double loss = 0;
  double fidelity = 0;  // (1/N) sum mse(p_i, y_i)
  double temporal = 0;  // (1/N) sum mse(p_i, p_{i-1}), or its part along the motion
};

/// Adam as Keras does it, but for what changes from step to step.
struct AdamStep {
  // In double, so that 1 - beta has no error of its own: in float 1 - 0.999F is 1.3e-5 off.
  double beta1 = 0.9;
  double beta2 = 0.999;
  float epsilon = 1e-7F;
  float clip_norm = 0;  // largest norm of all gradients together; 0: any
};

/// What changes from step to step, in device memory.
struct AdamRate {
  float step = 0;   // lr sqrt(1 - beta2^t) / (1 - beta1^t)
  float decay = 0;  // lr * weight decay (AdamW, Loshchilov & Hutter 2019)
};

/// A parameter with its gradient and moments, all of one size. `rounded`, where it is not empty, is
/// bfloat16 and becomes the parameter's new values, too (RoundedKernel).
struct AdamSlot {
  Source gradient;
  Destination parameter, m, v;
  Destination rounded = {};
};

/// Calls of a backend taken down once, to be made again and again with the same memory.
class Recording {
 public:
  Recording() = default;
  virtual ~Recording() = default;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  virtual void replay() = 0;
};

class Backend {
 public:
  Backend() = default;
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  virtual Device device() const = 0;
  /// One line for people: the device, its instruction set or driver, threads.
  virtual std::string description() const = 0;
  /// What activations are best stored as.
  virtual ValueType activation_type() const = 0;

  // Memory.
  /// Uninitialised memory, aligned to 64 bytes at least. Throws std::bad_alloc.
  virtual Buffer allocate(std::size_t bytes) = 0;
  virtual void copy_from_host(std::span<const std::byte> host, std::byte* device) = 0;
  virtual void copy_to_host(const std::byte* device, std::span<std::byte> host) = 0;
  /// The types may differ, but dst is no kUint8 unless src is.
  virtual void copy(Source src, Destination dst) = 0;
  virtual void fill(Destination dst, float value) = 0;
  virtual MemoryReport memory() const = 0;

  // Convolution. `b` (K) may be empty. `db` may be empty: not wanted. Each activation may be of
  // either type; where the result (the gradient that comes in) is float32, so is what is
  // multiplied. With a norm the result is batch_norm_inference's of the one without.
  virtual void conv2d(const Conv2dGeometry& g, Source x, Kernel w, const Epilogue& epilogue,
                      Destination y) = 0;
  /// dx. With `relu`, the result behind an activation, dy counts where that is above 0; it may be
  /// empty.
  virtual void conv2d_backward_data(const Conv2dGeometry& g, Source dy, Source relu, Kernel w,
                                    Destination dx) = 0;
  virtual void conv2d_backward_weights(const Conv2dGeometry& g, Source x, Source dy, Destination dw,
                                       Destination db) = 0;

  // A convolution, ReLU and 2 x 2 max pooling in one: max_pool2d by `pooled(g)` on the
  // convolution's result, with the same winners. max_pool2d_backward takes the gradient to that
  // whole result.
  virtual void conv2d_max_pool(const Conv2dGeometry& g, Source x, Kernel w, Source b, Destination y,
                               std::span<std::uint8_t> winners) = 0;
  virtual void conv2d_max_pool_backward_data(const Conv2dGeometry& g, Source dy,
                                             std::span<const std::uint8_t> winners, Kernel w,
                                             Destination dx) = 0;

  // Nearest x2 upsampling and a convolution in one, in sub-pixel form.
  virtual void upsample_conv2d(const UpsampleConv2dGeometry& g, Source x, Kernel w,
                               const Epilogue& epilogue, Destination y) = 0;
  virtual void upsample_conv2d_backward_data(const UpsampleConv2dGeometry& g, Source dy, Kernel w,
                                             Destination dx) = 0;
  virtual void upsample_conv2d_backward_weights(const UpsampleConv2dGeometry& g, Source x,
                                                Source dy, Destination dw, Destination db) = 0;

  /// All convolutions computed so far, in the order in which they first were.
  virtual std::vector<ConvolutionPlan> convolution_plans() const = 0;

  // Pooling. `winners`, g.winners_size() bytes laid out as Pool2dGeometry says, holds which value
  // of its window every output value is (the first of equals; a NaN before all others); it may be
  // empty when no gradient is wanted. With g.relu, values below 0 count as 0.
  virtual void max_pool2d(const Pool2dGeometry& g, Source x, Destination y,
                          std::span<std::uint8_t> winners) = 0;
  virtual void max_pool2d_backward(const Pool2dGeometry& g, Source dy,
                                   std::span<const std::uint8_t> winners, Destination dx) = 0;
  virtual void avg_pool2d(const Pool2dGeometry& g, Source x, Destination y) = 0;
  virtual void avg_pool2d_backward(const Pool2dGeometry& g, Source dy, Destination dx) = 0;

  /// y(N, 2H, 2W, C): every pixel of x(N, H, W, C) four times.
  virtual void upsample_nearest(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c,
                                Source x, Destination y) = 0;
  /// dx = the sum over the four copies. n, h, w, c are x's.
  virtual void upsample_nearest_backward(std::int32_t n, std::int32_t h, std::int32_t w,
                                         std::int32_t c, Source dy, Destination dx) = 0;

  // Batch normalisation: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, per channel.
  /// Training: mean and *biased* variance are those of x, and are returned.
  virtual void batch_norm(const ChannelGeometry& g, Source x, Source gamma, Source beta,
                          float epsilon, Destination y, Destination mean, Destination variance) = 0;
  /// Backward of batch_norm. Each of dx, dgamma, dbeta may be empty: not wanted.
  virtual void batch_norm_backward(const ChannelGeometry& g, Source x, Source dy, Source gamma,
                                   Source mean, Source variance, float epsilon, Destination dx,
                                   Destination dgamma, Destination dbeta) = 0;
  /// Inference: mean and variance are given (the running statistics). y may be x.
  virtual void batch_norm_inference(const ChannelGeometry& g, Source x, const Norm& norm,
                                    Destination y) = 0;
  /// Backward of batch_norm_inference: mean and variance are constants. dx, dgamma, dbeta may be
  /// empty; x may be empty when dgamma is.
  virtual void batch_norm_inference_backward(const ChannelGeometry& g, Source x, Source dy,
                                             Source gamma, Source mean, Source variance,
                                             float epsilon, Destination dx, Destination dgamma,
                                             Destination dbeta) = 0;

  // Elementwise and layout.
  /// y may be x.
  virtual void relu(Source x, Destination y) = 0;
  /// dx = dy where y > 0, else 0. dx may be dy.
  virtual void relu_backward(Source y, Source dy, Destination dx) = 0;
  virtual void add(Source a, Source b, Destination y) = 0;
  /// y += x.
  virtual void add_into(Source x, Destination y) = 0;
  /// y = factor * x. y may be x.
  virtual void scale(Source x, float factor, Destination y) = 0;
  /// y = f(x), value by value. y may be x.
  virtual void apply(const Function& f, Source x, Destination y) = 0;
  /// dx = f'(x) dy. dx may be dy.
  virtual void apply_backward(const Function& f, Source x, Source dy, Destination dx) = 0;
  /// y(rows, C) = x(rows, C) m, where m has C factors a pixel, or one: (rows, 1).
  virtual void multiply(const ChannelGeometry& g, Source x, Source m, Destination y) = 0;
  /// y(rows, 1) = the sum of a b over the channels of each pixel: the gradient of one factor a
  /// pixel.
  virtual void dot_channels(const ChannelGeometry& g, Source a, Source b, Destination y) = 0;
  /// y(rows, 1) = sqrt(|x|^2 + epsilon^2), the length of each pixel's vector of channels, rounded
  /// off at 0: Charbonnier's penalty of a difference.
  virtual void pixel_length(const ChannelGeometry& g, float epsilon, Source x, Destination y) = 0;
  /// dx(rows, C) = dy x / y, y being pixel_length's result; 0 where that is 0.
  virtual void pixel_length_backward(const ChannelGeometry& g, Source x, Source y, Source dy,
                                     Destination dx) = 0;
  /// sums(N, C), of x's type or float32, = factor * the sum of x over the pixels of each frame.
  virtual void sum_pixels(const FrameGeometry& g, float factor, Source x, Destination sums) = 0;
  /// y = x + factor v at every pixel, v(N, C), of y's type or float32, being its frame's; without x
  /// (empty), y = factor v. y may be x.
  virtual void add_to_pixels(const FrameGeometry& g, float factor, Source x, Source v,
                             Destination y) = 0;
  /// y = (1 - t) y + t factor x: running statistics (t = 1 - momentum, factor = n / (n - 1) for a
  /// variance).
  virtual void blend_into(Source x, float factor, float t, Destination y) = 0;
  /// y = activation(y + b), in place; b (C) may be empty. For conv_transpose2d.
  virtual void add_bias(const ChannelGeometry& g, Source b, Activation activation,
                        Destination y) = 0;
  /// sums(C) = the sum of x over its rows: a bias gradient.
  virtual void sum_rows(const ChannelGeometry& g, Source x, Destination sums) = 0;
  /// y(rows, c0 + c1) = x0(rows, c0) beside x1(rows, c1), of any types each; y.padded(), too, where
  /// there is one.
  virtual void concat_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source x0,
                               Source x1, Destination y) = 0;
  /// The reverse: dx0 and dx1 cut out of dy; either may be empty.
  virtual void split_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source dy,
                              Destination dx0, Destination dx1) = 0;
  /// y(N, H/2, W/2, 4C) from x(N, H, W, C) of even sizes: channel 4c + 2r + s of a pixel is channel
  /// c of row r, column s of its 2 x 2 block.
  virtual void space_to_depth(const FrameGeometry& g, Source x, Destination y) = 0;
  /// The reverse, g being y's: y(N, H, W, C) from x(N, H/2, W/2, 4C).
  virtual void depth_to_space(const FrameGeometry& g, Source x, Destination y) = 0;
  /// y(N, H, W, C): each pixel of x where flow (N, H, W, 2), float32, (u, v) in pixels from itself,
  /// points; bilinear, frames continued by their border (kernels/warp.hpp).
  virtual void warp(const FrameGeometry& g, Source x, Source flow, Destination y) = 0;
  /// dx: each pixel's dy handed to the four that it came from. On CUDA it is added up in whole
  /// numbers, the same bits in any order, and a |dy| above 65536 counts as that.
  virtual void warp_backward(const FrameGeometry& g, Source dy, Source flow, Destination dx) = 0;
  /// y(rows, outputs) = sum_k softmax(factor x)_k centres_k: the annealed mean of Zhang et al.
  /// 2016. Centres are float32.
  virtual void softmax_mean(const SoftmaxMeanGeometry& g, float factor, Source x, Source centres,
                            Destination y) = 0;
  /// dx_k = factor softmax(factor x)_k (centres_k - y) . dy.
  virtual void softmax_mean_backward(const SoftmaxMeanGeometry& g, float factor, Source x,
                                     Source centres, Source dy, Destination dx) = 0;
  virtual void crop(const CropGeometry& g, Source x, Destination y) = 0;
  /// dx = dy inside the rectangle, 0 outside.
  virtual void crop_backward(const CropGeometry& g, Source dy, Destination dx) = 0;

  // Loss and optimizer.
  // Their scalars (clip_starts, value, sum, rate, squares) lie in device memory like the rest, so
  // that a step waits for nothing.
  /// Value and gradient (may be empty: not wanted) in one pass. clip_starts (N bytes): not 0 where
  /// a frame has no predecessor; frame 0 never has one. Outside the region of interest the gradient
  /// is 0. y may also be kUint8.
  virtual void temporal_mse(const TemporalMseGeometry& g, float beta, Source p, Source y,
                            std::span<const std::uint8_t> clip_starts, Destination gradient,
                            TemporalMseValue* value) = 0;
  /// The same along the motion (kernels/motion_temporal_mse.hpp), of whole frames. flow (N, H, W,
  /// 2), float32: where each pixel lies in the frame before, (u, v) in pixels from itself; one that
  /// is NaN, or leads outside, takes no part in the temporal term. On CUDA a change above 65536
  /// counts as that in the gradient of the frame before, which is then added up in whole numbers:
  /// the same bits in any order.
  virtual void motion_temporal_mse(const FrameGeometry& g, float beta, Source p, Source y,
                                   Source flow, std::span<const std::uint8_t> clip_starts,
                                   Destination gradient, TemporalMseValue* value) = 0;
  /// The sum of the squares of all values of all tensors, in double.
  virtual void sum_of_squares(std::span<const Source> tensors, double* sum) = 0;
  /// For each slot: g = min(1, clip_norm / sqrt(squares)) gradient; m = b1 m + (1 - b1) g; v = b2 v
  /// + (1 - b2) g^2; parameter -= step m / (sqrt(v) + epsilon) + decay parameter. Nothing changes
  /// when `squares`, the sum over all gradients, is not finite. A backend that wants no
  /// RoundedKernel writes none: Unsupported.
  virtual void adam(const AdamStep& step, const AdamRate* rate, const double* squares,
                    std::span<const AdamSlot> slots) = 0;

  /// Takes down the calls that `work` makes, without carrying them out. `work` must have run once
  /// before, and copy nothing from or to the host. Recordings share the memory of the buffers that
  /// their work allocates: one that outlives the work keeps its address as long as somebody holds
  /// it, but its values only until the next replay of another recording. Results that shall stay go
  /// into buffers allocated before. nullptr, and work is not called, on a backend that gains
  /// nothing by it (the CPU).
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work) = 0;
};

/// The CPU backend (oneDNN, OpenMP, Highway). Throws Unsupported for a precision that would not be
/// faster on any of this machine's convolutions (bfloat16 without AMX).
std::shared_ptr<Backend> make_cpu_backend(ConvolutionChoice choice = ConvolutionChoice::kAuto,
                                          Precision precision = Precision::kFloat32);

}  // namespace afterglow
