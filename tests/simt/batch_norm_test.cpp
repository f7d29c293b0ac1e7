#include "simt/kernel_test.hpp"
#include "support/oracle_norm.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

constexpr float kEpsilon = 1e-3F;

// Rows and channels: few, primes, whole vectors, more channels than a block has threads, one row
// past what one block takes.
ChannelGeometry any_geometry() {
  return GENERATE(ChannelGeometry{1, 1}, ChannelGeometry{7, 3}, ChannelGeometry{129, 5},
                  ChannelGeometry{257, 8}, ChannelGeometry{61, 64}, ChannelGeometry{5, 521},
                  ChannelGeometry{2049, 4});
}
std::size_t any_shift() { return GENERATE(0U, 1U); }

/// Everything that the kernels are given.
template <typename T>
struct Input {
  Input(const ChannelGeometry& g, std::size_t shift, float offset = 0)
      : x(moved(random_values(g.size(), 1), offset), shift),
        dy(random_values(g.size(), 2), shift),
        gamma(random_values(std::size_t(g.channels), 3)),
        beta(random_values(std::size_t(g.channels), 4)) {}

  static std::vector<float> moved(std::vector<float> values, float by) {
    for (float& value : values) value += by;
    return values;
  }

  Array<T> x, dy;
  Array<float> gamma, beta;
};

/// sqrt, division, two products and a sum of float32, and the statistics' own rounding.
Tolerance norm_tolerance(std::int64_t rows) {
  Tolerance tolerance = sum_tolerance(16);
  // With few rows the variance may be of epsilon's size, and 1 / sqrt(variance) large.
  if (rows < 8) tolerance.absolute *= 30;
  return tolerance;
}

}  // namespace

TEMPLATE_TEST_CASE("batch norm's statistics and result match the oracle", "[simt]", float,
                   bfloat16) {
  const ChannelGeometry g = any_geometry();
  const auto shift = any_shift();
  CAPTURE(g.rows, g.channels, shift);
  const Input<TestType> in(g, shift);
  const auto channels = std::size_t(g.channels);
  const auto expected =
      oracle::batch_norm(g, in.x.read(), in.gamma.read(), in.beta.read(), double(kEpsilon));
  const Doubles result = in_every_order([&] {
    Array<float> mean(channels), variance(channels), mean_rest(channels);
    Array<TestType> y(g.size(), shift);
    Workspace workspace(cuda::batch_norm_workspace(g));
    cuda::batch_norm_statistics(kNow, g, in.x.data(), mean.data(), variance.data(),
                                mean_rest.data(), workspace.data());
    workspace.read();
    cuda::batch_norm_apply(kNow, g, in.x.data(), in.gamma.data(), in.beta.data(), mean.data(),
                           mean_rest.data(), variance.data(), kEpsilon, y.data());
    mean_rest.read();
    return joined(joined(mean.read(), variance.read()), y.read());
  });
  require_close(part(result, 0, channels), expected.mean, sum_tolerance(1));
  require_close(part(result, channels, channels), expected.variance, sum_tolerance(8));
  require_close(part(result, 2 * channels, g.size()), expected.y,
                stored<TestType>(norm_tolerance(g.rows)));
}

TEST_CASE("a large mean costs batch norm no digits of variance", "[simt]") {
  const ChannelGeometry g{2049, 4};
  const Input<float> in(g, 0, 1000.0F);
  const auto expected =
      oracle::batch_norm(g, in.x.read(), in.gamma.read(), in.beta.read(), double(kEpsilon));
  Array<float> mean(4), variance(4), mean_rest(4);
  Workspace workspace(cuda::batch_norm_workspace(g));
  cuda::batch_norm_statistics(kNow, g, in.x.data(), mean.data(), variance.data(), mean_rest.data(),
                              workspace.data());
  require_close(variance.read(), expected.variance, {0, 1e-5});
  Doubles sum = mean.read();
  const Doubles rest = mean_rest.read();
  for (std::size_t c = 0; c < 4; ++c) sum[c] += rest[c];
  // The mean itself is known to more than float32's 24 bits.
  require_close(sum, expected.mean, {0, 1e-9});
}

