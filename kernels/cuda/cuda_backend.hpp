// The CUDA backend: cuDNN convolutions, hand-written kernels for the rest. One .cpp per group of
// operations.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/cuda/context.hpp"
#include "kernels/cuda/convolutions.hpp"

namespace afterglow::cuda {

/// Backend on a CUDA device; each function is documented there. Work is queued on one stream: only
/// copy_to_host waits. Not to be called from two threads at once but for allocate and the release
/// of buffers.
class CudaBackend final : public Backend {
 public:
  /// `graphs`: record() makes CUDA graphs. Throws Unsupported when the device cannot be used.
  CudaBackend(int device, Precision precision, bool graphs);
  ~CudaBackend() override;

  Device device() const override;
  std::string description() const override;
  ValueType activation_type() const override;

  Buffer allocate(std::size_t bytes) override;
  void copy_from_host(std::span<const std::byte> host, std::byte* device) override;
  void copy_to_host(const std::byte* device, std::span<std::byte> host) override;
  void copy(Source src, Destination dst) override;
  void fill(Destination dst, float value) override;
  MemoryReport memory() const override;

  void conv2d(const Conv2dGeometry& g, Source x, Kernel w, const Epilogue& epilogue,
              Destination y) override;
  void conv2d_backward_data(const Conv2dGeometry& g, Source dy, Source relu, Kernel w,
                            Destination dx) override;
  void conv2d_backward_weights(const Conv2dGeometry& g, Source x, Source dy, Destination dw,
                               Destination db) override;
  void conv2d_max_pool(const Conv2dGeometry& g, Source x, Kernel w, Source b, Destination y,
                       std::span<std::uint8_t> winners) override;
  void conv2d_max_pool_backward_data(const Conv2dGeometry& g, Source dy,
                                     std::span<const std::uint8_t> winners, Kernel w,
                                     Destination dx) override;

  void upsample_conv2d(const UpsampleConv2dGeometry& g, Source x, Kernel w,
                       const Epilogue& epilogue, Destination y) override;
  void upsample_conv2d_backward_data(const UpsampleConv2dGeometry& g, Source dy, Kernel w,
                                     Destination dx) override;
  void upsample_conv2d_backward_weights(const UpsampleConv2dGeometry& g, Source x, Source dy,
                                        Destination dw, Destination db) override;
  std::vector<ConvolutionPlan> convolution_plans() const override;

  void max_pool2d(const Pool2dGeometry& g, Source x, Destination y,
                  std::span<std::uint8_t> winners) override;
  void max_pool2d_backward(const Pool2dGeometry& g, Source dy,
                           std::span<const std::uint8_t> winners, Destination dx) override;
  void avg_pool2d(const Pool2dGeometry& g, Source x, Destination y) override;
  void avg_pool2d_backward(const Pool2dGeometry& g, Source dy, Destination dx) override;

  void upsample_nearest(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c, Source x,
                        Destination y) override;
  void upsample_nearest_backward(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c,
                                 Source dy, Destination dx) override;

  void batch_norm(const ChannelGeometry& g, Source x, Source gamma, Source beta, float epsilon,
                  Destination y, Destination mean, Destination variance) override;
  void batch_norm_backward(const ChannelGeometry& g, Source x, Source dy, Source gamma, Source mean,
                           Source variance, float epsilon, Destination dx, Destination dgamma,
                           Destination dbeta) override;
  void batch_norm_inference(const ChannelGeometry& g, Source x, const Norm& norm,
                            Destination y) override;
  void batch_norm_inference_backward(const ChannelGeometry& g, Source x, Source dy, Source gamma,
                                     Source mean, Source variance, float epsilon, Destination dx,
                                     Destination dgamma, Destination dbeta) override;

