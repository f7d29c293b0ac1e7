// What the operations refuse, word for word: every message names both shapes.
#include <limits>

#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

Variable of(const Shape& shape) { return Variable(Tensor::zeros(test_backend(), shape)); }

struct Refusal {
  std::function<void()> call;
  std::string message;
};

void check(const std::vector<Refusal>& refusals) {
  for (const Refusal& refusal : refusals) CHECK(shape_error_of(refusal.call) == refusal.message);
}

}  // namespace

TEST_CASE("convolutions name the shapes that do not fit") {
  const Variable x = of({2, 8, 8, 3}), none;
  const ops::Conv2dOptions same{1, 1, Padding::kSame};
  check({
      {[&] {
         ops::conv2d(x, of({3, 3, 4, 8}), none);
       },
       "conv2d: x (2, 8, 8, 3) has 3 channels, w (3, 3, 4, 8) wants 4"},
      {[&] {
         ops::conv2d(of({8, 8, 3}), of({3, 3, 3, 8}), none);
       },
       "conv2d: x (8, 8, 3) is not a non-empty (N, H, W, C)"},
      {[&] {
         ops::conv2d(of({0, 8, 8, 3}), of({3, 3, 3, 8}), none);
       },
       "conv2d: x (0, 8, 8, 3) is not a non-empty (N, H, W, C)"},
      {[&] {
         ops::conv2d(x, of({3, 3, 3}), none);
       },
       "conv2d: w (3, 3, 3) is not a non-empty (KH, KW, I, O)"},
      {[&] {
         ops::conv2d(x, of({3, 3, 3, 0}), none);
       },
       "conv2d: w (3, 3, 3, 0) is not a non-empty (KH, KW, I, O)"},
      {[&] {
         ops::conv2d(x, of({3, 3, 3, 8}), of({3}));
       },
       "conv2d: b (3) does not fit w (3, 3, 3, 8)"},
      {[&] {
         ops::conv2d(x, of({9, 3, 3, 8}), none);
       },
       "conv2d: x (2, 8, 8, 3) is smaller than the window of w (9, 3, 3, 8)"},
      {[&] {
         ops::conv2d(x, of({3, 3, 3, 8}), none, {0});
       },
       "conv2d: stride 0 or dilation 1 is out of range (from 1)"},
      {[&] {
         ops::conv2d(x, of({3, 3, 3, 8}), none, {1, -2});
       },
       "conv2d: stride 1 or dilation -2 is out of range (from 1)"},
      {[&] {
         ops::conv_transpose2d(x, of({3, 3, 8, 4}), none, same);
       },
       "conv_transpose2d: x (2, 8, 8, 3) has 3 channels, w (3, 3, 8, 4) wants 4"},
      {[&] {
         ops::conv_transpose2d(x, of({8, 3}), none, same);
       },
       "conv_transpose2d: w (8, 3) is not a non-empty (KH, KW, O, I)"},
      {[&] {
         ops::conv_transpose2d(x, of({3, 3, 8, 3}), of({3}), same);
       },
       "conv_transpose2d: b (3) does not fit w (3, 3, 8, 3)"},
      {[&] {
         ops::conv_transpose2d(x, of({3, 1, 8, 3}), none, {2, 1, Padding::kValid});
       },
       "conv_transpose2d: w (3, 1, 8, 3) is smaller than the stride 2"},
      {[&] {
         ops::conv_transpose2d(x, of({3, 3, 8, 3}), none, {2, 2, Padding::kSame});
       },
       "conv_transpose2d: stride 2 (from 1) or dilation 2 (only 1) is out of range"},
      {[&] {
         ops::upsample_conv2d(x, of({3, 3, 4, 8}), none, Padding::kSame);
       },
       "upsample_conv2d: x (2, 8, 8, 3) has 3 channels, w (3, 3, 4, 8) wants 4"},
      {[&] {
         ops::upsample_conv2d(x, of({4, 4, 3, 8}), none, Padding::kSame);
       },
       "upsample_conv2d: w (4, 4, 3, 8) is not (K, K, I, O) with an odd K"},
      {[&] {
         ops::upsample_conv2d(x, of({3, 5, 3, 8}), none, Padding::kSame);
       },
       "upsample_conv2d: w (3, 5, 3, 8) is not (K, K, I, O) with an odd K"},
      {[&] {
         ops::upsample_conv2d(x, of({3, 3, 3, 8}), of({1}), Padding::kSame);
       },
       "upsample_conv2d: b (1) does not fit w (3, 3, 3, 8)"},
      {[&] {
         ops::upsample_conv2d(x, of({17, 17, 3, 8}), none, Padding::kValid);
       },
       "upsample_conv2d: x (2, 8, 8, 3) upsampled is smaller than the window of w (17, 17, 3, 8)"},
  });
}

