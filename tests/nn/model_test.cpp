// What the networks are and do as wholes: sizes, first weights, freezing, learning.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "kernels/backend.hpp"
#include "nn/models/colorization_model.hpp"
#include "nn/models/eccv16.hpp"
#include "nn/ops/ops.hpp"
#include "nn/optimizer.hpp"
#include "nn/recurrent_colorizer.hpp"
#include "support/golden_rule.hpp"

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
        // A wave without edges: a picture rebuilt from 4x4 or 6x6 cells draws edges last of all.
        const auto red =
            static_cast<float>(124 + 64 * std::sin(double(x + 2 * t) * std::numbers::pi / 64));
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

TEST_CASE("networks have the paper's number of weights") {
  const auto backend = make_cpu_backend();
  struct Row {
    ModelSpec spec;
    std::int64_t total, trainable;
  };
  // With transposed convolutions each 3x3 (5x5) kernel behind an upsample becomes a 4x4 (6x6) one.
  const Row row = GENERATE(Row{{Arch::kAlexnet, Decoder::kUpsample}, 9'127'971, 9'122'467},
                           Row{{Arch::kVgg16, Decoder::kUpsample}, 21'783'396, 7'065'438},
                           Row{{Arch::kAlexnet, Decoder::kDeconv}, 12'203'139, 12'197'635},
                           Row{{Arch::kVgg16, Decoder::kDeconv}, 25'579'460, 10'861'502});
  CAPTURE(arch_name(row.spec.arch), decoder_name(row.spec.decoder));
  const auto model = make_model(backend, row.spec, 1);
  CHECK(model->weight_count() == row.total);
  CHECK(model->trainable_count() == row.trainable);
}

TEST_CASE("kernels have the shapes of the paper's tables") {
  using Shapes = std::vector<Shape>;
  const Shapes alexnet{{9, 9, 6, 96},    {5, 5, 96, 256},  {3, 3, 256, 384}, {3, 3, 384, 384},
                       {3, 3, 384, 256}, {1, 1, 256, 256}, {3, 3, 256, 384}, {3, 3, 384, 384},
                       {5, 5, 384, 256}, {5, 5, 256, 96},  {5, 5, 96, 3}};
  const Shapes vgg16{{1, 1, 6, 3},     {1, 1, 512, 256}, {3, 3, 256, 384}, {3, 3, 384, 384},
                     {5, 5, 384, 256}, {5, 5, 256, 256}, {5, 5, 256, 96},  {5, 5, 96, 3}};
  const auto backend = make_cpu_backend();
  for (const Arch arch : {Arch::kAlexnet, Arch::kVgg16}) {
    Shapes shapes;
    for (const Weight& weight : make_model(backend, {arch, Decoder::kUpsample}, 1)->weights()) {
      const bool encoder = weight.name.starts_with("vgg16/");
      if (weight.name.ends_with("/kernel") && !encoder) shapes.push_back(weight.value.shape());
    }
    CHECK((shapes == (arch == Arch::kAlexnet ? alexnet : vgg16)));
  }
}

TEST_CASE("fresh weights are Keras's: glorot-uniform kernels, neutral norms") {
  const auto model = make_model(make_cpu_backend(), {}, 11);
  for (const Weight& weight : model->weights()) {
    CAPTURE(weight.name);
    const std::vector<float> values = weight.value.to_host();
    if (!weight.name.ends_with("/kernel")) {
      const bool one = weight.name.ends_with("/gamma") || weight.name.ends_with("/moving_variance");
      CHECK(std::count(values.begin(), values.end(), one ? 1.0F : 0.0F) == weight.value.size());
      continue;
    }
    const Shape& shape = weight.value.shape();
    const double limit =
        std::sqrt(6.0 / static_cast<double>(shape[0] * shape[1] * (shape[2] + shape[3])));
    double sum = 0;
    double squares = 0;
    for (const float value : values) {
      const double scaled = static_cast<double>(value) / limit;
      REQUIRE(std::abs(scaled) <= 1 + 1e-6);  // rounding to float
      sum += scaled;
      squares += scaled * scaled;
    }
    // Five standard deviations of the mean of n uniform numbers in +-1, and of their squares.
    const double bound = 5 / std::sqrt(static_cast<double>(values.size()));
    CHECK(std::abs(sum / static_cast<double>(values.size())) < bound * std::sqrt(1.0 / 3));
    CHECK(std::abs(squares / static_cast<double>(values.size()) - 1.0 / 3) <
          bound * std::sqrt(4.0 / 45));
  }
}