  void relu(Source x, Destination y) override;
  void relu_backward(Source y, Source dy, Destination dx) override;
  void add(Source a, Source b, Destination y) override;
  void add_into(Source x, Destination y) override;
  void scale(Source x, float factor, Destination y) override;
  void apply(const Function& f, Source x, Destination y) override;
  void apply_backward(const Function& f, Source x, Source dy, Destination dx) override;
  void multiply(const ChannelGeometry& g, Source x, Source m, Destination y) override;
  void dot_channels(const ChannelGeometry& g, Source a, Source b, Destination y) override;
  void pixel_length(const ChannelGeometry& g, float epsilon, Source x, Destination y) override;
  void pixel_length_backward(const ChannelGeometry& g, Source x, Source y, Source dy,
                             Destination dx) override;
  void sum_pixels(const FrameGeometry& g, float factor, Source x, Destination sums) override;
  void add_to_pixels(const FrameGeometry& g, float factor, Source x, Source v,
                     Destination y) override;
  void blend_into(Source x, float factor, float t, Destination y) override;
  void add_bias(const ChannelGeometry& g, Source b, Activation activation, Destination y) override;
  void sum_rows(const ChannelGeometry& g, Source x, Destination sums) override;
  void concat_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source x0, Source x1,
                       Destination y) override;
  void split_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source dy,
                      Destination dx0, Destination dx1) override;
  void space_to_depth(const FrameGeometry& g, Source x, Destination y) override;
  void depth_to_space(const FrameGeometry& g, Source x, Destination y) override;
  void warp(const FrameGeometry& g, Source x, Source flow, Destination y) override;
  void warp_backward(const FrameGeometry& g, Source dy, Source flow, Destination dx) override;
  void softmax_mean(const SoftmaxMeanGeometry& g, float factor, Source x, Source centres,
                    Destination y) override;
  void softmax_mean_backward(const SoftmaxMeanGeometry& g, float factor, Source x, Source centres,
                             Source dy, Destination dx) override;
  void crop(const CropGeometry& g, Source x, Destination y) override;
  void crop_backward(const CropGeometry& g, Source dy, Destination dx) override;

  void temporal_mse(const TemporalMseGeometry& g, float beta, Source p, Source y,
                    std::span<const std::uint8_t> clip_starts, Destination gradient,
                    TemporalMseValue* value) override;
  void motion_temporal_mse(const FrameGeometry& g, float beta, Source p, Source y, Source flow,
                           std::span<const std::uint8_t> clip_starts, Destination gradient,
                           TemporalMseValue* value) override;
  void sum_of_squares(std::span<const Source> tensors, double* sum) override;
  void adam(const AdamStep& step, const AdamRate* rate, const double* squares,
            std::span<const AdamSlot> slots) override;
  std::unique_ptr<Recording> record(const std::function<void()>& work) override;

 private:
  /// A kernel in cuDNN's layout and the operands' type; kept with `w` when that stays as it is.
  Buffer packed(const Kernel& w, const std::string& name, Operands operands, std::size_t values,
                const std::function<void(void* to)>& pack);
  Buffer packed_kernel(const CudnnConvolution& convolution, const Conv2dGeometry& g,
                       const Kernel& w);
  Buffer packed_kernel(const CudnnConvolution& convolution, const UpsampleConv2dGeometry& g,
                       const Kernel& w);
  /// The kernel's bfloat16 values where that is multiplied and they are there; where they are not,
  /// they are wanted.
  Source rounded_or_not(const Kernel& w, Operands operands);
  /// Whether a prepared kernel lies in the recordings' memory: it is there from the replay of its
  /// own recording to that of another, so that nobody but its own recording may read it.
  bool is_of_a_recording(const Buffer& kernel) const;
  /// Whether it is of the recording that is being made.
  bool is_prepared_here(const Buffer& kernel) const;
  /// dy as the low-resolution convolution's result lies.
  Scratch<std::byte> low_gradient(const UpsampleConv2dGeometry& g,
                                  const CudnnConvolution& convolution, Source dy);
  void run_forward(const CudnnConvolution& convolution, const Conv2dGeometry& g, Source x,
                   const Kernel& w, Source b, Destination y);
  /// How a convolution multiplies whose result, or the gradient that comes in, is of this type.
  Operands operands_for(ValueType type) const;

  Operands operands_;
  bool graphs_;
  bool recording_ = false;
  std::vector<Buffer> kept_for_recording_;  // kernels prepared before it that its work reads
  std::vector<std::weak_ptr<std::byte>> prepared_here_;  // in the recording being made
  Context context_;
  Convolutions convolutions_;
  std::map<std::size_t, Buffer> loss_workspaces_;  // by size, fit for the next call
};

}  // namespace afterglow::cuda