TEST_CASE("pools and layout name the shapes that do not fit") {
  const Variable x = of({2, 8, 8, 3});
  check({
      {[&] {
         ops::conv2d_max_pool(x, of({3, 3, 3, 8}), {}, {});
       },
       "conv2d_max_pool: its activation is ReLU"},
      {[&] {
         ops::conv2d_max_pool(x, of({8, 3, 3, 8}), {}, {1, 1, Padding::kValid, Activation::kRelu});
       },
       "conv2d_max_pool: x (2, 8, 8, 3) gives fewer than 2 x 2 pixels"},
      {[&] { ops::max_pool2d(x, 9, 1); },
       "max_pool2d: x (2, 8, 8, 3) is smaller than the window of 9"},
      {[&] { ops::max_pool2d(x, 17, 1, Padding::kSame); },
       "max_pool2d: window 17 (1 to 16) or stride 1 (from 1) is out of range"},
      {[&] { ops::avg_pool2d(x, 2, 0); },
       "avg_pool2d: window 2 (1 to 16) or stride 0 (from 1) is out of range"},
      {[&] {
         ops::avg_pool2d(of({8, 8}), 2, 2);
       },
       "avg_pool2d: x (8, 8) is not a non-empty (N, H, W, C)"},
      {[&] {
         ops::upsample_nearest(of({2, 0, 8, 3}));
       },
       "upsample_nearest: x (2, 0, 8, 3) is not a non-empty (N, H, W, C)"},
      {[&] {
         ops::add(x, of({2, 8, 8, 1}));
       },
       "add: a (2, 8, 8, 3) and b (2, 8, 8, 1) differ"},
      {[&] {
         ops::concat_channels(x, of({2, 8, 7, 3}));
       },
       "concat_channels: a (2, 8, 8, 3) and b (2, 8, 7, 3) differ before the channels"},
      {[&] { ops::concat_channels(x, of({3})); },
       "concat_channels: b (3) is not a non-empty (N, H, W, C)"},
      {[&] { ops::crop(x, -1, 0, 2, 2); },
       "crop: the rectangle (top -1, left 0, height 2, width 2) leaves x (2, 8, 8, 3)"},
      {[&] { ops::crop(x, 0, 7, 2, 2); },
       "crop: the rectangle (top 0, left 7, height 2, width 2) leaves x (2, 8, 8, 3)"},
      {[&] { ops::crop(x, 0, 0, 0, 2); },
       "crop: the rectangle (top 0, left 0, height 0, width 2) leaves x (2, 8, 8, 3)"},
      {[&] { ops::crop(x, 0, 0, 2, std::numeric_limits<std::int32_t>::max()); },
       "crop: the rectangle (top 0, left 0, height 2, width 2147483647) leaves x (2, 8, 8, 3)"},
      {[&] { ops::slice_frames(x, 1, 2); }, "slice_frames: 2 frames from 1 leave x (2, 8, 8, 3)"},
      {[&] { ops::slice_frames(x, -1, 1); }, "slice_frames: 1 frames from -1 leave x (2, 8, 8, 3)"},
      {[&] { ops::slice_frames(x, 0, 0); }, "slice_frames: 0 frames from 0 leave x (2, 8, 8, 3)"},
      {[&] { ops::concat_frames({}); }, "concat_frames: nothing to join"},
      {[&] {
         ops::concat_frames(std::vector{x, of({2, 8, 8, 1})});
       },
       "concat_frames: part (2, 8, 8, 1) does not fit part (2, 8, 8, 3)"},
  });
}

