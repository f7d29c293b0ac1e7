// The ECCV16 colorizer on the CUDA backend: its scores and colours are the CPU backend's.
#include "nn/models/eccv16.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/random.hpp"
#include "cuda/reference.hpp"
#include "kernels/cuda/cuda_backend.hpp"
#include "support/largest.hpp"

namespace afterglow {
namespace {

using test::largest;

// Every layer at its full width, on a picture that the software GPU has the time for.
constexpr std::int64_t kHeight = 24, kWidth = 16;

struct Result {
  std::vector<float> scores, ab;
};

/// What the network makes of random lightness, with weights drawn at random.
Result colorize(const std::shared_ptr<Backend>& backend) {
  Eccv16 network(backend);
  Rng rng(2);
  std::vector<float> values(static_cast<std::size_t>(kHeight * kWidth));
  for (float& value : values) value = static_cast<float>(100 * rng.uniform() - 50);
  const NoGradient inference;
  const Variable lightness(Tensor::from_host(backend, {1, kHeight, kWidth, 1}, values));
  return {network.scores(lightness).value().to_host(),
          network.forward(lightness).value().to_host()};
}

/// The largest difference, and the mean one.
struct Difference {
  double worst = 0, mean = 0;
};

Difference difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  Difference result;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double size = std::abs(double{a[i]} - b[i]);
    result.worst = std::max(result.worst, size);
    result.mean += size / static_cast<double>(a.size());
  }
  return result;
}

}  // namespace

TEST_CASE("the ECCV16 colorizer scores and colours as on the CPU", "[large]") {
  const Result expected = colorize(test::reference_backend());
  const double size = largest(expected.scores);
  REQUIRE(size > 0);
  SECTION("float32") {
    // 22 layers, each of sums in another order.
    constexpr double kOfLargestScore = 1e-4, kColour = 1e-3;
    const auto backend = std::make_shared<cuda::CudaBackend>(0, Precision::kFloat32, true);
    const Result result = colorize(backend);
    const double scores = difference(result.scores, expected.scores).worst / size;
    const double colours = difference(result.ab, expected.ab).worst;
    CAPTURE(scores, colours);
    CHECK(scores < kOfLargestScore);
    CHECK(colours < kColour);
  }
  SECTION("bfloat16") {
    // Each layer rounds to 2^-9 of its values; those errors are independent.
    constexpr double kOfLargestScore = 1e-2;
    const auto backend = std::make_shared<cuda::CudaBackend>(0, Precision::kBfloat16, true);
    const double scores = difference(colorize(backend).scores, expected.scores).mean / size;
    CAPTURE(scores);
    CHECK(scores < kOfLargestScore);
  }
}

}  // namespace afterglow
