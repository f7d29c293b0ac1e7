// A backend that hands every call on to another one and keeps the time of each.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/ceilings.hpp"
#include "kernels/backend.hpp"

namespace afterglow::bench {

/// The time that the calls of one kind and geometry took.
struct ProfileRow {
  std::string op;  // with its pass: "conv2d backward data"
  std::string geometry;
  double seconds = 0;
  double flop = 0;  // of convolutions, as written; 0 for the others
  std::int64_t calls = 0;
};

/// Functions are documented in kernels/backend.hpp. Memory functions are not timed.
class ProfilingBackend final : public Backend {
 public:
  explicit ProfilingBackend(std::shared_ptr<Backend> inner) : inner_(std::move(inner)) {}

  /// All rows, the longest first.
  std::vector<ProfileRow> rows() const {
    std::vector<ProfileRow> result;
    for (const auto& [key, row] : rows_) result.push_back(row);
    std::sort(result.begin(), result.end(),
              [](const ProfileRow& a, const ProfileRow& b) { return a.seconds > b.seconds; });
    return result;
  }
  void reset() { rows_.clear(); }

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
  MemoryReport memory() const override { return inner_->memory(); }

  void copy(Source src, Destination dst) override {
    timed("copy", values(src), [&] { inner_->copy(src, dst); });
  }
  void fill(Destination dst, float value) override {
    timed("fill", values(dst), [&] { inner_->fill(dst, value); });
  }

  void conv2d(const Conv2dGeometry& g, Source x, Kernel w, const Epilogue& epilogue,
              Destination y) override {
    timed(
        "conv2d forward", text(g), [&] { inner_->conv2d(g, x, w, epilogue, y); }, g.flop());
  }
  void conv2d_backward_data(const Conv2dGeometry& g, Source dy, Source relu, Kernel w,
                            Destination dx) override {
    timed(
        "conv2d backward data", text(g), [&] { inner_->conv2d_backward_data(g, dy, relu, w, dx); },
        g.flop());
  }
  void conv2d_max_pool(const Conv2dGeometry& g, Source x, Kernel w, Source b, Destination y,
                       std::span<std::uint8_t> winners) override {
    timed(
        "conv2d_max_pool forward", text(g),
        [&] { inner_->conv2d_max_pool(g, x, w, b, y, winners); }, g.flop());
  }
  void conv2d_max_pool_backward_data(const Conv2dGeometry& g, Source dy,
                                     std::span<const std::uint8_t> winners, Kernel w,
                                     Destination dx) override {
    timed(
        "conv2d_max_pool backward data", text(g),
        [&] { inner_->conv2d_max_pool_backward_data(g, dy, winners, w, dx); }, g.flop());
  }
  void conv2d_backward_weights(const Conv2dGeometry& g, Source x, Source dy, Destination dw,
                               Destination db) override {
    timed(
        "conv2d backward weights", text(g),
        [&] { inner_->conv2d_backward_weights(g, x, dy, dw, db); }, g.flop());
  }
  void upsample_conv2d(const UpsampleConv2dGeometry& g, Source x, Kernel w,
                       const Epilogue& epilogue, Destination y) override {
    timed(
        "upsample_conv2d forward", text(g), [&] { inner_->upsample_conv2d(g, x, w, epilogue, y); },
        g.as_written().flop());
  }
  void upsample_conv2d_backward_data(const UpsampleConv2dGeometry& g, Source dy, Kernel w,
                                     Destination dx) override {
    timed(
        "upsample_conv2d backward data", text(g),
        [&] { inner_->upsample_conv2d_backward_data(g, dy, w, dx); }, g.as_written().flop());
  }
  void upsample_conv2d_backward_weights(const UpsampleConv2dGeometry& g, Source x, Source dy,
                                        Destination dw, Destination db) override {
    timed(
        "upsample_conv2d backward weights", text(g),
        [&] { inner_->upsample_conv2d_backward_weights(g, x, dy, dw, db); }, g.as_written().flop());
  }
  std::vector<ConvolutionPlan> convolution_plans() const override {
    return inner_->convolution_plans();
  }

