// What the networks do as wholes: sizes, freezing, deconvolution, learning.
#include <catch2/catch.hpp>
#include <cstring>

#include "base/error.hpp"
#include "golden_rule.hpp"
#include "kernels/backend.hpp"
#include "nn/models/colorization_model.hpp"
#include "nn/ops/ops.hpp"
#include "nn/optimizer.hpp"

namespace afterglow {
namespace {

const std::vector<std::uint8_t> kOneClip{1, 0, 0, 0};

/// Frames of a moving gradient, and an input in which they have lost their colour.
struct TinyClip {
  Tensor input, truth;
};

TinyClip tiny_clip(const std::shared_ptr<Backend>& backend, std::int64_t frames) {
  std::vector<float> truth;
  std::vector<float> input;
  for (std::int64_t t = 0; t < frames; ++t) {
    for (std::int64_t y = 0; y < kNetworkSize; ++y) {
      for (std::int64_t x = 0; x < kNetworkSize; ++x) {
        const auto red = static_cast<float>(60 + (x + 2 * t) % 128);
        const auto green = static_cast<float>(40 + y);
        const float blue = 90;
        const float gray = 0.299F * red + 0.587F * green + 0.114F * blue;
        truth.insert(truth.end(), {red, green, blue});
        input.insert(input.end(), 6, gray);
      }
    }
  }
  return {Tensor::from_host(backend, {frames, kNetworkSize, kNetworkSize, 6}, input),
          Tensor::from_host(backend, {frames, kNetworkSize, kNetworkSize, 3}, truth)};
}

}  // namespace

TEST_CASE("a network takes its own size alone") {
  const auto backend = make_cpu_backend();
  const auto model = make_model(backend, {}, 1);
  const NoGradient guard;
  const auto run = [&](const Shape& shape) {
    return model->forward(Variable(Tensor::zeros(backend, shape))).shape();
  };
  CHECK(run({2, 128, 128, 6}) == Shape{2, 128, 128, 3});
  CHECK_THROWS_WITH(run({1, 256, 256, 6}),
                    Catch::Contains("(N, 128, 128, 6)") && Catch::Contains("(1, 256, 256, 6)"));
  CHECK_THROWS_AS(run({1, 128, 128, 3}), ShapeError);
  CHECK_THROWS_AS(run({0, 128, 128, 6}), ShapeError);
}

TEST_CASE("the deconvolution decoder gives the same size with trained transposed kernels") {
  const auto backend = make_cpu_backend();
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  const auto model = make_model(backend, {arch, Decoder::kDeconv}, 1);
  {
    const NoGradient guard;
    const Tensor x = Tensor::full(backend, {1, 128, 128, 6}, 100.0F);
    CHECK(model->forward(Variable(x)).shape() == Shape{1, 128, 128, 3});
  }
  // Each 3x3 (5x5) kernel behind an upsample becomes a 4x4 (6x6) one.
  const std::int64_t more =
      arch == Arch::kAlexnet
          ? 7 * (256 * 384 + 384 * 384) + 11 * (384 * 256 + 256 * 96 + 96 * 3)
          : 7 * (256 * 384 + 384 * 384) + 11 * (384 * 256 + 256 * 256 + 256 * 96 + 96 * 3);
  const auto upsampling = make_model(backend, {arch, Decoder::kUpsample}, 1);
  CHECK(model->weight_count() == upsampling->weight_count() + more);
}

TEST_CASE("a seed makes the same network, another seed another") {
  const auto backend = make_cpu_backend();
  const auto first = [&](std::uint64_t seed) {
    return make_model(backend, {}, seed)->weights().front().value.to_host();
  };
  CHECK(first(3) == first(3));
  CHECK(first(3) != first(4));
}

TEST_CASE("training keeps every bit of the frozen encoder and moves the rest") {
  const auto backend = make_cpu_backend();
  const auto model = make_model(backend, {Arch::kVgg16, Decoder::kUpsample}, 1);
  std::vector<std::vector<float>> before;
  for (const Weight& weight : model->weights()) before.push_back(weight.value.to_host());
  const TinyClip clip = tiny_clip(backend, 2);
  model->train(true);
  Adam adam(model->parameters(), {});
  for (int step = 0; step < 2; ++step) {
    const ops::Loss loss =
        ops::temporal_mse(model->forward(Variable(clip.input)), clip.truth, 0.8F, {1, 0});
    backward(loss.value);
    for (const Parameter& parameter : model->parameters()) {
      CHECK(static_cast<bool>(parameter.value.gradient()) == parameter.value.wants_gradient());
    }
    adam.step();
  }
  std::size_t i = 0;
  for (const Weight& weight : model->weights()) {
    CAPTURE(weight.name);
    const bool same = weight.value.to_host() == before.at(i++);
    CHECK(same == weight.name.starts_with("vgg16/"));
  }
}

TEST_CASE("a frozen network runs in inference mode even while training") {
  const auto backend = make_cpu_backend();
  const auto model = make_model(backend, {}, 1);
  model->freeze();
  model->train(true);
  CHECK(model->trainable_count() == 0);
  std::vector<std::vector<float>> before;
  for (const Weight& weight : model->weights()) before.push_back(weight.value.to_host());
  model->forward(Variable(golden_frames(backend, "input", 6)));
  std::size_t i = 0;
  for (const Weight& weight : model->weights()) CHECK(weight.value.to_host() == before.at(i++));
}

TEST_CASE("a network overfits one clip", "[slow]") {
  // Fidelity falls below 1 % of its first value within this many steps on 4 frames.
  constexpr int kSteps = 400;
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  CAPTURE(arch_name(arch));
  const auto backend = make_cpu_backend();
  const auto model = make_model(backend, {arch, Decoder::kUpsample}, 1);
  const TinyClip clip = tiny_clip(backend, 4);
  model->train(true);
  Adam adam(model->parameters(), {});
  double first = 0;
  double last = 0;
  int steps = 0;
  for (; steps < kSteps; ++steps) {
    const ops::Loss loss =
        ops::temporal_mse(model->forward(Variable(clip.input)), clip.truth, 0.8F, kOneClip);
    last = loss.parts.fidelity;
    if (steps == 0) first = last;
    if (last < 0.01 * first) break;
    backward(loss.value);
    adam.step();
  }
  CAPTURE(steps, first, last);
  CHECK(last < 0.01 * first);
}

}  // namespace afterglow
