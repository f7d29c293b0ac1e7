#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "bench/layers.hpp"
#include "kernels/backend.hpp"
#include "support/backend_under_test.hpp"
#include "support/guarded.hpp"
#include "support/oracle_conv.hpp"
#include "support/oracle_elementwise.hpp"

using namespace afterglow;
using test::convolution_tolerance;
using test::Guarded;
using test::Pass;
using test::random_values;
using test::require_close;
using test::sum_tolerance;
using test::to_double;

namespace {

std::string text(const UpsampleConv2dGeometry& g) {
  return "x " + std::to_string(g.n) + "x" + std::to_string(g.h) + "x" + std::to_string(g.w) + "x" +
         std::to_string(g.c) + ", w " + std::to_string(g.ksize) + "x" + std::to_string(g.ksize) +
         "x" + std::to_string(g.c) + "x" + std::to_string(g.k) +
         (g.padding == Padding::kSame ? ", same" : ", valid");
}

constexpr std::uint64_t kSeed = 10;

// All of (bias, none) x (ReLU, none): which primitive runs depends on both. Terms are counted as
// written, before taps are summed: the bound holds for the summed ones too.
void check_forward(Backend& backend, const UpsampleConv2dGeometry& g) {
  const auto x = random_values(g.x_size(), kSeed), w = random_values(g.w_size(), kSeed + 1);
  const auto b = random_values(std::size_t(g.k), kSeed + 2);
  const auto plain = oracle::upsample_conv2d(g, to_double(x), to_double(w), {}, Activation::kNone);
  const Guarded x_in(backend, x), w_in(backend, w), b_in(backend, b);
  for (const bool bias : {false, true}) {
    for (const Activation activation : {Activation::kNone, Activation::kRelu}) {
      CAPTURE(bias, int(activation));
      const Guarded y(backend, g.y_size());
      backend.upsample_conv2d(g, x_in.span(), {w_in.span()},
                              {bias ? b_in.span() : Destination(), activation}, y.span());
      const ChannelGeometry rows{std::int64_t{g.n} * g.out_h() * g.out_w(), g.k};
      require_close(
          y.read(),
          oracle::add_bias(rows, bias ? to_double(b) : oracle::Doubles(), activation, plain),
          convolution_tolerance(g, Pass::kForward, std::size_t(g.ksize) * g.ksize * g.c));
    }
  }
}

void check_backward(Backend& backend, const UpsampleConv2dGeometry& g) {
  const auto x = random_values(g.x_size(), kSeed), w = random_values(g.w_size(), kSeed + 1);
  const auto dy = random_values(g.y_size(), kSeed + 2);
  const Guarded x_in(backend, x), w_in(backend, w), dy_in(backend, dy);
  const Guarded dx(backend, g.x_size());
  backend.upsample_conv2d_backward_data(g, dy_in.span(), {w_in.span()}, dx.span());
  require_close(
      dx.read(), oracle::upsample_conv2d_backward_data(g, to_double(dy), to_double(w)),
      convolution_tolerance(g, Pass::kBackwardData, std::size_t(4) * g.ksize * g.ksize * g.k));

  const auto tolerance =
      convolution_tolerance(g, Pass::kBackwardWeights, std::size_t(g.n) * g.out_h() * g.out_w());
  const auto reference = oracle::upsample_conv2d_backward_weights(g, to_double(x), to_double(dy));
  for (const bool bias : {false, true}) {
    CAPTURE(bias);
    const Guarded dw(backend, g.w_size()), db(backend, bias ? std::size_t(g.k) : 0);
    backend.upsample_conv2d_backward_weights(g, x_in.span(), dy_in.span(), dw.span(), db.span());
    require_close(dw.read(), reference, tolerance);
    if (bias)
      require_close(db.read(), oracle::conv2d_backward_bias(g.as_written(), to_double(dy)),
                    tolerance);
  }
}

void check(const UpsampleConv2dGeometry& g) {
  static const std::shared_ptr<Backend> backend = test::make_backend();
  CAPTURE(text(g), kSeed);
  check_forward(*backend, g);
  check_backward(*backend, g);
}

}  // namespace

