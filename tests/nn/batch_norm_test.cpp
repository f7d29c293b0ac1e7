#include "nn/layers/batch_norm.hpp"

#include <cmath>

#include "nn/layers/conv2d.hpp"
#include "support/forwarding_backend.hpp"
#include "support/oracle_norm.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

constexpr float kMomentum = 0.75F;  // exact, so that the double formula has the same
constexpr float kEpsilon = 1e-3F;   // Keras's

ops::RunningStatistics statistics(std::int64_t channels) {
  const Input mean = random_input({channels}, 11);
  std::vector<float> variance = random_values(static_cast<std::size_t>(channels), 12);
  for (float& value : variance) value = std::abs(value) + 0.25F;
  return {Tensor::from_host(test_backend(), mean.shape, mean.values),
          Tensor::from_host(test_backend(), mean.shape, variance)};
}

/// Counts the norms that are passes of their own.
class CountedNorms final : public ForwardingBackend {
 public:
  CountedNorms() : ForwardingBackend(make_cpu_backend()) {}
  void batch_norm_inference(const ChannelGeometry& g, Source x, const Norm& norm,
                            Destination y) override {
    ++count;
    ForwardingBackend::batch_norm_inference(g, x, norm, y);
  }

  int count = 0;
};

/// Weights of no particular kind.
void randomize(Module& module) {
  std::uint64_t seed = 20;
  for (Weight& weight : module.weights()) {
    std::vector<float> values =
        random_values(static_cast<std::size_t>(weight.value.size()), ++seed);
    if (weight.name.ends_with("moving_variance")) {
      for (float& value : values) value = std::abs(value) + 0.25F;
    }
    weight.value.copy_from_host(values);
  }
}

Doubles blended(const Tensor& before, const Doubles& batch, double factor) {
  Doubles running = to_double(before.to_host());
  for (std::size_t i = 0; i < running.size(); ++i) {
    running[i] = double(kMomentum) * running[i] + (1 - double(kMomentum)) * factor * batch[i];
  }
  return running;
}

}  // namespace

TEST_CASE("batch_norm on the tape matches its double") {
  const Shape shape = GENERATE(values<Shape>({{2, 3, 4, 5}, {1, 1, 2, 1}, {3, 7, 5, 17}}));
  CAPTURE(shape.to_string());
  const std::int64_t channels = shape[3], rows = shape[0] * shape[1] * shape[2];
  const ChannelGeometry g{rows, static_cast<std::int32_t>(channels)};
  ops::RunningStatistics running = statistics(channels);
  check_op(
      {random_input(shape, 1), random_input({channels}, 2), random_input({channels}, 3)},
      [&](const std::vector<Variable>& in) {
        return ops::batch_norm(in[0], in[1], in[2], running, kMomentum, kEpsilon);
      },
      [&](const std::vector<Doubles>& in) {
        return oracle::batch_norm(g, in[0], in[1], in[2], double(kEpsilon)).y;
      },
      static_cast<std::size_t>(rows), 4);
}

TEST_CASE("batch_norm moves the running statistics towards the batch's, the variance unbiased") {
  const auto copies = GENERATE(1, 4);
  CAPTURE(copies);
  const Input x = random_input({2, 3, 4, 5}, 1), gamma = random_input({5}, 2);
  ops::RunningStatistics running = statistics(5);
  const Tensor mean = running.mean.clone(), variance = running.variance.clone();
  ops::batch_norm(variable(x, true), variable(gamma, true), variable(gamma, true), running,
                  kMomentum, kEpsilon, copies);
  const Doubles g = to_double(gamma.values);
  const auto batch = oracle::batch_norm({24, 5}, to_double(x.values), g, g, double(kEpsilon));
  const double n = 24.0 * copies;
  require_close(running.mean.to_host(), blended(mean, batch.mean, 1.0), sum_tolerance(24));
  require_close(running.variance.to_host(), blended(variance, batch.variance, n / (n - 1)),
                sum_tolerance(24));
}

TEST_CASE("batch_norm of a single pixel keeps the biased variance, which is 0") {
  ops::RunningStatistics running = statistics(3);
  const Tensor variance = running.variance.clone();
  const Variable one = variable(random_input({3}, 2), false);
  const Variable y = ops::batch_norm(variable(random_input({1, 1, 1, 3}, 1), false), one, one,
                                     running, kMomentum, kEpsilon);
  require_close(y.value().to_host(), to_double(one.value().to_host()), sum_tolerance(1));
  require_close(running.variance.to_host(), blended(variance, Doubles(3, 0.0), 1.0),
                sum_tolerance(1));
}