  void max_pool2d(const Pool2dGeometry& g, Source x, Destination y,
                  std::span<std::uint8_t> winners) override {
    timed("max_pool2d forward", text(g), [&] { inner_->max_pool2d(g, x, y, winners); });
  }
  void max_pool2d_backward(const Pool2dGeometry& g, Source dy,
                           std::span<const std::uint8_t> winners, Destination dx) override {
    timed("max_pool2d backward", text(g), [&] { inner_->max_pool2d_backward(g, dy, winners, dx); });
  }
  void avg_pool2d(const Pool2dGeometry& g, Source x, Destination y) override {
    timed("avg_pool2d forward", text(g), [&] { inner_->avg_pool2d(g, x, y); });
  }
  void avg_pool2d_backward(const Pool2dGeometry& g, Source dy, Destination dx) override {
    timed("avg_pool2d backward", text(g), [&] { inner_->avg_pool2d_backward(g, dy, dx); });
  }
  void upsample_nearest(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c, Source x,
                        Destination y) override {
    timed("upsample_nearest forward", values(x),
          [&] { inner_->upsample_nearest(n, h, w, c, x, y); });
  }
  void upsample_nearest_backward(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c,
                                 Source dy, Destination dx) override {
    timed("upsample_nearest backward", values(dx),
          [&] { inner_->upsample_nearest_backward(n, h, w, c, dy, dx); });
  }

  void batch_norm(const ChannelGeometry& g, Source x, Source gamma, Source beta, float epsilon,
                  Destination y, Destination mean, Destination variance) override {
    timed("batch_norm forward", text(g),
          [&] { inner_->batch_norm(g, x, gamma, beta, epsilon, y, mean, variance); });
  }
  void batch_norm_backward(const ChannelGeometry& g, Source x, Source dy, Source gamma, Source mean,
                           Source variance, float epsilon, Destination dx, Destination dgamma,
                           Destination dbeta) override {
    timed("batch_norm backward", text(g), [&] {
      inner_->batch_norm_backward(g, x, dy, gamma, mean, variance, epsilon, dx, dgamma, dbeta);
    });
  }
  void batch_norm_inference(const ChannelGeometry& g, Source x, const Norm& norm,
                            Destination y) override {
    timed("batch_norm_inference forward", text(g),
          [&] { inner_->batch_norm_inference(g, x, norm, y); });
  }
  void batch_norm_inference_backward(const ChannelGeometry& g, Source x, Source dy, Source gamma,
                                     Source mean, Source variance, float epsilon, Destination dx,
                                     Destination dgamma, Destination dbeta) override {
    timed("batch_norm_inference backward", text(g), [&] {
      inner_->batch_norm_inference_backward(g, x, dy, gamma, mean, variance, epsilon, dx, dgamma,
                                            dbeta);
    });
  }

