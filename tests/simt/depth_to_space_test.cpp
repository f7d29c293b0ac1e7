#include "simt/kernel_test.hpp"
#include "support/oracle_pixels.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEMPLATE_TEST_CASE("depth_to_space spreads the four parities, adds the bias and rectifies",
                   "[simt]", float, bfloat16) {
  const UpsampleConv2dGeometry g =
      GENERATE(UpsampleConv2dGeometry{1, 1, 1, 1, 1, 1, Padding::kSame},
               UpsampleConv2dGeometry{2, 5, 4, 2, 3, 5, Padding::kSame},
               UpsampleConv2dGeometry{1, 6, 7, 2, 8, 3, Padding::kValid},
               UpsampleConv2dGeometry{1, 9, 5, 2, 33, 5, Padding::kValid},
               UpsampleConv2dGeometry{1, 16, 16, 2, 4, 5, Padding::kSame});
  const bool padded = GENERATE(false, true);
  const auto shift = GENERATE(0U, 1U);
  const std::int32_t channels = padded ? (4 * g.k + 7) / 8 * 8 : 4 * g.k;
  const std::size_t low_pixels = std::size_t(g.n) * std::size_t(g.low_h() * g.low_w());
  CAPTURE(g.h, g.w, g.k, channels, shift);
  const Array<TestType> low(random_values(low_pixels * std::size_t(channels), 1), shift);
  const Array<TestType> dy(random_values(g.y_size(), 2), shift);
  const Array<float> b(random_values(std::size_t(g.k), 3));
  const Doubles from = low.read(), bias = b.read(), gradient = dy.read();

  Doubles plain(g.y_size()), rectified(g.y_size()), deep(low.size(), 0.0);
  for (std::size_t i = 0; i < g.y_size(); ++i) {
    const auto k = i % std::size_t(g.k);
    const auto x = i / std::size_t(g.k) % std::size_t(g.out_w());
    const auto y = i / std::size_t(g.k * g.out_w()) % std::size_t(g.out_h());
    const auto n = i / std::size_t(g.k * g.out_w() * g.out_h());
    const std::size_t pixel = (n * std::size_t(g.low_h()) + y / 2) * std::size_t(g.low_w()) + x / 2;
    const std::size_t at =
        pixel * std::size_t(channels) + (2 * (y % 2) + x % 2) * std::size_t(g.k) + k;
    plain[i] = from[at];
    rectified[i] = std::max(0.0, from[at] + bias[k]);
    deep[at] = gradient[i];
  }
  const Doubles moved = in_every_order([&] {
    Array<TestType> y(g.y_size(), shift);
    cuda::depth_to_space<TestType>(kNow, g, channels, low.data(), nullptr, Activation::kNone,
                                   y.data());
    return y.read();
  });
  CHECK(moved == plain);
  const Doubles activated = in_every_order([&] {
    Array<TestType> y(g.y_size(), shift);
    cuda::depth_to_space(kNow, g, channels, low.data(), b.data(), Activation::kRelu, y.data());
    return y.read();
  });
  require_close(activated, rectified, stored<TestType>(kOneRounding));
  const Doubles back = in_every_order([&] {
    Array<TestType> dlow(low.size(), shift);
    cuda::space_to_depth(kNow, g, channels, dy.data(), dlow.data());
    return dlow.read();
  });
  CHECK(back == deep);
}

TEMPLATE_TEST_CASE("space_to_depth and back match the oracle", "[simt]", float, bfloat16) {
  const FrameGeometry g =
      GENERATE(FrameGeometry{1, 2, 2, 1}, FrameGeometry{3, 6, 10, 1}, FrameGeometry{2, 4, 14, 3},
               FrameGeometry{1, 22, 26, 8}, FrameGeometry{2, 2, 2, 131});
  const auto shift = GENERATE(0U, 1U);
  CAPTURE(g.n, g.h, g.w, g.c, shift);
  const Array<TestType> frames(random_values(g.size(), 1), shift);
  const Array<TestType> blocks(random_values(g.size(), 2), shift);
  const Doubles deep = in_every_order([&] {
    Array<TestType> y(g.size(), shift);
    cuda::space_to_depth(kNow, g, frames.data(), y.data());
    return y.read();
  });
  CHECK(deep == oracle::space_to_depth(g, frames.read()));
  const Doubles wide = in_every_order([&] {
    Array<TestType> y(g.size(), shift);
    cuda::depth_to_space(kNow, g, blocks.data(), y.data());
    return y.read();
  });
  CHECK(wide == oracle::depth_to_space(g, blocks.read()));
}

TEMPLATE_TEST_CASE("no blocks are made of no frames", "[simt]", float, bfloat16) {
  Array<TestType> y(0);
  cuda::space_to_depth(kNow, {0, 2, 2, 3}, y.data(), y.data());
  cuda::depth_to_space(kNow, {0, 2, 2, 3}, y.data(), y.data());
  CHECK(y.read().empty());
}
