#include "nn/optimizer.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/random.hpp"
#include "kernels/backend.hpp"

namespace afterglow {
namespace {

/// Ten float steps of a handful of operations each: a few eps of the largest value.
constexpr double kAdamTolerance = 1e-6;

struct Oracle {
  std::vector<double> p, m, v;

  void step(const std::vector<double>& gradient, double t, double lr) {
    for (std::size_t i = 0; i < p.size(); ++i) {
      m[i] = 0.9 * m[i] + 0.1 * gradient[i];
      v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i];
      const double rate = lr * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t));
      p[i] -= rate * m[i] / (std::sqrt(v[i]) + 1e-7);
    }
  }
};

void set_gradient(Variable variable, const std::vector<double>& gradient) {
  const std::vector<float> values(gradient.begin(), gradient.end());
  variable.gradient() = Tensor::from_host(variable.backend(), variable.shape(), values);
}

}  // namespace

TEST_CASE("ten Adam steps agree with Keras's formula in double") {
  const double clip = GENERATE(0.0, 1.5);
  const auto backend = make_cpu_backend();
  Rng rng(5);
  Oracle a{{0.5, -1, 2}, {0, 0, 0}, {0, 0, 0}};
  Oracle b{{3, 4}, {0, 0}, {0, 0}};
  const std::vector<float> a0{0.5F, -1, 2};
  const std::vector<float> b0{3, 4};
  const Variable x(Tensor::from_host(backend, {3}, a0), true);
  const Variable y(Tensor::from_host(backend, {2}, b0), true);
  AdamOptions options;
  options.learning_rate = 0.05;
  options.clip_norm = clip;
  Adam adam({{"x", x}, {"y", y}}, options);
  for (int t = 1; t <= 10; ++t) {
    std::vector<double> ga(3);
    std::vector<double> gb(2);
    double squares = 0;
    for (double& g : ga)
      squares += std::pow(g = static_cast<double>(static_cast<float>(rng.normal())), 2);
    for (double& g : gb)
      squares += std::pow(g = static_cast<double>(static_cast<float>(rng.normal())), 2);
    set_gradient(x, ga);
    set_gradient(y, gb);
    const double norm = std::sqrt(squares);
    if (clip > 0 && norm > clip) {
      for (double& g : ga) g *= clip / norm;
      for (double& g : gb) g *= clip / norm;
    }
    a.step(ga, t, options.learning_rate);
    b.step(gb, t, options.learning_rate);
    adam.step();
    CHECK_FALSE(x.gradient());
  }
  CHECK(adam.steps() == 10);
  const std::vector<float> xs = x.value().to_host();
  const std::vector<float> ys = y.value().to_host();
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(static_cast<double>(xs[i]) == Approx(a.p[i]).epsilon(0).margin(kAdamTolerance));
  }
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(static_cast<double>(ys[i]) == Approx(b.p[i]).epsilon(0).margin(kAdamTolerance));
  }
}

TEST_CASE("AdamW steps along a schedule agree with the recurrence in double") {
  const auto backend = make_cpu_backend();
  Rng rng(7);
  Oracle oracle{{0.5, -1, 2}, {0, 0, 0}, {0, 0, 0}};
  const std::vector<float> start{0.5F, -1, 2};
  const Variable x(Tensor::from_host(backend, {3}, start), true);
  AdamOptions options;
  options.learning_rate = 1;  // of no step
  options.weight_decay = 0.25;
  Adam adam({{"x", x}}, options);
  for (int t = 1; t <= 10; ++t) {
    const double rate = 0.01 * t;
    std::vector<double> gradient(3);
    for (double& g : gradient) g = static_cast<double>(static_cast<float>(rng.normal()));
    set_gradient(x, gradient);
    // The decay is of the parameter before the step, and no part of m and v.
    for (double& p : oracle.p) p -= rate * 0.25 * p;
    oracle.step(gradient, t, rate);
    adam.set_learning_rate(rate);
    adam.step();
  }
  const std::vector<float> xs = x.value().to_host();
  const std::vector<float> m = adam.first_moments().front().value.to_host();
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(static_cast<double>(xs[i]) == Approx(oracle.p[i]).epsilon(0).margin(kAdamTolerance));
    CHECK(static_cast<double>(m[i]) == Approx(oracle.m[i]).epsilon(0).margin(kAdamTolerance));
  }
}

TEST_CASE("a parameter without gradients decays by the rate alone") {
  const auto backend = make_cpu_backend();
  const std::vector<float> start{1, -2};
  const Variable x(Tensor::from_host(backend, {2}, start), true);
  AdamOptions options;
  options.learning_rate = 0.5;
  options.weight_decay = 0.25;
  Adam adam({{"x", x}}, options);
  set_gradient(x, {0, 0});
  adam.step();
  CHECK(x.value().to_host() == std::vector<float>{0.875F, -1.75F});
}

TEST_CASE("Adam refuses a parameter that got no gradient, and leaves frozen ones alone") {
  const auto backend = make_cpu_backend();
  const Variable x(Tensor::zeros(backend, {2}), true);
  const Variable frozen(Tensor::zeros(backend, {2}), false);
  Adam adam({{"x", x}, {"frozen", frozen}}, {});
  CHECK(adam.first_moments().size() == 1);
  CHECK_THROWS_AS(adam.step(), Error);
}

TEST_CASE("Adam stops before a gradient that is not finite reaches a weight") {
  const auto backend = make_cpu_backend();
  const double bad =
      GENERATE(std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN());
  const std::vector<float> start{1, 2};
  const Variable x(Tensor::from_host(backend, {2}, start), true);
  const Variable y(Tensor::from_host(backend, {2}, start), true);
  Adam adam({{"first", x}, {"second", y}}, {});
  set_gradient(x, {1, 1});
  set_gradient(y, {1, bad});
  CHECK_THROWS_WITH(adam.step(), Catch::Contains("second") && Catch::Contains("step 1"));
  CHECK(x.value().to_host() == start);
  CHECK(y.value().to_host() == start);
  CHECK(adam.steps() == 0);
}

}  // namespace afterglow
