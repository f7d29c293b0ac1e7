#include "simt/kernel_test.hpp"
#include "support/oracle_pixels.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();

// As in channels_test.cpp: 1, primes, whole vectors and not, more channels than a block has
// threads, one row past what one block takes.
ChannelGeometry any_geometry() {
  return GENERATE(ChannelGeometry{1, 1}, ChannelGeometry{1, 8}, ChannelGeometry{7, 3},
                  ChannelGeometry{129, 5}, ChannelGeometry{257, 8}, ChannelGeometry{61, 64},
                  ChannelGeometry{13, 100}, ChannelGeometry{3, 521}, ChannelGeometry{2049, 2});
}
std::size_t any_shift() { return GENERATE(0U, 1U); }

}  // namespace

TEMPLATE_TEST_CASE("scale_pixels and dot_channels match the oracle", "[simt]", float, bfloat16) {
  const ChannelGeometry g = any_geometry();
  const auto shift = any_shift();
  CAPTURE(g.rows, g.channels, shift);
  const Array<TestType> a(random_values(g.size(), 1), shift), b(random_values(g.size(), 2), shift);
  const Array<TestType> factors(random_values(std::size_t(g.rows), 3), shift);
  const Doubles scaled = in_every_order([&] {
    Array<TestType> y(g.size(), shift);
    cuda::scale_pixels(kNow, g, a.data(), factors.data(), y.data());
    return y.read();
  });
  require_close(scaled, oracle::multiply(g, a.read(), factors.read()),
                stored<TestType>(kOneRounding));
  const Doubles products = in_every_order([&] {
    Array<TestType> y(std::size_t(g.rows), shift);
    cuda::dot_channels(kNow, g, a.data(), b.data(), y.data());
    return y.read();
  });
  require_close(products, oracle::dot_channels(g, a.read(), b.read()),
                stored<TestType>(sum_tolerance(std::size_t(g.channels))));
}

TEMPLATE_TEST_CASE("pixel_length and its gradient match the oracle", "[simt]", float, bfloat16) {
  const ChannelGeometry g = any_geometry();
  const auto shift = any_shift();
  const float epsilon = GENERATE(0.0F, 0.02F);
  CAPTURE(g.rows, g.channels, shift, epsilon);
  std::vector<float> values = random_values(g.size(), 1);
  std::fill_n(values.begin(), g.channels, 0.0F);  // a pixel without a direction
  const Array<TestType> x(values, shift), dy(random_values(std::size_t(g.rows), 2), shift);
  const Doubles lengths = in_every_order([&] {
    Array<TestType> y(std::size_t(g.rows), shift);
    cuda::pixel_length(kNow, g, epsilon, x.data(), y.data());
    return y.read();
  });
  // A sum of squares, none negative, and its root.
  require_close(lengths, oracle::pixel_length(g, double(epsilon), x.read()),
                stored<TestType>({0, (g.channels + 4) * kEps}));
  const Array<TestType> y(std::vector<float>(lengths.begin(), lengths.end()), shift);
  const Doubles gradient = in_every_order([&] {
    Array<TestType> dx(g.size(), shift);
    cuda::pixel_length_backward(kNow, g, x.data(), y.data(), dy.data(), dx.data());
    return dx.read();
  });
  // The length, stored as well; a quotient and a product.
  require_close(gradient, oracle::pixel_length_backward(g, double(epsilon), x.read(), dy.read()),
                stored<TestType>(stored<TestType>({0, (g.channels + 6) * kEps})));
}

TEMPLATE_TEST_CASE("nothing is done without pixels", "[simt]", float, bfloat16) {
  Array<TestType> y(0);
  cuda::scale_pixels(kNow, {0, 3}, y.data(), y.data(), y.data());
  cuda::dot_channels(kNow, {0, 3}, y.data(), y.data(), y.data());
  cuda::pixel_length(kNow, {0, 3}, 1, y.data(), y.data());
  cuda::pixel_length_backward(kNow, {0, 3}, y.data(), y.data(), y.data(), y.data());
  CHECK(y.read().empty());
}