TEMPLATE_TEST_CASE("batch norm's gradients match the oracle", "[simt]", float, bfloat16) {
  const ChannelGeometry g = any_geometry();
  const auto shift = any_shift();
  CAPTURE(g.rows, g.channels, shift);
  const Input<TestType> in(g, shift);
  const auto channels = std::size_t(g.channels);
  const auto forward =
      oracle::batch_norm(g, in.x.read(), in.gamma.read(), in.beta.read(), double(kEpsilon));
  const Array<float> mean(std::vector<float>(forward.mean.begin(), forward.mean.end()));
  const Array<float> variance(std::vector<float>(forward.variance.begin(), forward.variance.end()));
  const auto check = [&](const oracle::BatchNormGradients& expected, const auto& run) {
    const Doubles result = in_every_order([&] {
      Array<TestType> dx(g.size(), shift);
      Array<float> dgamma(channels), dbeta(channels);
      Workspace workspace(cuda::batch_norm_workspace(g));
      run(dx.data(), dgamma.data(), dbeta.data(), workspace.data());
      workspace.read();
      return joined(joined(dgamma.read(), dbeta.read()), dx.read());
    });
    Tolerance sums = sum_tolerance(std::size_t(g.rows));
    if (g.rows < 8) sums.absolute *= 30;  // as norm_tolerance
    require_close(part(result, 0, channels), expected.dgamma, sums);
    require_close(part(result, channels, channels), expected.dbeta, sums);
    Tolerance dx = norm_tolerance(g.rows);
    if (g.rows < 8) dx.absolute *= 30;  // multiplied by 1 / sqrt(variance) twice
    require_close(part(result, 2 * channels, g.size()), expected.dx, stored<TestType>(dx));
  };
  check(
      oracle::batch_norm_backward(g, in.x.read(), in.dy.read(), in.gamma.read(), double(kEpsilon)),
      [&](TestType* dx, float* dgamma, float* dbeta, void* workspace) {
        cuda::batch_norm_backward(kNow, g, in.x.data(), in.dy.data(), in.gamma.data(), mean.data(),
                                  variance.data(), kEpsilon, dx, dgamma, dbeta, workspace);
      });
  const Array<float> given_mean(random_values(channels, 5));
  std::vector<float> positive = random_values(channels, 6);
  for (float& value : positive) value = std::abs(value) + 0.5F;
  const Array<float> given_variance(positive);
  const auto constant = oracle::batch_norm_inference_backward(
      g, in.x.read(), in.dy.read(), in.gamma.read(), given_mean.read(), given_variance.read(),
      double(kEpsilon));
  check(constant, [&](TestType* dx, float* dgamma, float* dbeta, void* workspace) {
    cuda::batch_norm_inference_backward(kNow, g, in.x.data(), in.dy.data(), in.gamma.data(),
                                        given_mean.data(), given_variance.data(), kEpsilon, dx,
                                        dgamma, dbeta, workspace);
  });
  // What nobody wants is not asked for.
  Array<TestType> dx(g.size(), shift);
  Array<float> dbeta(channels);
  Workspace workspace(cuda::batch_norm_workspace(g));
  cuda::batch_norm_inference_backward<TestType>(kNow, g, nullptr, in.dy.data(), in.gamma.data(),
                                                given_mean.data(), given_variance.data(), kEpsilon,
                                                dx.data(), nullptr, dbeta.data(), workspace.data());
  require_close(dx.read(), constant.dx, stored<TestType>(norm_tolerance(g.rows)));
  require_close(dbeta.read(), constant.dbeta, sum_tolerance(std::size_t(g.rows)));
}

TEMPLATE_TEST_CASE("batch norm by given statistics matches the oracle", "[simt]", float, bfloat16) {
  const ChannelGeometry g = any_geometry();
  const auto shift = any_shift();
  const Input<TestType> in(g, shift);
  const auto channels = std::size_t(g.channels);
  const Array<float> mean(random_values(channels, 5));
  const Array<float> variance(Input<float>::moved(random_values(channels, 6), 1.5F));
  const Doubles result = in_every_order([&] {
    Array<TestType> y(g.size(), shift);
    cuda::batch_norm_apply(kNow, g, in.x.data(), in.gamma.data(), in.beta.data(), mean.data(),
                           nullptr, variance.data(), kEpsilon, y.data());
    return y.read();
  });
  require_close(result,
                oracle::batch_norm_inference(g, in.x.read(), in.gamma.read(), in.beta.read(),
                                             mean.read(), variance.read(), double(kEpsilon)),
                stored<TestType>(norm_tolerance(g.rows)));
}
