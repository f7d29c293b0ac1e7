// What convolutions do on the way to memory gives the same bits as the passes it stands for.
#include "kernels/cpu/fusion.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/backend.hpp"
#include "kernels/cpu/convolution.hpp"
#include "support/guarded.hpp"
#include "support/instruction_sets.hpp"
#include "support/oracle_conv.hpp"

using namespace afterglow;
using test::for_each_instruction_set;
using test::Guarded;
using test::random_values;

namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// A convolution with a max pool behind it, fused and in single passes.
struct Pooled {
  Backend& backend;
  Conv2dGeometry g;
  Guarded x, w, b, dy;  // dy: of the pooled result

  Pooled(Backend& on, const Conv2dGeometry& geometry, std::vector<float> pixels)
      : backend(on),
        g(geometry),
        x(backend, pixels),
        w(backend, random_values(g.w_size(), 2)),
        b(backend, random_values(std::size_t(g.k), 3)),
        dy(backend, random_values(pooled(g).y_size(), 4)) {}

  void check() const {
    const Guarded whole(backend, g.y_size()), y(backend, pooled(g).y_size());
    backend.conv2d(g, x.span(), {w.span()}, b.span(), Activation::kRelu, whole.span());
    backend.max_pool2d(pooled(g), whole.span(), y.span(), {});

    const Guarded fused(backend, pooled(g).y_size()), alone(backend, pooled(g).y_size());
    std::vector<std::uint8_t> winners(pooled(g).y_size());
    backend.conv2d_max_pool(g, x.span(), {w.span()}, b.span(), fused.span(), winners);
    backend.conv2d_max_pool(g, x.span(), {w.span()}, b.span(), alone.span(), {});
    REQUIRE(same_bits(fused.read(), y.read()));
    REQUIRE(same_bits(alone.read(), y.read()));

    // The gradient at the winners of the pool, where the ReLU lets it through.
    std::vector<std::uint8_t> argmax(pooled(g).y_size());
    backend.max_pool2d(pooled(g), whole.span(), y.span(), argmax);
    const Guarded dz(backend, g.y_size()), masked(backend, g.y_size());
    backend.max_pool2d_backward(pooled(g), dy.span(), argmax, dz.span());
    backend.relu_backward(whole.span(), dz.span(), masked.span());
    const Guarded spread(backend, g.y_size());
    backend.max_pool2d_backward(pooled(g), dy.span(), winners, spread.span());
    REQUIRE(spread.read() == masked.read());  // zeros may differ in sign

    const Guarded dx(backend, g.x_size()), fused_dx(backend, g.x_size());
    backend.conv2d_backward_data(g, masked.span(), {}, {w.span()}, dx.span());
    backend.conv2d_max_pool_backward_data(g, dy.span(), winners, {w.span()}, fused_dx.span());
    REQUIRE(fused_dx.read() == dx.read());
  }
};

}  // namespace

TEST_CASE("a convolution pools on the way to memory as a pass behind it does") {
  const auto choice = GENERATE(ConvolutionChoice::kWinograd, ConvolutionChoice::kDirect);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto backend = make_cpu_backend(choice);
  for_each_instruction_set([&] {
    for (const std::int32_t r : {2, 3, 5}) {
      // Even and odd results; whole tiles and parts of them; channels that fill no vector.
      for (const auto& [h, w] : {std::pair{8, 8}, {10, 14}, {12, 7}, {9, 11}, {6, 22}}) {
        for (const auto& [c, k] : {std::pair{5, 7}, {3, 16}, {17, 40}}) {
          CAPTURE(int(choice), int(padding), r, h, w, c, k);
          const Conv2dGeometry g{2, h, w, c, k, r, r, 1, 1, padding};
          Pooled(*backend, g, random_values(g.x_size(), 1)).check();
        }
      }
    }
  });
}

TEST_CASE("a window without a value above 0 has no winner, nor has one with a NaN") {
  const auto choice = GENERATE(ConvolutionChoice::kWinograd, ConvolutionChoice::kDirect);
  const auto backend = make_cpu_backend(choice);
  const Conv2dGeometry g{1, 2, 2, 1, 3, 3, 3, 1, 1, Padding::kSame};
  const Guarded x(*backend, std::vector<float>(4)), w(*backend, g.w_size());
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Guarded b(*backend, std::vector<float>{-1, nan, 2}), y(*backend, 3);
  std::fill(w.span().begin(), w.span().end(), 0.0F);
  std::vector<std::uint8_t> winners(3);
  backend->conv2d_max_pool(g, x.span(), {w.span()}, b.span(), y.span(), winners);
  CHECK(winners == std::vector<std::uint8_t>{kNoWinner, kNoWinner, 0});
  CHECK(y.read()[0] == 0);
  CHECK(std::isnan(y.read()[1]));
  CHECK(y.read()[2] == 2);
}