TEST_CASE("what works on pixels names the shapes that do not fit") {
  const Variable x = of({2, 8, 8, 3}), odd = of({2, 8, 7, 3}), row = of({8, 3});
  const Tensor flow = of({2, 8, 8, 2}).value();
  check({
      {[&] {
         ops::multiply(x, of({2, 8, 8, 2}));
       },
       "multiply: m (2, 8, 8, 2) is neither of the shape nor one value for each pixel of x (2, 8, "
       "8, 3)"},
      {[&] { ops::multiply(row, row); }, "multiply: x (8, 3) is not a non-empty (N, H, W, C)"},
      {[&] { ops::pixel_length(row, 0); },
       "pixel_length: x (8, 3) is not a non-empty (N, H, W, C)"},
      {[&] { ops::pixel_length(x, -0.5F); }, "pixel_length: epsilon -0.500000 is not 0 or above"},
      {[&] { ops::pixel_length(x, std::numeric_limits<float>::quiet_NaN()); },
       "pixel_length: epsilon nan is not 0 or above"},
      {[&] { ops::clamp(x, 1, 0.5F); }, "clamp: from 1.000000 to 0.500000 is no range"},
      {[&] { ops::clamp(x, 0, std::numeric_limits<float>::quiet_NaN()); },
       "clamp: from 0.000000 to nan is no range"},
      {[&] {
         ops::frame_mean(of({0, 8, 8, 3}));
       },
       "frame_mean: x (0, 8, 8, 3) is not a non-empty (N, H, W, C)"},
      {[&] { ops::add_to_pixels(row, row); },
       "add_to_pixels: x (8, 3) is not a non-empty (N, H, W, C)"},
      {[&] {
         ops::add_to_pixels(x, of({1, 1, 1, 3}));
       },
       "add_to_pixels: v (1, 1, 1, 3) is not one pixel for each frame of x (2, 8, 8, 3)"},
      {[&] {
         ops::sum(of({2, 0}));
       },
       "sum: x (2, 0) is empty"},
      {[&] { ops::space_to_depth(row); },
       "space_to_depth: x (8, 3) is not a non-empty (N, H, W, C)"},
      {[&] { ops::space_to_depth(odd); },
       "space_to_depth: x (2, 8, 7, 3) is not of even height and width"},
      {[&] {
         ops::space_to_depth(of({2, 7, 8, 3}));
       },
       "space_to_depth: x (2, 7, 8, 3) is not of even height and width"},
      {[&] { ops::depth_to_space(row); },
       "depth_to_space: x (8, 3) is not a non-empty (N, H, W, C)"},
      {[&] { ops::depth_to_space(x); },
       "depth_to_space: the channels of x (2, 8, 8, 3) are no multiple of 4"},
      {[&] { ops::warp(row, flow); }, "warp: x (8, 3) is not a non-empty (N, H, W, C)"},
      {[&] { ops::warp(odd, flow); },
       "warp: flow (2, 8, 8, 2) has not (u, v) for each pixel of x (2, 8, 7, 3)"},
      {[&] { ops::warp(x, x.value()); },
       "warp: flow (2, 8, 8, 3) has not (u, v) for each pixel of x (2, 8, 8, 3)"},
      {[&] {
         ops::warp(x, Tensor(test_backend(), {2, 8, 8, 2}, ValueType::kUint8));
       },
       "warp: flow (2, 8, 8, 2) is not float32"},
      {[&] { ops::slice_channels(row, 0, 1); },
       "slice_channels: x (8, 3) is not a non-empty (N, H, W, C)"},
      {[&] { ops::slice_channels(x, 1, 3); },
       "slice_channels: 3 channels from 1 leave x (2, 8, 8, 3)"},
      {[&] { ops::slice_channels(x, -1, 1); },
       "slice_channels: 1 channels from -1 leave x (2, 8, 8, 3)"},
      {[&] { ops::slice_channels(x, 0, 0); },
       "slice_channels: 0 channels from 0 leave x (2, 8, 8, 3)"},
  });
}

