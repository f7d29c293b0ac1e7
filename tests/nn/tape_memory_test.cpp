// What the tape keeps until it is walked, in bytes of the backend.
#include <catch2/catch.hpp>
#include <functional>
#include <vector>

#include "nn/ops/ops.hpp"

using namespace afterglow;

namespace {

using Make = std::function<Variable(const Variable& x)>;

const Shape kFrameShape{2, 8, 8, 16};
constexpr std::size_t kFramesBytes = 2 * 8 * 8 * 16 * 4;

std::size_t in_use(const std::shared_ptr<Backend>& backend) { return backend->memory().in_use; }

/// Bytes that stay for the gradient of make(x) when x and the result are gone. x is the result of
/// another op, which keeps nothing; x_wanted says whether it wants a gradient.
std::size_t kept(const std::shared_ptr<Backend>& backend, bool x_wanted, const Make& make) {
  const Variable before(Tensor::full(backend, kFrameShape, 0.5F), x_wanted);
  const auto run = [&] {
    Variable y = make(ops::scale(before, 1.0F));
    y.value() = {};
    return y;
  };
  run();  // what the backend makes once and keeps is not the tape's
  const std::size_t at_start = in_use(backend);
  const Variable y = run();
  const std::size_t bytes = in_use(backend) - at_start;
  if (y.wants_gradient()) {
    NoGradient guard;
    run();  // prepares kernels that are constant now
    const std::size_t prepared = in_use(backend);
    const Variable none = run();
    CHECK(in_use(backend) == prepared);  // nothing more without gradients
  }
  return bytes;
}

}  // namespace

TEST_CASE("a convolution keeps only what the wanted gradients read") {
  enum Kind { kPlain, kTransposed, kUpsampling };
  const auto kind = GENERATE(kPlain, kTransposed, kUpsampling);
  const auto activation = GENERATE(Activation::kNone, Activation::kRelu);
  CAPTURE(int(kind), int(activation));
  const auto backend = make_cpu_backend();
  Variable w(Tensor::full(backend, {3, 3, 16, 16}, 0.5F), true);
  Variable b(Tensor::full(backend, {16}, 0.5F), true);
  const Make conv = [&](const Variable& x) {
    switch (kind) {
      case kPlain:
        return ops::conv2d(x, w, b, {1, 1, Padding::kSame, activation});
      case kTransposed:
        return ops::conv_transpose2d(x, w, b, {2, 1, Padding::kSame, activation});
      default:
        return ops::upsample_conv2d(x, w, b, Padding::kSame, activation);
    }
  };
  const std::size_t y_bytes = (kind == kPlain ? 1 : 4) * kFramesBytes;
  const std::size_t mask = activation == Activation::kRelu ? y_bytes : 0;

  CHECK(kept(backend, true, conv) == kFramesBytes + mask);
  CHECK(kept(backend, false, conv) == kFramesBytes + mask);
  w.set_wants_gradient(false);
  CHECK(kept(backend, true, conv) == mask);
  CHECK(kept(backend, false, conv) == mask);  // the bias alone
  b.set_wants_gradient(false);
  CHECK(kept(backend, true, conv) == mask);
  CHECK(kept(backend, false, conv) == 0);
}

TEST_CASE("a frozen convolution passes gradients on and gets none") {
  const auto backend = make_cpu_backend();
  const Variable w(Tensor::full(backend, {3, 3, 16, 16}, 0.5F));
  const Variable b(Tensor::full(backend, {16}, 0.5F));
  Variable x(Tensor::full(backend, kFrameShape, 0.5F), true);
  const auto step = [&] {
    const Variable y = ops::conv2d(x, w, b, {1, 1, Padding::kSame});
    backward(y, Tensor::full(backend, y.shape(), 1.0F));
  };
  step();
  x.clear_gradient();
  const std::size_t before = in_use(backend);
  step();
  CHECK(in_use(backend) == before + kFramesBytes);
  CHECK(x.gradient());
  CHECK_FALSE(w.gradient());
  CHECK_FALSE(b.gradient());
}