TEST_CASE("backward data masks by ReLU on the way as a pass before it does") {
  const auto choice = GENERATE(ConvolutionChoice::kWinograd, ConvolutionChoice::kDirect);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto stride = GENERATE(1, 2);
  const auto backend = make_cpu_backend(choice);
  for_each_instruction_set([&] {
    for (const auto& [c, k] : {std::pair{5, 7}, {16, 32}, {17, 40}}) {
      CAPTURE(int(choice), int(padding), stride, c, k);
      const Conv2dGeometry g{2, 9, 14, c, k, 3, 3, stride, 1, padding};
      const Guarded w(*backend, random_values(g.w_size(), 1));
      const Guarded dy(*backend, random_values(g.y_size(), 2));
      const Guarded y(*backend, random_values(g.y_size(), 3));
      const Guarded masked(*backend, g.y_size()), dx(*backend, g.x_size());
      backend->relu_backward(y.span(), dy.span(), masked.span());
      backend->conv2d_backward_data(g, masked.span(), {}, {w.span()}, dx.span());
      const Guarded fused(*backend, g.x_size());
      backend->conv2d_backward_data(g, dy.span(), y.span(), {w.span()}, fused.span());
      REQUIRE(fused.read() == dx.read());
    }
  });
}

TEST_CASE("sub-pixel backward data reads depth to space on the way") {
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto ksize = GENERATE(3, 5);
  const auto backend = make_cpu_backend(ConvolutionChoice::kWinograd);
  for_each_instruction_set([&] {
    const UpsampleConv2dGeometry g{2, 7, 5, 20, 16, ksize, padding};
    CAPTURE(ksize, int(padding));
    const Guarded w(*backend, random_values(g.w_size(), 1));
    const Guarded dy(*backend, random_values(g.y_size(), 2)), dx(*backend, g.x_size());
    backend->upsample_conv2d_backward_data(g, dy.span(), {w.span()}, dx.span());
    REQUIRE(backend->convolution_plans().front().algorithm.starts_with("Winograd"));
    const auto expected = oracle::upsample_conv2d_backward_data(g, test::to_double(dy.read()),
                                                                test::to_double(w.read()));
    test::require_close(dx.read(), expected, test::winograd_tolerance(std::size_t(4 * 25 * g.k)));
  });
}

TEST_CASE("sub-pixel convolutions read and write depth to space as passes of its own would") {
  // 16 outputs a pixel fill whole vectors: fused. Groups of channels turn the same convolution
  // into one with 8, which is not.
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto ksize = GENERATE(3, 5);
  const auto backend = make_cpu_backend(ConvolutionChoice::kWinograd);
  for_each_instruction_set([&] {
    const UpsampleConv2dGeometry g{2, 7, 6, 20, 16, ksize, padding};
    UpsampleConv2dGeometry half = g;
    half.k = 8;
    const ConvolutionShape shape = shape_of(g);
    CAPTURE(ksize, int(padding), shape.oh, shape.ow);
    const std::vector<float> w = random_values(g.w_size(), 2);
    const auto part = [](const std::vector<float>& values, std::size_t first) {
      std::vector<float> result;
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i % 16 / 8 == first) result.push_back(values[i]);
      }
      return result;
    };
    const std::vector<float> dy = random_values(g.y_size(), 3), bias = random_values(16, 4);
    const Guarded x(*backend, random_values(g.x_size(), 1)), w_in(*backend, w), b(*backend, bias);
    const Guarded y(*backend, g.y_size()), dy_in(*backend, dy);
    const Guarded dw(*backend, g.w_size()), db(*backend, 16);
    backend->upsample_conv2d(g, x.span(), {w_in.span()}, b.span(), Activation::kRelu, y.span());
    backend->upsample_conv2d_backward_weights(g, x.span(), dy_in.span(), dw.span(), db.span());
    for (const std::size_t first : {0U, 1U}) {
      const Guarded half_w(*backend, part(w, first)), half_b(*backend, part(bias, first));
      const Guarded half_y(*backend, half.y_size()), half_dy(*backend, part(dy, first));
      const Guarded half_dw(*backend, half.w_size()), half_db(*backend, 8);
      backend->upsample_conv2d(half, x.span(), {half_w.span()}, half_b.span(), Activation::kRelu,
                               half_y.span());
      backend->upsample_conv2d_backward_weights(half, x.span(), half_dy.span(), half_dw.span(),
                                                half_db.span());
      REQUIRE(same_bits(half_y.read(), part(y.read(), first)));
      REQUIRE(same_bits(half_dw.read(), part(dw.read(), first)));
      REQUIRE(same_bits(half_db.read(), part(db.read(), first)));
    }
  });
}
