#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "kernels/backend.hpp"
#include "support/backend_under_test.hpp"
#include "support/guarded.hpp"
#include "support/oracle_norm.hpp"
#include "support/slope.hpp"

using namespace afterglow;
using test::Guarded;
using test::random_values;
using test::require_close;
using test::to_double;
using test::Tolerance;

namespace {

constexpr float kEpsilon = 1e-3F;  // Keras's
constexpr double kEps = std::numeric_limits<float>::epsilon();
// Single values go through some ten roundings, each of the size of a term: a normalised value (up
// to 4 deviations), times gamma, plus beta.
constexpr Tolerance kSingle{40 * kEps, 16 * kEps};

// Sums over rows: floats in short strips, then doubles, so that the error grows with the short
// strips' length and the size of the sum of absolute values (terms up to 4).
Tolerance row_sum(const ChannelGeometry& g) {
  return {16 * kEps * std::sqrt(double(g.rows) * 32), 64 * kEps};
}

// Values round `center` with the given spread; gamma in [0.5, 1.5).
struct Case {
  ChannelGeometry g;
  std::vector<float> x, dy, gamma, beta;

  Case(const ChannelGeometry& geometry, std::uint64_t seed, float center = 0, float spread = 1)
      : g(geometry),
        x(random_values(g.size(), seed)),
        dy(random_values(g.size(), seed + 1)),
        gamma(random_values(std::size_t(g.channels), seed + 2)),
        beta(random_values(std::size_t(g.channels), seed + 3)) {
    for (float& value : x) value = center + spread * value;
    for (float& value : gamma) value = 1 + value / 2;
  }
  oracle::BatchNorm forward() const {
    return oracle::batch_norm(g, to_double(x), to_double(gamma), to_double(beta), kEpsilon);
  }
};

void check_training(Backend& backend, const Case& c) {
  const auto channels = std::size_t(c.g.channels);
  const Guarded x(backend, c.x), dy(backend, c.dy), gamma(backend, c.gamma), beta(backend, c.beta);
  const Guarded y(backend, c.g.size()), mean(backend, channels), variance(backend, channels);
  const auto reference = c.forward();
  backend.batch_norm(c.g, x.span(), gamma.span(), beta.span(), kEpsilon, y.span(), mean.span(),
                     variance.span());
  require_close(mean.read(), reference.mean, {4 * kEps, 4 * kEps});
  require_close(variance.read(), reference.variance, {4 * kEps, 16 * kEps});
  require_close(y.read(), reference.y, kSingle);

  const auto slopes = oracle::batch_norm_backward(c.g, to_double(c.x), to_double(c.dy),
                                                  to_double(c.gamma), kEpsilon);
  const Guarded dx(backend, c.g.size()), dgamma(backend, channels), dbeta(backend, channels);
  backend.batch_norm_backward(c.g, x.span(), dy.span(), gamma.span(), mean.span(), variance.span(),
                              kEpsilon, dx.span(), dgamma.span(), dbeta.span());
  require_close(dgamma.read(), slopes.dgamma, row_sum(c.g));
  require_close(dbeta.read(), slopes.dbeta, row_sum(c.g));
  // A single row has no spread: its dx is the difference of terms as large as 1 / sqrt(epsilon).
  const double largest = 1.5 / std::sqrt(double(kEpsilon));
  require_close(dx.read(), slopes.dx, {16 * kEps * largest, 16 * kEps});

  // Gradients that nobody wants are left out.
  const Guarded alone(backend, c.g.size());
  backend.batch_norm_backward(c.g, x.span(), dy.span(), gamma.span(), mean.span(), variance.span(),
                              kEpsilon, alone.span(), {}, {});
  REQUIRE(alone.read() == dx.read());
  backend.batch_norm_backward(c.g, x.span(), dy.span(), gamma.span(), mean.span(), variance.span(),
                              kEpsilon, {}, {}, {});
}

void check_inference(Backend& backend, const Case& c) {
  const auto channels = std::size_t(c.g.channels);
  const auto running_mean = random_values(channels, 5);
  auto running_variance = random_values(channels, 6);
  for (float& value : running_variance) value *= value;
  const auto m = to_double(running_mean), v = to_double(running_variance);
  const Guarded x(backend, c.x), dy(backend, c.dy), gamma(backend, c.gamma), beta(backend, c.beta);
  const Guarded mean(backend, running_mean), variance(backend, running_variance);
  const Guarded y(backend, c.g.size());
  const double largest = 3 / std::sqrt(double(kEpsilon));  // of a normalised value
  const Tolerance tolerance{8 * kEps * largest, 8 * kEps};
  const Norm norm{gamma.span(), beta.span(), mean.span(), variance.span(), kEpsilon};
  backend.batch_norm_inference(c.g, x.span(), norm, y.span());
  const Guarded in_place(backend, c.x);
  backend.batch_norm_inference(c.g, in_place.span(), norm, in_place.span());
  REQUIRE(in_place.read() == y.read());
  require_close(y.read(),
                oracle::batch_norm_inference(c.g, to_double(c.x), to_double(c.gamma),
                                             to_double(c.beta), m, v, kEpsilon),
                tolerance);

  const auto slopes = oracle::batch_norm_inference_backward(c.g, to_double(c.x), to_double(c.dy),
                                                            to_double(c.gamma), m, v, kEpsilon);
  const Guarded dx(backend, c.g.size()), dgamma(backend, channels), dbeta(backend, channels);
  backend.batch_norm_inference_backward(c.g, x.span(), dy.span(), gamma.span(), mean.span(),
                                        variance.span(), kEpsilon, dx.span(), dgamma.span(),
                                        dbeta.span());
  require_close(dx.read(), slopes.dx, tolerance);
  const Tolerance sums = row_sum(c.g);
  require_close(dgamma.read(), slopes.dgamma, {sums.absolute * largest, sums.relative});
  require_close(dbeta.read(), slopes.dbeta, sums);

  // x is not needed where gamma's gradient is not.
  const Guarded dx_alone(backend, c.g.size()), dbeta_alone(backend, channels);
  backend.batch_norm_inference_backward(c.g, {}, dy.span(), gamma.span(), mean.span(),
                                        variance.span(), kEpsilon, dx_alone.span(), {},
                                        dbeta_alone.span());
  REQUIRE(dx_alone.read() == dx.read());
  require_close(dbeta_alone.read(), slopes.dbeta, sums);
}

double dot(const oracle::Doubles& a, const oracle::Doubles& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

TEST_CASE("the batch norm oracle's gradients are the slopes of its forward") {
  const Case c({7, 3}, 1);
  const auto x = to_double(c.x), dy = to_double(c.dy), gamma = to_double(c.gamma),
             beta = to_double(c.beta);
  const auto loss = [&](const auto& at_x, const auto& at_gamma, const auto& at_beta) {
    return dot(oracle::batch_norm(c.g, at_x, at_gamma, at_beta, kEpsilon).y, dy);
  };
  // Error of a difference: step^2 f'''/6 below 1e-8, rounding 1e-16 / step.
  constexpr double kStep = 1e-5, kDifference = 1e-7;
  const auto analytic = oracle::batch_norm_backward(c.g, x, dy, gamma, kEpsilon);
  const auto compare = [&](const oracle::Doubles& left, const oracle::Doubles& right) {
    for (std::size_t i = 0; i < left.size(); ++i)
      REQUIRE(left[i] == Approx(right[i]).epsilon(0).margin(kDifference));
  };
  compare(analytic.dx,
          oracle::slopes(x, kStep, [&](const auto& at) { return loss(at, gamma, beta); }));
  compare(analytic.dgamma,
          oracle::slopes(gamma, kStep, [&](const auto& at) { return loss(x, at, beta); }));
  compare(analytic.dbeta,
          oracle::slopes(beta, kStep, [&](const auto& at) { return loss(x, gamma, at); }));
}

TEST_CASE("batch norm and its gradients match the oracle for every size") {
  const auto backend = test::make_backend();
  const auto rows = GENERATE(1, 2, 31, 33, 513, 2049);
  const auto channels = GENERATE(1, 3, 7, 16, 17, 65, 257);
  const Case c({rows, channels}, 10);
  CAPTURE(rows, channels);
  check_training(*backend, c);
  check_inference(*backend, c);
}

TEST_CASE("batch norm matches the oracle on a layer's worth of rows") {
  const auto backend = test::make_backend();
  const Case c({16 * 64 * 64 + 1, 3}, 20);
  check_training(*backend, c);
  check_inference(*backend, c);
}

TEST_CASE("a large mean costs batch norm no digits of a small variance") {
  const auto backend = test::make_backend();
  const Case c({5000, 17}, 30, 1000.0F, 0.01F);
  const Guarded x(*backend, c.x), gamma(*backend, c.gamma), beta(*backend, c.beta);
  const Guarded y(*backend, c.g.size()), mean(*backend, 17), variance(*backend, 17);
  backend->batch_norm(c.g, x.span(), gamma.span(), beta.span(), kEpsilon, y.span(), mean.span(),
                      variance.span());
  const auto reference = c.forward();
  require_close(mean.read(), reference.mean, {0, kEps});
  require_close(variance.read(), reference.variance, {0, 16 * kEps});
  require_close(y.read(), reference.y, kSingle);
}

TEST_CASE("a channel of equal values has no variance and becomes beta") {
  const auto backend = test::make_backend();
  const ChannelGeometry g{1000, 2};
  const Guarded x(*backend, std::vector<float>(g.size(), 123.456F));
  const Guarded gamma(*backend, std::vector<float>{2, 3}), beta(*backend, std::vector<float>{5, 7});
  const Guarded y(*backend, g.size()), mean(*backend, 2), variance(*backend, 2);
  backend->batch_norm(g, x.span(), gamma.span(), beta.span(), kEpsilon, y.span(), mean.span(),
                      variance.span());
  CHECK(mean.read() == std::vector<float>(2, 123.456F));
  CHECK(variance.read() == std::vector<float>(2, 0.0F));
  const auto result = y.read();
  for (std::size_t i = 0; i < result.size(); ++i) REQUIRE(result[i] == (i % 2 == 0 ? 5.0F : 7.0F));
}