TEST_CASE("pools, layout and loss keep only what the gradient reads") {
  const auto backend = make_cpu_backend();
  const Tensor target = Tensor::zeros(backend, kFrameShape);
  const Tensor flow = Tensor::zeros(backend, {2, 8, 8, 2});
  const Variable factor(Tensor::zeros(backend, {2, 8, 8, 1}));
  struct Case {
    const char* name;
    Make make;
    std::size_t bytes;
  };
  const std::vector<Case> cases{
      {"relu", [](const Variable& x) { return ops::relu(x); }, kFramesBytes},
      {"max_pool2d", [](const Variable& x) { return ops::max_pool2d(x, 2, 2); },
       2 * 4 * 4 * 16 / 4},  // 2 bits for each winner
      {"conv2d_max_pool",
       [kernel = Variable(Tensor::zeros(backend, {3, 3, 16, 16}))](const Variable& x) {
         return ops::conv2d_max_pool(x, kernel, {}, {1, 1, Padding::kSame, Activation::kRelu});
       },
       2 * 4 * 4 * 16 / 2},  // 4 bits
      {"avg_pool2d", [](const Variable& x) { return ops::avg_pool2d(x, 2, 2); }, 0},
      {"upsample_nearest", [](const Variable& x) { return ops::upsample_nearest(x); }, 0},
      {"add", [](const Variable& x) { return ops::add(x, x); }, 0},
      {"scale", [](const Variable& x) { return ops::scale(x, 2); }, 0},
      {"concat_channels", [](const Variable& x) { return ops::concat_channels(x, x); }, 0},
      {"crop", [](const Variable& x) { return ops::crop(x, 1, 1, 2, 2); }, 0},
      {"slice_frames", [](const Variable& x) { return ops::slice_frames(x, 1, 1); }, 0},
      {"concat_frames",
       [](const Variable& x) {
         return ops::concat_frames(std::vector{x, x});
       },
       0},
      {"affine", [](const Variable& x) { return ops::affine(x, 2, 1); }, 0},
      {"sigmoid", [](const Variable& x) { return ops::sigmoid(x); }, kFramesBytes},
      {"multiply by a constant", [&](const Variable& x) { return ops::multiply(x, factor); }, 0},
      {"pixel_length", [](const Variable& x) { return ops::pixel_length(x, 1); },
       kFramesBytes + kFramesBytes / 16},
      {"frame_mean", [](const Variable& x) { return ops::frame_mean(x); }, 0},
      {"add_to_pixels", [](const Variable& x) { return ops::add_to_pixels(x, ops::frame_mean(x)); },
       0},
      {"sum", [](const Variable& x) { return ops::sum(x); }, 0},
      {"space_to_depth", [](const Variable& x) { return ops::space_to_depth(x); }, 0},
      {"depth_to_space", [](const Variable& x) { return ops::depth_to_space(x); }, 0},
      {"warp", [&](const Variable& x) { return ops::warp(x, flow); }, 0},
      {"slice_channels", [](const Variable& x) { return ops::slice_channels(x, 1, 2); }, 0},
      {"temporal_mse",
       [&](const Variable& x) {
         return ops::temporal_mse(x, target, 0.5F, {1, 0}).value;
       },
       kFramesBytes},
      {"mse", [&](const Variable& x) { return ops::mse(x, target); }, kFramesBytes}};
  for (const Case& c : cases) {
    CAPTURE(c.name);
    CHECK(kept(backend, true, c.make) == c.bytes);
    CHECK(kept(backend, false, c.make) == 0);
  }
}

TEST_CASE("a frozen batch norm keeps nothing, a training one its input and two statistics") {
  const auto backend = make_cpu_backend();
  Variable gamma(Tensor::full(backend, {16}, 1.0F), true), beta = gamma;
  ops::RunningStatistics running{Tensor::zeros(backend, {16}), Tensor::full(backend, {16}, 1.0F)};
  const Make inference = [&](const Variable& x) {
    return ops::batch_norm_inference(x, {gamma, beta, running, 1e-3F});
  };
  const Make training = [&](const Variable& x) {
    return ops::batch_norm(x, gamma, beta, running, 0.99F, 1e-3F);
  };
  CHECK(kept(backend, true, training) == kFramesBytes + 2 * 16 * 4);
  CHECK(kept(backend, true, inference) == kFramesBytes);
  gamma.set_wants_gradient(false);
  CHECK(kept(backend, true, inference) == 0);
}

TEST_CASE("backward frees closures and gradients as it goes") {
  const auto backend = make_cpu_backend();
  constexpr int kLayers = 20;
  Variable x(Tensor::full(backend, kFrameShape, 0.5F), true);
  Variable y = x;
  for (int i = 0; i < kLayers; ++i) y = ops::relu(y);
  // The leaf, and a result kept by every layer.
  const std::size_t before = in_use(backend);
  REQUIRE(before == (kLayers + 1) * kFramesBytes);
  REQUIRE(backend->memory().peak_in_use == before);
  backward(y, Tensor::full(backend, kFrameShape, 1.0F));
  // At most a gradient in, one out, and the last result, which y holds.
  CHECK(backend->memory().peak_in_use <= before + 2 * kFramesBytes);
  CHECK(in_use(backend) == 3 * kFramesBytes);  // leaf, its gradient, y
}

TEST_CASE("without gradients a max pool makes no winners and a loss no gradient") {
  const auto backend = make_cpu_backend();
  const Tensor target = Tensor::zeros(backend, kFrameShape);
  const Variable x(Tensor::full(backend, kFrameShape, 0.5F), true);
  const NoGradient guard;
  const std::size_t before = in_use(backend);
  ops::mse(x, target);
  constexpr std::size_t kSmallest = 64;  // piece of memory: clip starts, the loss's parts, the loss
  CHECK(backend->memory().peak_in_use == before + 3 * kSmallest);
  const Variable y = ops::max_pool2d(x, 2, 2);
  CHECK(backend->memory().peak_in_use == before + kFramesBytes / 4);
}
