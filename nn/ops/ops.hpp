// Every operation of the framework: checks shapes (messages name both), allocates, makes one
// backend call, records its gradient. One op, one file in this folder; what it calls of the Backend
// has its file in kernels/cpu. All frames are (N, H, W, C). Every function throws ShapeError when
// shapes do not fit.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/device_array.hpp"
#include "nn/variable.hpp"

namespace afterglow::ops {

/// What a convolution's result is stored as: the backend's activation_type(), or float32 where 8
/// bits of it would not do, as for a network's output.
enum class Result { kActivation, kFloat32 };

/// A batch norm's running statistics (C) each, updated in training by
/// running = momentum running + (1 - momentum) batch, the batch variance taken unbiased (n / (n -
/// 1)).
struct RunningStatistics {
  Tensor mean;
  Tensor variance;
};

/// A batch norm in inference mode: the running statistics are constants (they must not change
/// before a backward pass, which reads them). Without gamma it is none.
struct InferenceNorm {
  Variable gamma;
  Variable beta;
  RunningStatistics running;
  float epsilon = 0;
};

struct Conv2dOptions {
  std::int32_t stride = 1;
  std::int32_t dilation = 1;
  Padding padding = Padding::kValid;
  Activation activation = Activation::kNone;
  Result result = Result::kActivation;
};

/// y(N, OH, OW, K) = activation(x(N, H, W, C) * w(KH, KW, C, K) + b(K)); b may be an empty
/// Variable. TensorFlow's padding. `norm` is batch_norm_inference on the result, in one with it
/// where no gradient is wanted.
Variable conv2d(const Variable& x, const Variable& w, const Variable& b,
                const Conv2dOptions& options = {}, const InferenceNorm& norm = {});

/// max_pool2d(conv2d(x, w, b, options), 2, 2) in one, without keeping the whole result of the
/// convolution. options.activation must be kRelu.
Variable conv2d_max_pool(const Variable& x, const Variable& w, const Variable& b,
                         const Conv2dOptions& options);

/// The transpose of conv2d: y(N, OH, OW, O) from x(N, H, W, I) and w(KH, KW, O, I) (Keras's
/// Conv2DTranspose layout). OH = H * stride for kSame, (H - 1) * stride + KH for kValid (KH >=
/// stride). options.dilation must be 1.
Variable conv_transpose2d(const Variable& x, const Variable& w, const Variable& b,
                          const Conv2dOptions& options);

/// activation(conv2d(upsample_nearest(x), w) + b), stride 1, k odd, without the upsampled tensor.
/// `norm` as conv2d's.
Variable upsample_conv2d(const Variable& x, const Variable& w, const Variable& b, Padding padding,
                         Activation activation = Activation::kNone,
                         Result result = Result::kActivation, const InferenceNorm& norm = {});

/// y(N, OH, OW, C): the largest, or the mean, of each window x window pixels of x(N, H, W, C), with
/// TensorFlow's padding (a mean counts no padding). Windows of 1 to 16.
Variable max_pool2d(const Variable& x, std::int32_t window, std::int32_t stride,
                    Padding padding = Padding::kValid);
Variable avg_pool2d(const Variable& x, std::int32_t window, std::int32_t stride,
                    Padding padding = Padding::kValid);

/// y(N, 2H, 2W, C).
Variable upsample_nearest(const Variable& x);

/// Training-mode batch norm over N, H, W. `copies` says how many times each pixel would stand in
/// the tensor that the network's definition normalises (4 when an upsample was moved behind the
/// norm): it enters n / (n - 1) alone.
Variable batch_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    RunningStatistics& running, float momentum, float epsilon,
                    std::int64_t copies = 1);
/// y(N, H, W, C) = gamma (x - mean) / sqrt(variance + epsilon) + beta, by norm's statistics.
Variable batch_norm_inference(const Variable& x, const InferenceNorm& norm);

Variable relu(const Variable& x);
Variable add(const Variable& a, const Variable& b);
Variable scale(const Variable& x, float factor);

/// y = f(x), value by value (kernels/function.hpp says what each is, and its slope at a corner).
Variable affine(const Variable& x, float factor, float offset);  // factor x + offset
Variable leaky_relu(const Variable& x, float slope);
Variable sigmoid(const Variable& x);
Variable exp(const Variable& x);
Variable clamp(const Variable& x, float low, float high);
Variable abs(const Variable& x);

