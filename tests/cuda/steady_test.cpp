// The steady network on the CUDA backend: a clip, its gradients and its training are the CPU
// backend's.
#include "nn/models/steady.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <vector>

#include "base/random.hpp"
#include "cuda/reference.hpp"
#include "kernels/cuda/cuda_backend.hpp"
#include "nn/optimizer.hpp"
#include "nn/steady_colorizer.hpp"
#include "support/backend_under_test.hpp"
#include "support/largest.hpp"
#include "support/steady_clip.hpp"

namespace afterglow {
namespace {

using test::largest;
using test::largest_difference;

std::shared_ptr<Backend> cuda_backend(Precision precision) {
  return std::make_shared<cuda::CudaBackend>(0, precision, true);
}

/// The network with no weight at 0, where a fresh one has its last layers: nothing of the others
/// would show.
std::unique_ptr<SteadyModel> network(const std::shared_ptr<Backend>& backend) {
  auto model = make_steady(backend, SteadyArch::kSteady, 1);
  Rng rng(2);
  for (Weight& weight : model->weights()) {
    std::vector<float> values = weight.value.to_host();
    if (std::any_of(values.begin(), values.end(), [](float value) { return value != 0; })) continue;
    for (float& value : values) value = static_cast<float>(0.2 * rng.uniform() - 0.1);
    weight.value.copy_from_host(std::span<const float>(values));
  }
  return model;
}

/// How many times what plain sums round the backend's convolutions may: more where one of
/// Winograd's algorithms may compute them. By the longest sums of the network.
double convolution_rounding() {
  const Conv2dGeometry g{1, 2, 3, 160, 64, 3, 3, 1, 1, Padding::kSame};
  constexpr std::size_t kTerms = std::size_t{3} * 3 * 160;
  return test::convolution_tolerance(g, test::Pass::kForward, kTerms).absolute /
         test::sum_tolerance(kTerms).absolute;
}

/// The ab of five frames, the last of which begins a scene.
std::vector<std::vector<float>> clip(const std::shared_ptr<Backend>& backend) {
  constexpr int kFrames = 5;
  const auto model = network(backend);
  const test::SteadyClip film(backend, 1, 24, 40);
  SteadyColorizer colorizer(*model);
  std::vector<std::vector<float>> result;
  for (int t = 0; t < kFrames; ++t) {
    const bool begins = t == 0 || t == kFrames - 1;
    if (begins) colorizer.reset();
    SteadyFrames frame = film.frame(t);
    if (begins) frame.follows = film.frame(0).follows;
    result.push_back(colorizer.step(frame).to_host());
  }
  return result;
}

/// Of two streams, three frames in a row.
class Training {
 public:
  explicit Training(const std::shared_ptr<Backend>& backend)
      : model_(network(backend)),
        clip_(backend, 2, 16, 24),
        adam_(model_->parameters(),
              {.learning_rate = 5e-4, .epsilon = 1e-8, .clip_norm = 1, .weight_decay = 1e-4}) {}

  /// The loss; the gradients lie in parameters().
  double backward() { return double{test::backward_steady(*model_, clip_, 3)}; }
  void update() { adam_.step(); }
  std::vector<Parameter> parameters() const { return model_->parameters(); }

 private:
  std::unique_ptr<SteadyModel> model_;
  test::SteadyClip clip_;
  Adam adam_;
};

}  // namespace

TEST_CASE("the steady network colours a clip as on the CPU") {
  const auto expected = clip(test::reference_backend());
  const auto compare = [&](Precision precision, double tolerance) {
    const auto result = clip(cuda_backend(precision));
    for (std::size_t t = 0; t < expected.size(); ++t) {
      REQUIRE(largest(expected[t]) > 0.1);
      CAPTURE(t);
      CHECK(largest_difference(result[t], expected[t]) < tolerance);
    }
  };
  // Of ab in units of 50, about 1 in size.
  SECTION("float32") {
    // 14 layers, each of up to 1440 products summed in another order, four frames in a row.
    constexpr double kSumRounding = 2e-5;
    compare(Precision::kFloat32, kSumRounding * convolution_rounding());
  }
  SECTION("bfloat16") {
    // Each of 14 layers rounds to 2^-9 of its values, and those errors are independent; what is
    // carried on from frame to frame stays float32.
    constexpr double kBfloat16Rounding = 2e-2;
    compare(Precision::kBfloat16, kBfloat16Rounding);
  }
}

TEST_CASE("the steady network has the CPU's gradients, through frames in a row") {
  Training cpu(test::reference_backend()), cuda(cuda_backend(Precision::kFloat32));
  // A mean over pixels, whose roundings are of random sign.
  constexpr double kLossRounding = 1e-6;
  CHECK(cuda.backward() == Approx(cpu.backward()).epsilon(kLossRounding * convolution_rounding()));
  // Relative to the largest of a layer: through the recurrence and back, sums of up to some
  // thousand products in another order. No value of this clip lies so near a corner of leaky ReLU
  // or the clamp that the rounding of plain sums takes it to the other slope, which would show as
  // 1e-3: as much as is allowed where Winograd's algorithms round.
  constexpr double kGradientRounding = 1e-4;
  const std::vector<Parameter> on_cuda = cuda.parameters(), on_cpu = cpu.parameters();
  REQUIRE(on_cuda.size() == on_cpu.size());
  for (std::size_t i = 0; i < on_cpu.size(); ++i) {
    INFO(on_cpu[i].name);
    const std::vector<float> expected = on_cpu[i].value.gradient().to_host();
    REQUIRE(largest(expected) > 0);
    CHECK(largest_difference(on_cuda[i].value.gradient().to_host(), expected) <
          kGradientRounding * convolution_rounding() * largest(expected));
  }
}

TEST_CASE("training steps of the steady network lose what they lose on the CPU", "[slow]") {
  Training cpu(test::reference_backend()), cuda(cuda_backend(Precision::kFloat32)),
      half(cuda_backend(Precision::kBfloat16));
  // Adam's first steps have the size of the learning rate whatever the gradient's, so that a weight
  // whose gradient is rounding moves either way; few of them are.
  constexpr double kTolerance = 2e-5;
  // Each of 14 layers rounds to 2^-9 of its values, and those errors are independent.
  constexpr double kBfloat16Tolerance = 1e-2;
  double first = 0, last = 0;
  for (int step = 0; step < 3; ++step) {
    if (step > 0) {
      for (Training* training : {&cpu, &cuda, &half}) training->update();
    }
    last = cpu.backward();
    if (step == 0) first = last;
    CAPTURE(step);
    CHECK(cuda.backward() == Approx(last).epsilon(kTolerance * convolution_rounding()));
    CHECK(half.backward() == Approx(last).epsilon(kBfloat16Tolerance));
  }
  CHECK(last < first);
}

}  // namespace afterglow