  void relu(Source x, Destination y) override {
    timed("relu forward", values(x), [&] { inner_->relu(x, y); });
  }
  void relu_backward(Source y, Source dy, Destination dx) override {
    timed("relu backward", values(y), [&] { inner_->relu_backward(y, dy, dx); });
  }
  void add(Source a, Source b, Destination y) override {
    timed("add", values(y), [&] { inner_->add(a, b, y); });
  }
  void add_into(Source x, Destination y) override {
    timed("add_into", values(y), [&] { inner_->add_into(x, y); });
  }
  void scale(Source x, float factor, Destination y) override {
    timed("scale", values(y), [&] { inner_->scale(x, factor, y); });
  }
  void apply(const Function& f, Source x, Destination y) override {
    timed("apply forward", values(x), [&] { inner_->apply(f, x, y); });
  }
  void apply_backward(const Function& f, Source x, Source dy, Destination dx) override {
    timed("apply backward", values(x), [&] { inner_->apply_backward(f, x, dy, dx); });
  }
  void multiply(const ChannelGeometry& g, Source x, Source m, Destination y) override {
    timed("multiply", text(g), [&] { inner_->multiply(g, x, m, y); });
  }
  void dot_channels(const ChannelGeometry& g, Source a, Source b, Destination y) override {
    timed("dot_channels", text(g), [&] { inner_->dot_channels(g, a, b, y); });
  }
  void pixel_length(const ChannelGeometry& g, float epsilon, Source x, Destination y) override {
    timed("pixel_length forward", text(g), [&] { inner_->pixel_length(g, epsilon, x, y); });
  }
  void pixel_length_backward(const ChannelGeometry& g, Source x, Source y, Source dy,
                             Destination dx) override {
    timed("pixel_length backward", text(g),
          [&] { inner_->pixel_length_backward(g, x, y, dy, dx); });
  }
  void sum_pixels(const FrameGeometry& g, float factor, Source x, Destination sums) override {
    timed("sum_pixels", values(x), [&] { inner_->sum_pixels(g, factor, x, sums); });
  }
  void add_to_pixels(const FrameGeometry& g, float factor, Source x, Source v,
                     Destination y) override {
    timed("add_to_pixels", values(y), [&] { inner_->add_to_pixels(g, factor, x, v, y); });
  }
  void blend_into(Source x, float factor, float t, Destination y) override {
    timed("blend_into", values(y), [&] { inner_->blend_into(x, factor, t, y); });
  }
  void add_bias(const ChannelGeometry& g, Source b, Activation activation, Destination y) override {
    timed("add_bias", text(g), [&] { inner_->add_bias(g, b, activation, y); });
  }
  void sum_rows(const ChannelGeometry& g, Source x, Destination sums) override {
    timed("sum_rows", text(g), [&] { inner_->sum_rows(g, x, sums); });
  }
  void concat_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source x0, Source x1,
                       Destination y) override {
    timed("concat_channels", values(y), [&] { inner_->concat_channels(rows, c0, c1, x0, x1, y); });
  }
  void split_channels(std::int64_t rows, std::int32_t c0, std::int32_t c1, Source dy,
                      Destination dx0, Destination dx1) override {
    timed("split_channels", values(dy),
          [&] { inner_->split_channels(rows, c0, c1, dy, dx0, dx1); });
  }
  void space_to_depth(const FrameGeometry& g, Source x, Destination y) override {
    timed("space_to_depth", values(x), [&] { inner_->space_to_depth(g, x, y); });
  }
  void depth_to_space(const FrameGeometry& g, Source x, Destination y) override {
    timed("depth_to_space", values(x), [&] { inner_->depth_to_space(g, x, y); });
  }
  void warp(const FrameGeometry& g, Source x, Source flow, Destination y) override {
    timed("warp forward", values(x), [&] { inner_->warp(g, x, flow, y); });
  }
  void warp_backward(const FrameGeometry& g, Source dy, Source flow, Destination dx) override {
    timed("warp backward", values(dx), [&] { inner_->warp_backward(g, dy, flow, dx); });
  }
  void softmax_mean(const SoftmaxMeanGeometry& g, float factor, Source x, Source centres,
                    Destination y) override {
    timed("softmax_mean forward", values(x),
          [&] { inner_->softmax_mean(g, factor, x, centres, y); });
  }
  void softmax_mean_backward(const SoftmaxMeanGeometry& g, float factor, Source x, Source centres,
                             Source dy, Destination dx) override {
    timed("softmax_mean backward", values(x),
          [&] { inner_->softmax_mean_backward(g, factor, x, centres, dy, dx); });
  }
  void crop(const CropGeometry& g, Source x, Destination y) override {
    timed("crop forward", values(y), [&] { inner_->crop(g, x, y); });
  }
  void crop_backward(const CropGeometry& g, Source dy, Destination dx) override {
    timed("crop backward", values(dy), [&] { inner_->crop_backward(g, dy, dx); });
  }

