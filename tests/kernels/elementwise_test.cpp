#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "kernels/backend.hpp"
#include "support/backend_under_test.hpp"
#include "support/guarded.hpp"
#include "support/oracle_elementwise.hpp"
#include "support/scalars.hpp"

using namespace afterglow;
using test::Guarded;
using test::random_values;
using test::require_close;
using test::sum_tolerance;
using test::to_double;

namespace {

constexpr test::Tolerance kExact{};
constexpr double kEps = std::numeric_limits<float>::epsilon();

// 1, primes, powers of two and their neighbours, several strips.
std::size_t any_size() { return GENERATE(1U, 7U, 16U, 17U, 1021U, 16384U, 16385U, 70001U); }

}  // namespace

TEST_CASE("relu and its gradient match the oracle") {
  const auto backend = test::make_backend();
  const auto count = any_size();
  CAPTURE(count);
  auto x = random_values(count, 1);
  x[count / 2] = 0;  // the kink: no gradient there
  const auto dy = random_values(count, 2);
  const Guarded in(*backend, x), y(*backend, count), dy_in(*backend, dy), dx(*backend, count);
  backend->relu(in.span(), y.span());
  require_close(y.read(), oracle::relu(to_double(x)), kExact);
  backend->relu_backward(y.span(), dy_in.span(), dx.span());
  const auto reference = oracle::relu_backward(oracle::relu(to_double(x)), to_double(dy));
  require_close(dx.read(), reference, kExact);
  backend->relu_backward(y.span(), dy_in.span(), dy_in.span());  // in place
  require_close(dy_in.read(), reference, kExact);
}

TEST_CASE("relu lets a NaN through, so that a broken network does not look whole") {
  const auto backend = test::make_backend();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Guarded x(*backend, std::vector<float>(40, nan)), y(*backend, std::vector<float>(40, 1));
  backend->relu(x.span(), y.span());
  for (const float value : y.read()) REQUIRE(std::isnan(value));
  backend->add_bias({8, 5}, {}, GENERATE(Activation::kNone, Activation::kRelu), x.span());
  for (const float value : x.read()) REQUIRE(std::isnan(value));
}

TEST_CASE("add, add_into, scale and blend_into match the oracle") {
  const auto backend = test::make_backend();
  const auto count = any_size();
  CAPTURE(count);
  const auto a = random_values(count, 1), b = random_values(count, 2);
  const Guarded left(*backend, a), right(*backend, b), y(*backend, count);
  auto sum = to_double(a);
  for (std::size_t i = 0; i < count; ++i) sum[i] += double(b[i]);
  backend->add(left.span(), right.span(), y.span());
  require_close(y.read(), sum, {0, kEps});
  const Guarded into(*backend, b);
  backend->add_into(left.span(), into.span());
  require_close(into.read(), sum, {0, kEps});

  auto scaled = to_double(a);
  for (double& value : scaled) value *= double(-2.7F);
  const Guarded in_place(*backend, a);
  backend->scale(left.span(), -2.7F, y.span());
  require_close(y.read(), scaled, {0, kEps});
  backend->scale(in_place.span(), -2.7F, in_place.span());
  require_close(in_place.read(), scaled, {0, kEps});

  const Guarded running(*backend, b);
  backend->blend_into(left.span(), 1.25F, 0.01F, running.span());
  require_close(running.read(), oracle::blend(to_double(a), 1.25, double(0.01F), to_double(b)),
                {2 * kEps, 4 * kEps});
}

TEST_CASE("copy and fill reach every value") {
  const auto backend = test::make_backend();
  const auto count = any_size();
  const auto x = random_values(count, 1);
  const Guarded in(*backend, x), out(*backend, count);
  backend->copy(in.span(), out.span());
  CHECK(out.read() == x);
  backend->fill(out.span(), 2.5F);
  CHECK(out.read() == std::vector<float>(count, 2.5F));
}