TEST_CASE("the deconvolution decoder gives pictures of the same size, and learns", "[network]") {
  const auto backend = make_cpu_backend();
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  CAPTURE(arch_name(arch));
  const auto model = make_model(backend, {arch, Decoder::kDeconv}, 1);
  const TinyClip clip = tiny_clip(backend, 2);
  model->train(true);
  Adam adam(model->parameters(), {});
  std::vector<double> losses;
  for (int step = 0; step < 3; ++step) {
    const Variable y = model->forward(Variable(clip.input));
    REQUIRE(y.shape() == Shape{2, 128, 128, 3});
    const ops::Loss loss = ops::temporal_mse(y, clip.truth, 0.8F, {1, 0});
    losses.push_back(loss.parts.loss);
    backward(loss.value);
    adam.step();
  }
  CHECK(losses.at(1) < losses.at(0));
  CHECK(losses.at(2) < losses.at(1));
}

TEST_CASE("a seed makes the same network, another seed another") {
  const auto backend = make_cpu_backend();
  const auto first = [&](std::uint64_t seed) {
    return make_model(backend, {}, seed)->weights().front().value.to_host();
  };
  CHECK(first(3) == first(3));
  CHECK(first(3) != first(4));
}

TEST_CASE("training keeps every bit of the frozen encoder and moves the rest", "[network]") {
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

TEST_CASE("after the second step and the second frame no more memory is asked for", "[network]") {
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  CAPTURE(arch_name(arch));
  const auto backend = make_cpu_backend();
  const auto model = make_model(backend, {arch, Decoder::kUpsample}, 1);
  const TinyClip clip = tiny_clip(backend, 2);
  const auto allocations_of = [&](const auto& work) {
    const std::size_t before = backend->memory().allocations;
    work();
    return backend->memory().allocations - before;
  };
  {
    Adam adam(model->parameters(), {});
    model->train(true);
    const auto step = [&] {
      backward(
          ops::temporal_mse(model->forward(Variable(clip.input)), clip.truth, 0.8F, {1, 0}).value);
      adam.step();
    };
    CHECK(allocations_of(step) > 0);
    step();
    CHECK(allocations_of([&] { step(), step(); }) == 0);
  }
  RecurrentColorizer colorizer(*model, Previous::kOwn);
  const Tensor frame = Tensor::zeros(backend, {1, kNetworkSize, kNetworkSize, 3});
  colorizer.step(frame), colorizer.step(frame);
  CHECK(allocations_of([&] { colorizer.step(frame), colorizer.step(frame); }) == 0);
}

TEST_CASE("a network overfits one clip", "[slow]") {
  // Fidelity falls below 1 % of its first value within this many steps on 4 frames.
  constexpr int kSteps = 150;
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  CAPTURE(arch_name(arch));
  const auto backend = make_cpu_backend();
  const auto model = make_model(backend, {arch, Decoder::kUpsample}, 1);
  const TinyClip clip = tiny_clip(backend, 4);
  model->train(true);
  Adam adam(model->parameters(), {.learning_rate = 1e-2});
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

TEST_CASE("ECCV16's weights are told before there is a network") {
  std::vector<std::pair<std::string, Shape>> made;
  for (const Weight& weight : Eccv16(make_cpu_backend()).weights()) {
    made.emplace_back(weight.name, weight.value.shape());
  }
  CHECK(made == Eccv16::weight_shapes());
}

}  // namespace afterglow
