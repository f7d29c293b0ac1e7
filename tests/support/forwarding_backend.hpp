// A backend that hands every call to another: the base of those that watch calls.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/backend.hpp"

namespace afterglow::test {

class ForwardingBackend : public Backend {
 public:
  explicit ForwardingBackend(std::shared_ptr<Backend> inner) : inner_(std::move(inner)) {}

  Device device() const override { return inner_->device(); }
  std::string description() const override { return inner_->description(); }
  ValueType activation_type() const override { return inner_->activation_type(); }
  Buffer allocate(std::size_t bytes) override { return inner_->allocate(bytes); }
  void copy_from_host(std::span<const std::byte> host, std::byte* device) override {
    inner_->copy_from_host(host, device);
  }
  void copy_to_host(const std::byte* device, std::span<std::byte> host) override {
    inner_->copy_to_host(device, host);
  }
  void copy(Source src, Destination dst) override { inner_->copy(src, dst); }
  void fill(Destination dst, float value) override { inner_->fill(dst, value); }
  MemoryReport memory() const override { return inner_->memory(); }
  void conv2d(const Conv2dGeometry& g, Source x, Kernel w, const Epilogue& epilogue,
              Destination y) override {
    inner_->conv2d(g, x, w, epilogue, y);
  }
  void conv2d_backward_data(const Conv2dGeometry& g, Source dy, Source relu, Kernel w,
                            Destination dx) override {
    inner_->conv2d_backward_data(g, dy, relu, w, dx);
  }
  void conv2d_backward_weights(const Conv2dGeometry& g, Source x, Source dy, Destination dw,
                               Destination db) override {
    inner_->conv2d_backward_weights(g, x, dy, dw, db);
  }
  void conv2d_max_pool(const Conv2dGeometry& g, Source x, Kernel w, Source b, Destination y,
                       std::span<std::uint8_t> winners) override {
    inner_->conv2d_max_pool(g, x, w, b, y, winners);
  }
  void conv2d_max_pool_backward_data(const Conv2dGeometry& g, Source dy,
                                     std::span<const std::uint8_t> winners, Kernel w,
                                     Destination dx) override {
    inner_->conv2d_max_pool_backward_data(g, dy, winners, w, dx);
  }
  void upsample_conv2d(const UpsampleConv2dGeometry& g, Source x, Kernel w,
                       const Epilogue& epilogue, Destination y) override {
    inner_->upsample_conv2d(g, x, w, epilogue, y);
  }
  void upsample_conv2d_backward_data(const UpsampleConv2dGeometry& g, Source dy, Kernel w,
                                     Destination dx) override {
    inner_->upsample_conv2d_backward_data(g, dy, w, dx);
  }
  void upsample_conv2d_backward_weights(const UpsampleConv2dGeometry& g, Source x, Source dy,
                                        Destination dw, Destination db) override {
    inner_->upsample_conv2d_backward_weights(g, x, dy, dw, db);
  }
  std::vector<ConvolutionPlan> convolution_plans() const override {
    return inner_->convolution_plans();
  }
  void max_pool2d(const Pool2dGeometry& g, Source x, Destination y,
                  std::span<std::uint8_t> winners) override {
    inner_->max_pool2d(g, x, y, winners);
  }
  void max_pool2d_backward(const Pool2dGeometry& g, Source dy,
                           std::span<const std::uint8_t> winners, Destination dx) override {
    inner_->max_pool2d_backward(g, dy, winners, dx);
  }
  void avg_pool2d(const Pool2dGeometry& g, Source x, Destination y) override {
    inner_->avg_pool2d(g, x, y);
  }
  void avg_pool2d_backward(const Pool2dGeometry& g, Source dy, Destination dx) override {
    inner_->avg_pool2d_backward(g, dy, dx);
  }
  void upsample_nearest(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c, Source x,
                        Destination y) override {
    inner_->upsample_nearest(n, h, w, c, x, y);
  }
  void upsample_nearest_backward(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c,
                                 Source dy, Destination dx) override {
    inner_->upsample_nearest_backward(n, h, w, c, dy, dx);
  }
  void batch_norm(const ChannelGeometry& g, Source x, Source gamma, Source beta, float epsilon,
                  Destination y, Destination mean, Destination variance) override {
    inner_->batch_norm(g, x, gamma, beta, epsilon, y, mean, variance);
  }
  void batch_norm_backward(const ChannelGeometry& g, Source x, Source dy, Source gamma, Source mean,
                           Source variance, float epsilon, Destination dx, Destination dgamma,
                           Destination dbeta) override {
    inner_->batch_norm_backward(g, x, dy, gamma, mean, variance, epsilon, dx, dgamma, dbeta);
  }
  void batch_norm_inference(const ChannelGeometry& g, Source x, const Norm& norm,
                            Destination y) override {
    inner_->batch_norm_inference(g, x, norm, y);
  }
  void batch_norm_inference_backward(const ChannelGeometry& g, Source x, Source dy, Source gamma,
                                     Source mean, Source variance, float epsilon, Destination dx,
                                     Destination dgamma, Destination dbeta) override {
    inner_->batch_norm_inference_backward(g, x, dy, gamma, mean, variance, epsilon, dx, dgamma,
                                          dbeta);
  }
  void relu(Source x, Destination y) override { inner_->relu(x, y); }
  void relu_backward(Source y, Source dy, Destination dx) override {
    inner_->relu_backward(y, dy, dx);
  }
  void add(Source a, Source b, Destination y) override { inner_->add(a, b, y); }
  void add_into(Source x, Destination y) override { inner_->add_into(x, y); }
  void scale(Source x, float factor, Destination y) override { inner_->scale(x, factor, y); }
  void apply(const Function& f, Source x, Destination y) override { inner_->apply(f, x, y); }
  void apply_backward(const Function& f, Source x, Source dy, Destination dx) override {
    inner_->apply_backward(f, x, dy, dx);
  }
  void multiply(const ChannelGeometry& g, Source x, Source m, Destination y) override {
    inner_->multiply(g, x, m, y);
  }
  void dot_channels(const ChannelGeometry& g, Source a, Source b, Destination y) override {
    inner_->dot_channels(g, a, b, y);
  }
  void pixel_length(const ChannelGeometry& g, float epsilon, Source x, Destination y) override {
    inner_->pixel_length(g, epsilon, x, y);
  }
  void pixel_length_backward(const ChannelGeometry& g, Source x, Source y, Source dy,
                             Destination dx) override {
    inner_->pixel_length_backward(g, x, y, dy, dx);
  }
  void sum_pixels(const FrameGeometry& g, float factor, Source x, Destination sums) override {
    inner_->sum_pixels(g, factor, x, sums);
  }
  void add_to_pixels(const FrameGeometry& g, float factor, Source x, Source v,
                     Destination y) override {
    inner_->add_to_pixels(g, factor, x, v, y);
  }
  void blend_into(Source x, float factor, float t, Destination y) override {
    inner_->blend_into(x, factor, t, y);
  }
  void add_bias(const ChannelGeometry& g, Source b, Activation activation, Destination y) override {
    inner_->add_bias(g, b, activation, y);
  }
  void sum_rows(const ChannelGeometry& g, Source x, Destination sums) override {
    inner_->sum_rows(g, x, sums);
  }
  void concat_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source x0, Source x1,
                       Destination y) override {
    inner_->concat_channels(rows, c0, c1, x0, x1, y);
  }
  void split_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source dy,
                      Destination dx0, Destination dx1) override {
    inner_->split_channels(rows, c0, c1, dy, dx0, dx1);
  }
  void space_to_depth(const FrameGeometry& g, Source x, Destination y) override {
    inner_->space_to_depth(g, x, y);
  }
  void depth_to_space(const FrameGeometry& g, Source x, Destination y) override {
    inner_->depth_to_space(g, x, y);
  }
  void warp(const FrameGeometry& g, Source x, Source flow, Destination y) override {
    inner_->warp(g, x, flow, y);
  }
  void warp_backward(const FrameGeometry& g, Source dy, Source flow, Destination dx) override {
    inner_->warp_backward(g, dy, flow, dx);
  }
  void softmax_mean(const SoftmaxMeanGeometry& g, float factor, Source x, Source centres,
                    Destination y) override {
    inner_->softmax_mean(g, factor, x, centres, y);
  }
  void softmax_mean_backward(const SoftmaxMeanGeometry& g, float factor, Source x, Source centres,
                             Source dy, Destination dx) override {
    inner_->softmax_mean_backward(g, factor, x, centres, dy, dx);
  }
  void crop(const CropGeometry& g, Source x, Destination y) override { inner_->crop(g, x, y); }
  void crop_backward(const CropGeometry& g, Source dy, Destination dx) override {
    inner_->crop_backward(g, dy, dx);
  }
  void temporal_mse(const TemporalMseGeometry& g, float beta, Source p, Source y,
                    std::span<const std::uint8_t> clip_starts, Destination gradient,
                    TemporalMseValue* value) override {
    inner_->temporal_mse(g, beta, p, y, clip_starts, gradient, value);
  }
  void motion_temporal_mse(const FrameGeometry& g, float beta, Source p, Source y, Source flow,
                           std::span<const std::uint8_t> clip_starts, Destination gradient,
                           TemporalMseValue* value) override {
    inner_->motion_temporal_mse(g, beta, p, y, flow, clip_starts, gradient, value);
  }
  void sum_of_squares(std::span<const Source> tensors, double* sum) override {
    inner_->sum_of_squares(tensors, sum);
  }
  void adam(const AdamStep& step, const AdamRate* rate, const double* squares,
            std::span<const AdamSlot> slots) override {
    inner_->adam(step, rate, squares, slots);
  }
  std::unique_ptr<Recording> record(const std::function<void()>& work) override {
    return inner_->record(work);
  }

 private:
  std::shared_ptr<Backend> inner_;
};

}  // namespace afterglow::test