TEST_CASE("norms and losses name the shapes that do not fit") {
  const Variable x = of({2, 8, 8, 3}), three = of({3}), four = of({4});
  const Tensor y = x.value();
  ops::RunningStatistics running{three.value(), three.value()};
  ops::RunningStatistics wrong{three.value(), four.value()};
  const Variable w = of({3, 3, 3, 3}), none;
  const auto region = [&](const ops::Region& r) {
    return [&x, &y, r] { ops::temporal_mse(x, y, 0.5F, {1, 0}, r); };
  };
  check({
      {[&] { ops::batch_norm(x, four, three, running, 0.9F, 1e-3F); },
       "batch_norm: gamma (4) is not one value for each channel of x (2, 8, 8, 3)"},
      {[&] { ops::batch_norm(x, three, four, running, 0.9F, 1e-3F); },
       "batch_norm: beta (4) is not one value for each channel of x (2, 8, 8, 3)"},
      {[&] { ops::batch_norm(x, three, three, wrong, 0.9F, 1e-3F); },
       "batch_norm: running variance (4) is not one value for each channel of x (2, 8, 8, 3)"},
      {[&] {
         ops::batch_norm_inference(x, {four, three, running, 1e-3F});
       },
       "batch_norm_inference: gamma (4) is not one value for each channel of x (2, 8, 8, 3)"},
      {[&] {
         ops::conv2d(x, w, none, {}, {four, three, running, 1e-3F});
       },
       "conv2d: gamma (4) is not one value for each channel of the result (2, 6, 6, 3)"},
      {[&] {
         ops::upsample_conv2d(x, w, none, Padding::kSame, Activation::kNone,
                              ops::Result::kActivation, {three, three, wrong, 1e-3F});
       },
       "upsample_conv2d: running variance (4) is not one value for each channel of the result (2, "
       "16, 16, 3)"},
      {[&] {
         ops::batch_norm_inference(of({0, 8, 8, 3}), {three, three, running, 1e-3F});
       },
       "batch_norm_inference: x (0, 8, 8, 3) is not a non-empty (N, H, W, C)"},
      {[&] {
         ops::temporal_mse(x, of({2, 8, 8, 1}).value(), 0.5F, {1, 0});
       },
       "temporal_mse: prediction (2, 8, 8, 3) and target (2, 8, 8, 1) differ"},
      {[&] {
         ops::temporal_mse(of({0, 8, 8, 3}), of({0, 8, 8, 3}).value(), 0.5F, {});
       },
       "temporal_mse: prediction (0, 8, 8, 3) is not a non-empty (N, H, W, C)"},
      {[&] {
         ops::temporal_mse(x, y, 1.5F, {1, 0});
       },
       "temporal_mse: beta 1.500000 is outside 0 to 1"},
      {[&] {
         ops::temporal_mse(x, y, -0.5F, {1, 0});
       },
       "temporal_mse: beta -0.500000 is outside 0 to 1"},
      {[&] {
         ops::temporal_mse(x, y, std::numeric_limits<float>::quiet_NaN(), {1, 0});
       },
       "temporal_mse: beta nan is outside 0 to 1"},
      {[&] {
         ops::temporal_mse(x, y, 0.5F, {1, 0, 0});
       },
       "temporal_mse: 3 clip starts for prediction (2, 8, 8, 3)"},
      {[&] {
         ops::motion_temporal_mse(x, of({2, 8, 8, 1}).value(), of({2, 8, 8, 2}).value(), 0.5F,
                                  {1, 0});
       },
       "motion_temporal_mse: prediction (2, 8, 8, 3) and target (2, 8, 8, 1) differ"},
      {[&] {
         ops::motion_temporal_mse(x, y, of({1, 8, 8, 2}).value(), 0.5F, {1, 0});
       },
       "motion_temporal_mse: flow (1, 8, 8, 2) has not (u, v) for each pixel of prediction (2, 8, "
       "8, 3)"},
      {[&] {
         ops::motion_temporal_mse(x, y, of({2, 8, 8, 2}).value(), 2.0F, {1, 0});
       },
       "motion_temporal_mse: beta 2.000000 is outside 0 to 1"},
      {[&] {
         ops::motion_temporal_mse(x, y, of({2, 8, 8, 2}).value(), 0.5F, {1});
       },
       "motion_temporal_mse: 1 clip starts for prediction (2, 8, 8, 3)"},
      {region({-1, 0, 2, 2}),
       "temporal_mse: the rectangle (top -1, left 0, height 2, width 2) "
       "leaves prediction (2, 8, 8, 3)"},
      {region({7, 0, 2, 2}),
       "temporal_mse: the rectangle (top 7, left 0, height 2, width 2) "
       "leaves prediction (2, 8, 8, 3)"},
      {region({0, 0, 2, 0}),
       "temporal_mse: the rectangle (top 0, left 0, height 2, width 0) "
       "leaves prediction (2, 8, 8, 3)"},
      {[&] {
         ops::mse(x, of({1, 8, 8, 3}).value());
       },
       "mse: prediction (2, 8, 8, 3) and target (1, 8, 8, 3) differ"},
      {[&] { ops::mse(three, three.value()); },
       "mse: prediction (3) is not a non-empty (N, H, W, C)"},
  });
}