TEST_CASE("upsample_conv2d of one pixel by hand") {
  const auto backend = test::make_backend();
  // 7 becomes 7 7 / 7 7 inside zeros; output (0, 0) sees it through taps (1|2, 1|2), and so on.
  const UpsampleConv2dGeometry g{1, 1, 1, 1, 1, 3, Padding::kSame};
  const Guarded x(*backend, std::vector<float>{7});
  const Guarded w(*backend, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Guarded y(*backend, g.y_size());
  backend->upsample_conv2d(g, x.span(), {w.span()}, {}, y.span());
  CHECK(y.read() == std::vector<float>{7 * (5 + 6 + 8 + 9), 7 * (4 + 5 + 7 + 8),
                                       7 * (2 + 3 + 5 + 6), 7 * (1 + 2 + 4 + 5)});
}

TEST_CASE("the sub-pixel form needs fewer taps") {
  const auto taps = [](std::int32_t ksize, Padding padding) {
    return UpsampleConv2dGeometry{1, 8, 8, 1, 1, ksize, padding}.low_taps();
  };
  CHECK(taps(1, Padding::kSame) == 1);
  CHECK(taps(3, Padding::kSame) == 3);
  CHECK(taps(5, Padding::kSame) == 3);
  CHECK(taps(7, Padding::kSame) == 5);
  CHECK(taps(3, Padding::kValid) == 2);
  CHECK(taps(5, Padding::kValid) == 3);
}

TEST_CASE("upsample_conv2d and its gradients match upsampling, then convolving") {
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto ksize = GENERATE(1, 3, 5, 7, 9);
  const auto size = GENERATE(values<std::pair<std::int32_t, std::int32_t>>(
      {{1, 1}, {1, 2}, {3, 2}, {7, 5}, {11, 13}, {17, 6}}));
  const UpsampleConv2dGeometry g{2, size.first, size.second, 3, 5, ksize, padding};
  if (g.out_h() < 1 || g.out_w() < 1) return;  // the kernel does not fit
  check(g);
}

TEST_CASE("upsample_conv2d and its gradients match for every channel count") {
  const auto c = GENERATE(1, 3, 6, 7, 16, 17, 33);
  const auto k = GENERATE(1, 3, 6, 7, 16, 17, 33);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  check({2, 5, 4, c, k, 3, padding});
  check({1, 4, 3, c, k, 5, padding});
}

TEST_CASE("upsample_conv2d matches where it runs on oneDNN's convolution") {
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto ksize = GENERATE(1, 3, 5);
  check({2, 33, 17, 18, 7, ksize, padding});
}

TEST_CASE("upsample_conv2d and its gradients match on layers of the networks") {
  for (const bench::Layer& layer : bench::network_layers(1)) {
    const auto* g = std::get_if<UpsampleConv2dGeometry>(&layer.geometry);
    constexpr double kAffordableFlop = 5e8;  // for the oracle, which takes a second per GFLOP
    if (g == nullptr || g->as_written().flop() > kAffordableFlop) continue;
    CAPTURE(layer.name);
    check(*g);
  }
}

TEST_CASE("upsample_conv2d gives the same bits every time and its memory does not grow") {
  const auto backend = test::make_backend();
  const UpsampleConv2dGeometry g{3, 17, 18, 24, 20, 5, Padding::kSame};
  const Guarded x(*backend, random_values(g.x_size(), 1));
  const Guarded w(*backend, random_values(g.w_size(), 2));
  const Guarded b(*backend, random_values(std::size_t(g.k), 3));
  const Guarded dy(*backend, random_values(g.y_size(), 4));
  const Guarded y(*backend, g.y_size()), dx(*backend, g.x_size()), dw(*backend, g.w_size()),
      db(*backend, std::size_t(g.k));
  const auto run = [&] {
    backend->upsample_conv2d(g, x.span(), {w.span()}, {b.span(), Activation::kRelu}, y.span());
    backend->upsample_conv2d_backward_data(g, dy.span(), {w.span()}, dx.span());
    backend->upsample_conv2d_backward_weights(g, x.span(), dy.span(), dw.span(), db.span());
    return std::vector{y.read(), dx.read(), dw.read(), db.read()};
  };
  const auto first = run();
  const MemoryReport before = backend->memory();
  for (int repeat = 0; repeat < 5; ++repeat) REQUIRE(run() == first);
  CHECK(backend->memory().in_use == before.in_use);
  CHECK(backend->memory().reserved == before.reserved);
  CHECK(backend->memory().allocations == before.allocations);
}