/// x m, m of x's shape, or (N, H, W, 1): one factor for all channels of a pixel.
Variable multiply(const Variable& x, const Variable& m);
/// (N, H, W, 1): sqrt(|x|^2 + epsilon^2) over the channels of each pixel. epsilon >= 0.
Variable pixel_length(const Variable& x, float epsilon);
/// (N, 1, 1, C): the mean over the pixels of each frame.
Variable frame_mean(const Variable& x);
/// x(N, H, W, C) with v(N, 1, 1, C) added at every pixel.
Variable add_to_pixels(const Variable& x, const Variable& v);
/// The sum of all values, of size 1 and float32.
Variable sum(const Variable& x);
/// y(N, H/2, W/2, 4C) and back: channel 4c + 2r + s is channel c of row r, column s of a 2 x 2
/// block (PyTorch's pixel_unshuffle). H and W even; channels a multiple of 4.
Variable space_to_depth(const Variable& x);
Variable depth_to_space(const Variable& x);
/// x(N, H, W, C) sampled where flow (N, H, W, 2), float32, (u, v) in pixels from each pixel itself,
/// points: bilinear, frames continued by their border (kernels/warp.hpp). The flow is a constant.
Variable warp(const Variable& x, const Tensor& flow);
/// Channels first .. first+count-1.
Variable slice_channels(const Variable& x, std::int64_t first, std::int64_t count);
/// (N, H, W, C0 + C1): a's channels first. Both may be bytes.
Variable concat_channels(const Variable& a, const Variable& b);
/// y(N, H, W, O): for each pixel the mean of centres(C, O), 1 to 4 outputs, under softmax(factor
/// x(N, H, W, C)): the annealed mean of Zhang et al. 2016 (factor 1 / T). The centres are
/// constants.
Variable softmax_mean(const Variable& x, const Tensor& centres, float factor);
/// The rectangle [top, top + height) x [left, left + width) of every frame.
Variable crop(const Variable& x, std::int32_t top, std::int32_t left, std::int32_t height,
              std::int32_t width);
/// Rows first .. first+count-1 of the leading dimension.
Variable slice_frames(const Variable& x, std::int64_t first, std::int64_t count);
/// Joins along the leading dimension; as float32 when not all are of one type.
Variable concat_frames(std::span<const Variable> parts);

/// A loss and its parts. `value` has size 1.
struct Loss {
  Variable value;
  TemporalMseValue parts;
};

/// A rectangle of the frame that alone counts in a loss.
struct Region {
  std::int32_t top = 0, left = 0, height = 0, width = 0;
};

/// The paper's loss (kernels/temporal_mse.hpp). prediction and target, which may be bytes, (N, H,
/// W, C); clip_starts has N entries, true where a frame has no predecessor (frame 0 is always taken
/// so); beta in [0, 1] or ShapeError.
Loss temporal_mse(const Variable& prediction, const Tensor& target, float beta,
                  const std::vector<std::uint8_t>& clip_starts,
                  const std::optional<Region>& region = {});

/// What a training step does with that loss: its value to `value`, its gradient through the tape
/// (backward). It waits for nothing, and can be recorded.
void backward_temporal_mse(const Variable& prediction, const Tensor& target, float beta,
                           const DeviceArray<std::uint8_t>& clip_starts,
                           const DeviceArray<TemporalMseValue>& value,
                           const std::optional<Region>& region = {});

/// The loss along the motion (kernels/motion_temporal_mse.hpp): each pixel is compared with where
/// it was in the frame before. flow (N, H, W, 2), float32, on the prediction's device: (u, v) in
/// pixels from a pixel to there; NaN where a pixel is not to be compared.
Loss motion_temporal_mse(const Variable& prediction, const Tensor& target, const Tensor& flow,
                         float beta, const std::vector<std::uint8_t>& clip_starts);
/// As backward_temporal_mse.
void backward_motion_temporal_mse(const Variable& prediction, const Tensor& target,
                                  const Tensor& flow, float beta,
                                  const DeviceArray<std::uint8_t>& clip_starts,
                                  const DeviceArray<TemporalMseValue>& value);

/// Mean of squared differences over all values.
Variable mse(const Variable& prediction, const Tensor& target);

}  // namespace afterglow::ops