TEST_CASE("batch_norm with 4 copies, then an upsample, equals the upsample, then batch_norm") {
  const Input x = random_input({2, 5, 3, 7}, 1), gamma = random_input({7}, 2);
  const Input beta = random_input({7}, 3);
  const std::size_t pixels = 2 * 10 * 6;
  const std::vector<float> dy = random_values(pixels * 7, 4);
  const auto run = [&](bool norm_first) {
    const Variable in = variable(x, true), g = variable(gamma, true), b = variable(beta, true);
    ops::RunningStatistics running = statistics(7);
    const Variable y =
        norm_first
            ? ops::upsample_nearest(ops::batch_norm(in, g, b, running, kMomentum, kEpsilon, 4))
            : ops::batch_norm(ops::upsample_nearest(in), g, b, running, kMomentum, kEpsilon);
    backward(y, Tensor::from_host(test_backend(), y.shape(), dy));
    return std::vector{y.value().to_host(),    in.gradient().to_host(), g.gradient().to_host(),
                       b.gradient().to_host(), running.mean.to_host(),  running.variance.to_host()};
  };
  const auto low = run(true), high = run(false);
  for (std::size_t i = 0; i < low.size(); ++i) {
    CAPTURE(i);
    const Tolerance one = sum_tolerance(pixels);  // both sides round
    require_close(low[i], to_double(high[i]), {2 * one.absolute, 2 * one.relative});
  }
}

TEST_CASE("batch_norm_inference on the tape matches its double and keeps the statistics") {
  const ChannelGeometry g{24, 5};
  const ops::RunningStatistics running = statistics(5);
  const std::vector<float> mean = running.mean.to_host(), variance = running.variance.to_host();
  check_op(
      {random_input({2, 3, 4, 5}, 1), random_input({5}, 2), random_input({5}, 3)},
      [&](const std::vector<Variable>& in) {
        return ops::batch_norm_inference(in[0], {in[1], in[2], running, kEpsilon});
      },
      [&](const std::vector<Doubles>& in) {
        return oracle::batch_norm_inference(g, in[0], in[1], in[2], to_double(mean),
                                            to_double(variance), double(kEpsilon));
      },
      24, 4);
  CHECK(running.mean.to_host() == mean);
  CHECK(running.variance.to_host() == variance);
}

TEST_CASE("a layer does the norm behind it as the norm does, at inference in one pass") {
  const auto backend = std::make_shared<CountedNorms>();
  Rng rng(1);
  const Conv2dSpec spec{32, 48, 3, Padding::kSame};
  Conv2d conv("conv", backend, spec, rng);
  UpsampleConv2d upsample("upsample", backend, spec, rng);
  UpsampleConvTranspose2d transposed("transposed", backend, spec, rng);
  const Tensor pixels =
      Tensor::from_host(backend, {1, 10, 9, 32}, random_input({1, 10, 9, 32}, 2).values);

  struct Case {
    KernelLayer& layer;
    int norms;  // of their own at inference
  };
  for (const auto& [layer, norms] : {Case{conv, 0}, {upsample, 0}, {transposed, 1}}) {
    CAPTURE(layer.name());
    BatchNorm norm("norm", backend, spec.filters);
    randomize(norm);
    const auto forward = [&](const Variable& x, bool together) {
      return together ? layer.forward(x, norm) : norm.forward(layer.forward(x));
    };
    // The result, and the gradients of x and of all parameters.
    const auto trained = [&](bool together) {
      const Variable x(pixels, true);
      const Variable y = forward(x, together);
      std::vector<std::vector<float>> values{y.value().to_host()};
      backward(y, Tensor::from_host(backend, y.shape(), random_input(y.shape(), 3).values));
      values.push_back(x.gradient().to_host());
      for (Module* module : {static_cast<Module*>(&layer), static_cast<Module*>(&norm)}) {
        for (Parameter& parameter : module->parameters()) {
          values.push_back(parameter.value.gradient().to_host());
          parameter.value.clear_gradient();
        }
      }
      return values;
    };
    for (const bool training : {false, true}) {
      norm.train(training);
      CHECK(trained(true) == trained(false));
    }
    norm.train(false);
    const auto check_one_pass = [&] {
      const Variable x(pixels);
      const std::vector<float> apart = forward(x, false).value().to_host();
      backend->count = 0;
      CHECK(forward(x, true).value().to_host() == apart);
      CHECK(backend->count == norms);
    };
    {
      const NoGradient inference;
      check_one_pass();
    }
    layer.freeze();
    norm.freeze();
    norm.train(true);
    check_one_pass();  // frozen in a network that is trained
  }
}
