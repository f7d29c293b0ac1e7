#include "nn/recurrent_colorizer.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow {
namespace {

/// A network of one layer: output = current + previous / 4, so that every frame it has seen leaves
/// its trace in the output. Exact in float for the inputs below.
class Blend : public ColorizationModel {
 public:
  explicit Blend(const std::shared_ptr<Backend>& backend) : ColorizationModel({}) {
    std::vector<float> kernel(6 * 3);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      kernel[channel * 3 + channel] = 1;
      kernel[(channel + 3) * 3 + channel] = 0.25F;
    }
    kernel_ = add_parameter("kernel", Tensor::from_host(backend, {1, 1, 6, 3}, kernel));
  }
  void set_norm_momentum(float) override {}
  std::vector<LayerDescription> describe() const override { return {}; }

 private:
  Variable run(const Variable& x) override { return ops::conv2d(x, kernel_, {}); }

  Variable kernel_;
};

struct Fixture {
  std::shared_ptr<Backend> backend = make_cpu_backend();
  Blend model{backend};

  Tensor frame(float value) const {
    return Tensor::full(backend, {1, kNetworkSize, kNetworkSize, 3}, value);
  }
  /// The output's value, which is the same everywhere.
  static float value(const Tensor& output) {
    REQUIRE(output.shape() == Shape{1, kNetworkSize, kNetworkSize, 3});
    const std::vector<float> values = output.to_host();
    for (const float each : values) {
      if (each != values[0]) FAIL("the output is not flat");
    }
    return values[0];
  }
};

TEST_CASE_METHOD(Fixture, "own: the last output enters, unrounded and unclamped") {
  RecurrentColorizer colorizer(model, Previous::kOwn);
  CHECK(value(colorizer.step(frame(255))) == 318.75F);             // 255 + 255 / 4
  CHECK(value(colorizer.step(frame(10))) == 10 + 318.75F / 4);     // 89.6875
  CHECK(value(colorizer.step(frame(200))) == 200 + 89.6875F / 4);  // not of 90
}

TEST_CASE_METHOD(Fixture, "baseline: the last input enters") {
  RecurrentColorizer colorizer(model, Previous::kBaseline);
  CHECK(value(colorizer.step(frame(100))) == 125);
  CHECK(value(colorizer.step(frame(40))) == 40 + 25);
  CHECK(value(colorizer.step(frame(8))) == 8 + 10);
}

TEST_CASE_METHOD(Fixture, "truth: the last true frame enters, the first input for a first frame") {
  RecurrentColorizer colorizer(model, Previous::kTruth);
  CHECK(value(colorizer.step(frame(100), frame(200))) == 125);
  CHECK(value(colorizer.step(frame(40), frame(120))) == 40 + 50);
  CHECK(value(colorizer.step(frame(8), frame(0))) == 8 + 30);
  CHECK_THROWS_AS(colorizer.step(frame(8)), ShapeError);
}

TEST_CASE_METHOD(Fixture, "a reset begins a clip") {
  const Previous previous = GENERATE(Previous::kOwn, Previous::kBaseline, Previous::kTruth);
  RecurrentColorizer colorizer(model, previous);
  colorizer.step(frame(100), frame(200));
  colorizer.reset();
  CHECK(value(colorizer.step(frame(40), frame(4))) == 50);
}

TEST_CASE_METHOD(Fixture, "another colorizer follows where one stopped") {
  const Previous previous = GENERATE(Previous::kOwn, Previous::kBaseline, Previous::kTruth);
  RecurrentColorizer first(model, previous);
  first.step(frame(100), frame(200));
  const std::vector<float> before = first.before().to_host();
  const float next = value(first.step(frame(40), frame(4)));
  RecurrentColorizer second(model, previous);
  second.follow(Tensor::from_host(backend, {1, kNetworkSize, kNetworkSize, 3}, before));
  CHECK(value(second.step(frame(40), frame(4))) == next);
  CHECK(next != 50);
  CHECK_THROWS_AS(second.follow(Tensor::zeros(backend, {1, 64, 64, 3})), ShapeError);
}

TEST_CASE_METHOD(Fixture, "the model is put into inference mode and keeps no history") {
  model.train(true);
  RecurrentColorizer colorizer(model, Previous::kOwn);
  CHECK_FALSE(model.training());
  for (int i = 0; i < 3; ++i) colorizer.step(frame(1));
  const std::size_t peak = backend->memory().peak_in_use;
  for (int i = 0; i < 50; ++i) colorizer.step(frame(1));
  CHECK(backend->memory().peak_in_use == peak);
}

TEST_CASE_METHOD(Fixture, "frames of another size are refused") {
  RecurrentColorizer colorizer(model, Previous::kOwn);
  CHECK_THROWS_AS(colorizer.step(Tensor::zeros(backend, {1, 64, 64, 3})), ShapeError);
  CHECK_THROWS_AS(colorizer.step(Tensor::zeros(backend, {2, 128, 128, 3})), ShapeError);
}

TEST_CASE("what enters as the frame before goes by name") {
  CHECK(parse_previous("own") == Previous::kOwn);
  CHECK(parse_previous("baseline") == Previous::kBaseline);
  CHECK(parse_previous("truth") == Previous::kTruth);
  CHECK_THROWS_WITH(parse_previous("mine"),
                    Catch::Contains("--previous: ") && Catch::Contains("; use own, baseline"));
}

}  // namespace
}  // namespace afterglow