  void temporal_mse(const TemporalMseGeometry& g, float beta, Source p, Source y,
                    std::span<const std::uint8_t> clip_starts, Destination gradient,
                    TemporalMseValue* value) override {
    timed("temporal_mse", values(p),
          [&] { inner_->temporal_mse(g, beta, p, y, clip_starts, gradient, value); });
  }
  void motion_temporal_mse(const FrameGeometry& g, float beta, Source p, Source y, Source flow,
                           std::span<const std::uint8_t> clip_starts, Destination gradient,
                           TemporalMseValue* value) override {
    timed("motion_temporal_mse", values(p),
          [&] { inner_->motion_temporal_mse(g, beta, p, y, flow, clip_starts, gradient, value); });
  }
  void sum_of_squares(std::span<const Source> tensors, double* sum) override {
    timed("sum_of_squares", "all", [&] { inner_->sum_of_squares(tensors, sum); });
  }
  void adam(const AdamStep& step, const AdamRate* rate, const double* squares,
            std::span<const AdamSlot> slots) override {
    timed("adam", "all", [&] { inner_->adam(step, rate, squares, slots); });
  }
  std::unique_ptr<Recording> record(const std::function<void()>& /*work*/) override {
    return nullptr;
  }

 private:
  static std::string number(std::int64_t value) { return std::to_string(value); }
  static std::string values(std::span<const float> x) {
    return number(std::int64_t(x.size())) + " values";
  }
  static std::string text(const Conv2dGeometry& g) {
    return number(g.kh) + 'x' + number(g.kw) + (g.stride > 1 ? "/" + number(g.stride) : "") + ' ' +
           number(g.c) + '-' + number(g.k) + " @" + number(g.h);
  }
  static std::string text(const UpsampleConv2dGeometry& g) {
    return number(g.ksize) + 'x' + number(g.ksize) + ' ' + number(g.c) + '-' + number(g.k) + " @" +
           number(g.h);
  }
  static std::string text(const Pool2dGeometry& g) { return number(g.c) + " @" + number(g.h); }
  static std::string text(const ChannelGeometry& g) {
    return number(g.rows) + " x " + number(g.channels);
  }

  template <typename Body>
  void timed(const std::string& op, const std::string& geometry, const Body& body,
             double flop = 0) {
    const auto start = std::chrono::steady_clock::now();
    body();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    ProfileRow& row = rows_[{op, geometry}];
    row.op = op;
    row.geometry = geometry;
    row.seconds += taken.count();
    row.flop += flop;
    ++row.calls;
  }

  std::shared_ptr<Backend> inner_;
  std::map<std::pair<std::string, std::string>, ProfileRow> rows_;
};

/// Prints the mean times of the work's calls, and what is left of its own time (autograd, copies
/// from the host).
inline void print_profile(const std::string& name, int rounds, ProfilingBackend& backend,
                          const std::function<void()>& work) {
  work();
  work();
  backend.reset();
  double total = 0;
  for (int round = 0; round < rounds; ++round) total += seconds(work);
  std::printf("\n%s: %.2f ms\n", name.c_str(), total / rounds * 1e3);
  double rest = total;
  for (const ProfileRow& row : backend.rows()) {
    rest -= row.seconds;
    std::printf("%8.2f ms %5.1f %%  %3lld x %-32s %-22s", row.seconds / rounds * 1e3,
                100 * row.seconds / total, static_cast<long long>(row.calls / rounds),
                row.op.c_str(), row.geometry.c_str());
    if (row.flop > 0) std::printf(" %6.0f GFLOP/s as written", row.flop / row.seconds / 1e9);
    std::printf("\n");
  }
  std::printf("%8.2f ms %5.1f %%  outside of the backend\n", rest / rounds * 1e3,
              100 * rest / total);
}

}  // namespace afterglow::bench