TEST_CASE("sum_of_squares matches the oracle to double precision") {
  const auto backend = test::make_backend();
  const auto count = any_size();
  const auto x = random_values(count, 1);
  double reference = 0;
  for (const float value : x) reference += double(value) * double(value);
  const Guarded in(*backend, x);
  CHECK(test::sum_of_squares(backend, {in.span()}) == Approx(reference).epsilon(1e-13));
  CHECK(test::sum_of_squares(backend, {in.span(), Source(), in.span()}) ==
        Approx(2 * reference).epsilon(1e-13));
  CHECK(test::sum_of_squares(backend, {}) == 0);
}

TEST_CASE("concat_channels and split_channels match the oracle") {
  const auto backend = test::make_backend();
  const auto c0 = GENERATE(1U, 3U, 17U), c1 = GENERATE(1U, 3U, 32U);
  const auto rows = GENERATE(1U, 5U, 1024U, 2049U);
  CAPTURE(rows, c0, c1);
  const auto x0 = random_values(rows * c0, 1), x1 = random_values(rows * c1, 2);
  const Guarded left(*backend, x0), right(*backend, x1), y(*backend, rows * (c0 + c1));
  const auto i0 = std::int32_t(c0), i1 = std::int32_t(c1);
  backend->concat_channels(rows, i0, i1, left.span(), right.span(), y.span());
  const auto joined = oracle::concat_channels(rows, c0, c1, to_double(x0), to_double(x1));
  require_close(y.read(), joined, kExact);

  const Guarded dx0(*backend, rows * c0), dx1(*backend, rows * c1);
  backend->split_channels(rows, i0, i1, y.span(), dx0.span(), dx1.span());
  require_close(dx0.read(), oracle::take_channels(rows, c0 + c1, 0, c0, joined), kExact);
  require_close(dx1.read(), oracle::take_channels(rows, c0 + c1, c0, c1, joined), kExact);
  const Guarded alone0(*backend, rows * c0), alone1(*backend, rows * c1);
  backend->split_channels(rows, i0, i1, y.span(), alone0.span(), {});
  backend->split_channels(rows, i0, i1, y.span(), {}, alone1.span());
  CHECK(alone0.read() == x0);
  CHECK(alone1.read() == x1);
}

TEST_CASE("crop and its gradient match the oracle") {
  const auto backend = test::make_backend();
  const auto g = GENERATE(values<CropGeometry>({{1, 1, 1, 1, 0, 0, 1, 1},
                                                {2, 7, 11, 3, 0, 0, 7, 11},
                                                {3, 7, 11, 3, 2, 4, 3, 5},
                                                {2, 7, 11, 17, 6, 10, 1, 1},
                                                {2, 13, 5, 1, 1, 0, 12, 4}}));
  CAPTURE(g.n, g.h, g.w, g.c, g.top, g.left, g.height, g.width);
  const auto x = random_values(g.x_size(), 1), dy = random_values(g.y_size(), 2);
  const Guarded in(*backend, x), y(*backend, g.y_size()), dy_in(*backend, dy),
      dx(*backend, g.x_size());
  backend->crop(g, in.span(), y.span());
  require_close(y.read(), oracle::crop(g, to_double(x)), kExact);
  backend->crop_backward(g, dy_in.span(), dx.span());
  require_close(dx.read(), oracle::crop_backward(g, to_double(dy)), kExact);
}

TEST_CASE("add_bias and sum_rows match the oracle") {
  const auto backend = test::make_backend();
  const auto rows = GENERATE(1, 33, 513, 2049);
  const auto channels = GENERATE(1, 3, 17, 64);
  const auto activation = GENERATE(Activation::kNone, Activation::kRelu);
  const ChannelGeometry g{rows, channels};
  CAPTURE(rows, channels);
  const auto x = random_values(g.size(), 1), b = random_values(std::size_t(channels), 2);
  const Guarded y(*backend, x), bias(*backend, b), without(*backend, x), sums(*backend, b.size());
  backend->sum_rows(g, y.span(), sums.span());
  require_close(sums.read(), oracle::sum_rows(g, to_double(x)), sum_tolerance(std::size_t(rows)));
  backend->add_bias(g, bias.span(), activation, y.span());
  require_close(y.read(), oracle::add_bias(g, to_double(b), activation, to_double(x)),
                {kEps, kEps});
  backend->add_bias(g, {}, activation, without.span());
  require_close(without.read(), oracle::add_bias(g, {}, activation, to_double(x)), kExact);
}

