#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "kernels/backend.hpp"
#include "support/backend_under_test.hpp"
#include "support/guarded.hpp"
#include "support/oracle_pixels.hpp"

using namespace afterglow;
using test::Guarded;
using test::random_values;
using test::require_close;
using test::sum_tolerance;
using test::to_double;

namespace {

constexpr test::Tolerance kExact{};
constexpr double kEps = std::numeric_limits<float>::epsilon();
constexpr test::Tolerance kOneRounding{0, kEps};

ChannelGeometry any_rows() {
  const auto rows = GENERATE(1, 5, 1024, 2049);
  const auto channels = GENERATE(1, 2, 3, 17, 64, 96);
  return {rows, channels};
}

FrameGeometry any_frames() {
  return GENERATE(values<FrameGeometry>({{1, 1, 1, 1},
                                         {1, 1, 1, 96},
                                         {3, 7, 11, 3},
                                         {2, 23, 1, 17},
                                         {2, 1, 1031, 1},
                                         {2, 33, 32, 64},
                                         {5, 16, 16, 2}}));
}

}  // namespace

TEST_CASE("multiply by a factor a value or a pixel matches the oracle") {
  const auto backend = test::make_backend();
  const ChannelGeometry g = any_rows();
  const auto of_value = GENERATE(true, false);
  CAPTURE(g.rows, g.channels, of_value);
  const auto x = random_values(g.size(), 1);
  const auto m = random_values(of_value ? g.size() : std::size_t(g.rows), 2);
  const Guarded in(*backend, x), factors(*backend, m), y(*backend, g.size());
  backend->multiply(g, in.span(), factors.span(), y.span());
  require_close(y.read(), oracle::multiply(g, to_double(x), to_double(m)), kOneRounding);
}

TEST_CASE("dot_channels matches the oracle") {
  const auto backend = test::make_backend();
  const ChannelGeometry g = any_rows();
  CAPTURE(g.rows, g.channels);
  const auto a = random_values(g.size(), 1), b = random_values(g.size(), 2);
  const Guarded left(*backend, a), right(*backend, b), y(*backend, std::size_t(g.rows));
  backend->dot_channels(g, left.span(), right.span(), y.span());
  require_close(y.read(), oracle::dot_channels(g, to_double(a), to_double(b)),
                sum_tolerance(std::size_t(g.channels)));
}

TEST_CASE("pixel_length and its gradient match the oracle") {
  const auto backend = test::make_backend();
  const ChannelGeometry g = any_rows();
  const auto epsilon = GENERATE(0.0F, 0.02F, 3.0F);
  CAPTURE(g.rows, g.channels, epsilon);
  const auto x = random_values(g.size(), 1), dy = random_values(std::size_t(g.rows), 2);
  const Guarded in(*backend, x), y(*backend, dy.size()), dy_in(*backend, dy),
      dx(*backend, x.size());
  backend->pixel_length(g, epsilon, in.span(), y.span());
  const test::Tolerance tolerance = sum_tolerance(std::size_t(g.channels));
  require_close(y.read(), oracle::pixel_length(g, double(epsilon), to_double(x)), tolerance);
  backend->pixel_length_backward(g, in.span(), y.span(), dy_in.span(), dx.span());
  require_close(dx.read(),
                oracle::pixel_length_backward(g, double(epsilon), to_double(x), to_double(dy)),
                tolerance);
}

TEST_CASE("a pixel without length has no gradient, one with a NaN shows it") {
  const auto backend = test::make_backend();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Guarded x(*backend, {0, 0, 3, 4, nan, 0}), dy(*backend, {5, 5, 5});
  const Guarded y(*backend, 3), dx(*backend, 6);
  backend->pixel_length({3, 2}, 0, x.span(), y.span());
  backend->pixel_length_backward({3, 2}, x.span(), y.span(), dy.span(), dx.span());
  const auto lengths = y.read(), gradient = dx.read();
  CHECK(lengths[0] == 0);
  CHECK(lengths[1] == 5);
  CHECK(std::isnan(lengths[2]));
  CHECK(std::vector(gradient.begin(), gradient.begin() + 4) == std::vector<float>{0, 0, 3, 4});
  CHECK(std::isnan(gradient[4]));
}

TEST_CASE("sum_pixels matches the oracle") {
  const auto backend = test::make_backend();
  const FrameGeometry g = any_frames();
  const auto factor = GENERATE(1.0F, -0.125F);
  CAPTURE(g.n, g.h, g.w, g.c, factor);
  const auto x = random_values(g.size(), 1);
  const Guarded in(*backend, x), sums(*backend, std::size_t(g.n) * std::size_t(g.c));
  backend->sum_pixels(g, factor, in.span(), sums.span());
  require_close(sums.read(), oracle::sum_pixels(g, double(factor), to_double(x)),
                sum_tolerance(std::size_t(g.h) * std::size_t(g.w)));
}

TEST_CASE("add_to_pixels matches the oracle") {
  const auto backend = test::make_backend();
  const FrameGeometry g = any_frames();
  CAPTURE(g.n, g.h, g.w, g.c);
  constexpr float kFactor = -0.375F;
  const auto x = random_values(g.size(), 1);
  const auto v = random_values(std::size_t(g.n) * std::size_t(g.c), 2);
  const Guarded in(*backend, x), added(*backend, v), y(*backend, g.size());
  backend->add_to_pixels(g, kFactor, in.span(), added.span(), y.span());
  const auto reference = oracle::add_to_pixels(g, double(kFactor), to_double(x), to_double(v));
  const test::Tolerance two_roundings{kEps, kEps};
  require_close(y.read(), reference, two_roundings);
  backend->add_to_pixels(g, kFactor, in.span(), added.span(), in.span());  // in place
  require_close(in.read(), reference, two_roundings);
  const Guarded alone(*backend, g.size());
  backend->add_to_pixels(g, kFactor, {}, added.span(), alone.span());
  const oracle::Doubles zeros(g.size());
  require_close(alone.read(), oracle::add_to_pixels(g, double(kFactor), zeros, to_double(v)),
                kOneRounding);
}

TEST_CASE("space_to_depth matches the oracle, and depth_to_space undoes it") {
  const auto backend = test::make_backend();
  const FrameGeometry g = GENERATE(values<FrameGeometry>({{1, 2, 2, 1},
                                                          {1, 2, 14, 3},
                                                          {3, 6, 22, 1},
                                                          {2, 10, 2, 17},
                                                          {2, 34, 66, 2},
                                                          {1, 16, 32, 8}}));
  CAPTURE(g.n, g.h, g.w, g.c);
  const auto x = random_values(g.size(), 1);
  const Guarded in(*backend, x), deep(*backend, g.size()), back(*backend, g.size());
  backend->space_to_depth(g, in.span(), deep.span());
  require_close(deep.read(), oracle::space_to_depth(g, to_double(x)), kExact);
  backend->depth_to_space(g, deep.span(), back.span());
  CHECK(back.read() == x);
  backend->depth_to_space(g, in.span(), back.span());
  require_close(back.read(), oracle::depth_to_space(g, to_double(x)), kExact);
}

TEST_CASE("space_to_depth orders channels as PyTorch's pixel_unshuffle does") {
  const auto backend = test::make_backend();
  // Two channels of one block; channel 1 is 10 more.
  const Guarded x(*backend, {0, 10, 1, 11, 2, 12, 3, 13}), y(*backend, 8);
  backend->space_to_depth({1, 2, 2, 2}, x.span(), y.span());
  CHECK(y.read() == std::vector<float>{0, 1, 2, 3, 10, 11, 12, 13});
}
