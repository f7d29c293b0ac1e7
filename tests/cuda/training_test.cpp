// Whole networks on the CUDA backend: training steps and a film like the CPU backend's, and the
// same with and without graphs.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "cuda/reference.hpp"
#include "kernels/cuda/cuda_backend.hpp"
#include "nn/models/colorization_model.hpp"
#include "nn/ops/ops.hpp"
#include "nn/optimizer.hpp"
#include "nn/recurrent_colorizer.hpp"
#include "nn/repeated.hpp"

namespace afterglow {
namespace {

constexpr std::int32_t kNarrow = 8;
constexpr float kBeta = 0.8F;

std::shared_ptr<Backend> cuda_backend(bool graphs, Precision precision = Precision::kFloat32) {
  return std::make_shared<cuda::CudaBackend>(0, precision, graphs);
}

/// Smooth pictures that move a little from frame to frame, like a film's.
std::vector<std::uint8_t> frames(std::int64_t count, double phase) {
  std::vector<std::uint8_t> values;
  for (std::int64_t t = 0; t < count; ++t) {
    for (std::int64_t y = 0; y < kNetworkSize; ++y) {
      for (std::int64_t x = 0; x < kNetworkSize; ++x) {
        for (int c = 0; c < 3; ++c) {
          const double wave = std::sin(0.11 * double(x + t) + 0.07 * double(y) + double(c) + phase);
          values.push_back(static_cast<std::uint8_t>(127.5 + 100 * wave));
        }
      }
    }
  }
  return values;
}

/// Steps of training on one batch.
class Training {
 public:
  Training(std::shared_ptr<Backend> backend, const ModelSpec& spec, std::int64_t count)
      : backend_(std::move(backend)),
        model_(make_model(backend_, spec, 1)),
        adam_(model_->parameters(), {}),
        current_(on_device(count, 0)),
        previous_(on_device(count, -0.11)),
        truth_(on_device(count, 1)),
        starts_(backend_, std::vector<std::uint8_t>(static_cast<std::size_t>(count))),
        value_(backend_),
        passes_([this] {
          const Variable x = ops::concat_channels(Variable(current_), Variable(previous_));
          ops::backward_temporal_mse(model_->forward(x), truth_, kBeta, starts_, value_);
          adam_.apply();
        }) {
    model_->train(true);
  }

  double step() {
    adam_.begin();
    passes_.run(*backend_);
    const double loss = value_.value().loss;
    adam_.end();
    return loss;
  }

  std::vector<float> weights() const {
    std::vector<float> all;
    for (const Weight& weight : model_->weights()) {
      const std::vector<float> values = weight.value.to_host();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  }

 private:
  Tensor on_device(std::int64_t count, double phase) const {
    return Tensor::from_host(backend_, {count, kNetworkSize, kNetworkSize, 3},
                             std::span<const std::uint8_t>(frames(count, phase)));
  }

  std::shared_ptr<Backend> backend_;
  std::unique_ptr<ColorizationModel> model_;
  Adam adam_;
  Tensor current_, previous_, truth_;
  DeviceArray<std::uint8_t> starts_;
  DeviceArray<TemporalMseValue> value_;
  Repeated passes_;
};

std::vector<std::vector<float>> film(const std::shared_ptr<Backend>& backend, const ModelSpec& spec,
                                     std::int64_t count) {
  const auto model = make_model(backend, spec, 1);
  RecurrentColorizer colorizer(*model, Previous::kOwn);
  std::vector<std::vector<float>> result;
  for (std::int64_t t = 0; t < count; ++t) {
    if (t == count - 1) colorizer.reset();  // a cut
    const std::vector<std::uint8_t> frame = frames(1, 0.3 * double(t));
    const Shape shape{1, kNetworkSize, kNetworkSize, 3};
    result.push_back(colorizer.step(Tensor::from_host(backend, shape, std::span(frame))).to_host());
  }
  return result;
}

}  // namespace

TEST_CASE("ten training steps lose what they lose on the CPU", "[slow]") {
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  CAPTURE(arch_name(arch));
  const ModelSpec spec{arch, Decoder::kUpsample, kNarrow};
  Training cpu(test::reference_backend(), spec, 4), cuda(cuda_backend(true), spec, 4);
  Training half(cuda_backend(true, Precision::kBfloat16), spec, 4);
  // Both round differently (some 1e-6 a pass); Adam's first steps, of the size of the learning
  // rate whatever the gradient's, carry that on.
  constexpr double kTolerance = 2e-3;
  // Each of some twenty layers rounds to 2^-9 of its values, and those errors are independent.
  constexpr double kBfloat16Tolerance = 2e-2;
  for (int step = 0; step < 10; ++step) {
    const double expected = cpu.step();
    CAPTURE(step);
    CHECK(cuda.step() == Approx(expected).epsilon(kTolerance));
    CHECK(half.step() == Approx(expected).epsilon(kBfloat16Tolerance));
  }
}

TEST_CASE("two small training steps", "[large]") {  // what compute-sanitizer has time for
  const Precision precision = GENERATE(Precision::kFloat32, Precision::kBfloat16);
  Training training(cuda_backend(false, precision), {Arch::kAlexnet, Decoder::kUpsample, kNarrow},
                    1);
  const double first = training.step(), second = training.step();
  CHECK(std::isfinite(first));
  CHECK(second < first);
}

TEST_CASE("training steps give the same bits as graphs and kernel by kernel", "[slow]") {
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  const Precision precision = GENERATE(Precision::kFloat32, Precision::kBfloat16);
  const ModelSpec spec{arch, Decoder::kUpsample, 2 * kNarrow};
  Training one(cuda_backend(true, precision), spec, 2);
  Training other(cuda_backend(false, precision), spec, 2);
  for (int step = 0; step < 4; ++step) CHECK(one.step() == other.step());
  CHECK(one.weights() == other.weights());
}

TEST_CASE("a film is coloured as on the CPU, with the same bits as graphs and kernel by kernel") {
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  CAPTURE(arch_name(arch));
  const ModelSpec spec{arch, Decoder::kUpsample, 2 * kNarrow};
  constexpr std::int64_t kFrames = 5;
  const auto expected = film(test::reference_backend(), spec, kFrames);
  const auto graphs = film(cuda_backend(true), spec, kFrames);
  CHECK(graphs == film(cuda_backend(false), spec, kFrames));
  // Of pictures of some 100 levels; each of some twenty layers rounds to 1e-7 of its sums.
  constexpr float kTolerance = 2e-3F;
  for (std::size_t t = 0; t < expected.size(); ++t) {
    float worst = 0;
    for (std::size_t i = 0; i < expected[t].size(); ++i) {
      worst = std::max(worst, std::abs(graphs[t][i] - expected[t][i]));
    }
    CAPTURE(t);
    CHECK(worst < kTolerance);
  }
}

}  // namespace afterglow