TEST_CASE("ten steps of Adam match the oracle") {
  const auto backend = test::make_backend();
  const auto count = any_size();
  const double rate = GENERATE(1e-3, 1e-5);
  const double weight_decay = GENERATE(0.0, 2.0);
  CAPTURE(count, rate, weight_decay);
  const AdamStep keras;
  oracle::Adam reference{rate,
                         keras.beta1,
                         keras.beta2,
                         double(keras.epsilon),
                         to_double(random_values(count, 1)),
                         oracle::Doubles(count),
                         oracle::Doubles(count),
                         weight_decay};
  const Guarded parameter(*backend, random_values(count, 1));
  const Guarded m(*backend, std::vector<float>(count)), v(*backend, std::vector<float>(count));
  for (int t = 1; t <= 10; ++t) {
    auto gradient = random_values(count, std::uint64_t(t));
    for (float& value : gradient) value *= std::pow(10.0F, float(t % 4) - 5);  // 1e-5 .. 1e-2
    const Guarded gradient_in(*backend, gradient);
    const auto step_rate =
        float(rate * std::sqrt(1 - std::pow(keras.beta2, t)) / (1 - std::pow(keras.beta1, t)));
    test::adam(backend, keras, {step_rate, float(rate * weight_decay)}, 1,
               {{gradient_in.span(), parameter.span(), m.span(), v.span()}});
    reference.step(t, to_double(gradient));
  }
  // Each of ten steps rounds the moments some three times (and 1 - beta once), the parameter once
  // and the move by the moments' errors.
  constexpr double kMoment = 10 * 4 * kEps;
  require_close(m.read(), reference.m, {1e-2 * kMoment, kMoment});
  require_close(v.read(), reference.v, {0, kMoment});
  require_close(parameter.read(), reference.parameter, {10 * kEps + 30 * rate * kMoment, 0});
}

TEST_CASE("Adam leaves a parameter without gradients where it is") {
  const auto backend = test::make_backend();
  const auto values = random_values(100, 1);
  const std::vector<float> zeros(100);
  const Guarded parameter(*backend, values), gradient(*backend, zeros), m(*backend, zeros),
      v(*backend, zeros);
  test::adam(backend, {}, {1}, 0, {{gradient.span(), parameter.span(), m.span(), v.span()}});
  CHECK(parameter.read() == values);
}

TEST_CASE("Adam scales the gradients of all its slots down to a largest norm") {
  const auto backend = test::make_backend();
  const double squares = GENERATE(4.0, 25.0, 1e40);
  AdamStep step;
  step.clip_norm = 5;
  const double factor = std::min(1.0, 5 / std::sqrt(squares));
  for (const std::size_t count : {std::size_t{1}, std::size_t{100}}) {
    const auto gradient = random_values(count, 1);
    const std::vector<float> zeros(count);
    const Guarded in(*backend, gradient), other_in(*backend, gradient);
    const Guarded p0(*backend, zeros), m0(*backend, zeros), v0(*backend, zeros);
    const Guarded p1(*backend, zeros), m1(*backend, zeros), v1(*backend, zeros);
    test::adam(backend, step, {1e-3F}, squares,
               {{in.span(), p0.span(), m0.span(), v0.span()},
                {other_in.span(), p1.span(), m1.span(), v1.span()}});
    oracle::Doubles expected = to_double(gradient);
    for (double& value : expected) value *= factor * (1 - step.beta1);
    // The factor, its product with the gradient, 1 - beta1 and the last product round once each.
    require_close(m0.read(), expected, {0, 4 * kEps});
    require_close(m1.read(), expected, {0, 4 * kEps});
  }
}

TEST_CASE("Adam changes nothing when the sum of squares is not finite") {
  const auto backend = test::make_backend();
  const double squares =
      GENERATE(std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN());
  const auto values = random_values(67, 1);
  const Guarded gradient(*backend, values), parameter(*backend, values), m(*backend, values),
      v(*backend, values);
  test::adam(backend, {}, {1, 1}, squares,
             {{gradient.span(), parameter.span(), m.span(), v.span()}});
  CHECK(parameter.read() == values);
  CHECK(m.read() == values);
  CHECK(v.read() == values);
}
