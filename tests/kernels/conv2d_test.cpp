#include <catch2/catch.hpp>
#include <cstdint>
#include <numeric>
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

std::string text(const Conv2dGeometry& g) {
  return "x " + std::to_string(g.n) + "x" + std::to_string(g.h) + "x" + std::to_string(g.w) + "x" +
         std::to_string(g.c) + ", w " + std::to_string(g.kh) + "x" + std::to_string(g.kw) + "x" +
         std::to_string(g.c) + "x" + std::to_string(g.k) + ", stride " + std::to_string(g.stride) +
         ", dilation " + std::to_string(g.dilation) +
         (g.padding == Padding::kSame      ? ", same"
          : g.padding == Padding::kCentred ? ", centred"
                                           : ", valid");
}

constexpr std::uint64_t kSeed = 10;

// All of (bias, none) x (ReLU, none): which primitive runs depends on both.
void check_forward(Backend& backend, const Conv2dGeometry& g) {
  const auto x = random_values(g.x_size(), kSeed), w = random_values(g.w_size(), kSeed + 1);
  const auto b = random_values(std::size_t(g.k), kSeed + 2);
  const auto plain = oracle::conv2d(g, to_double(x), to_double(w), {}, Activation::kNone);
  const Guarded x_in(backend, x), w_in(backend, w), b_in(backend, b);
  for (const bool bias : {false, true}) {
    for (const Activation activation : {Activation::kNone, Activation::kRelu}) {
      CAPTURE(bias, int(activation));
      const Guarded y(backend, g.y_size());
      backend.conv2d(g, x_in.span(), {w_in.span()},
                     {bias ? b_in.span() : Destination(), activation}, y.span());
      const ChannelGeometry rows{std::int64_t{g.n} * g.out_h() * g.out_w(), g.k};
      require_close(
          y.read(),
          oracle::add_bias(rows, bias ? to_double(b) : oracle::Doubles(), activation, plain),
          convolution_tolerance(g, Pass::kForward, std::size_t(g.kh) * g.kw * g.c));
    }
  }
}

void check_backward(Backend& backend, const Conv2dGeometry& g) {
  const auto x = random_values(g.x_size(), kSeed), w = random_values(g.w_size(), kSeed + 1);
  const auto dy = random_values(g.y_size(), kSeed + 2);
  const Guarded x_in(backend, x), w_in(backend, w), dy_in(backend, dy);
  const Guarded dx(backend, g.x_size());
  backend.conv2d_backward_data(g, dy_in.span(), {}, {w_in.span()}, dx.span());
  require_close(dx.read(), oracle::conv2d_backward_data(g, to_double(dy), to_double(w)),
                convolution_tolerance(g, Pass::kBackwardData, std::size_t(g.kh) * g.kw * g.k));

  const auto tolerance =
      convolution_tolerance(g, Pass::kBackwardWeights, std::size_t(g.n) * g.out_h() * g.out_w());
  const auto reference = oracle::conv2d_backward_weights(g, to_double(x), to_double(dy));
  for (const bool bias : {false, true}) {
    CAPTURE(bias);
    const Guarded dw(backend, g.w_size()), db(backend, bias ? std::size_t(g.k) : 0);
    backend.conv2d_backward_weights(g, x_in.span(), dy_in.span(), dw.span(), db.span());
    require_close(dw.read(), reference, tolerance);
    if (bias) require_close(db.read(), oracle::conv2d_backward_bias(g, to_double(dy)), tolerance);
  }
}

void check(const Conv2dGeometry& g) {
  static const std::shared_ptr<Backend> backend = test::make_backend();
  CAPTURE(text(g), kSeed);
  check_forward(*backend, g);
  check_backward(*backend, g);
}

}  // namespace

TEST_CASE("a same convolution with stride 2 pads at the bottom and right, as TensorFlow does") {
  const auto backend = test::make_backend();
  // In 4, window 3, stride 2: outputs read 0..2 and 2..4, so one zero behind and none in front.
  const Conv2dGeometry g{1, 4, 1, 1, 1, 3, 1, 2, 1, Padding::kSame};
  const Guarded x(*backend, std::vector<float>{1, 10, 100, 1000}), w(*backend, {1, 2, 3});
  const Guarded y(*backend, g.y_size());
  backend->conv2d(g, x.span(), {w.span()}, {}, y.span());
  CHECK(y.read() == std::vector<float>{321, 2100});
}

TEST_CASE("a centred convolution with stride 2 pads in front, as Caffe and PyTorch do") {
  const auto backend = test::make_backend();
  // In 4, window 3, stride 2: outputs read -1..1 and 1..3, so one zero in front and none behind.
  const Conv2dGeometry g{1, 4, 1, 1, 1, 3, 1, 2, 1, Padding::kCentred};
  const Guarded x(*backend, std::vector<float>{1, 10, 100, 1000}), w(*backend, {1, 2, 3});
  const Guarded y(*backend, g.y_size());
  backend->conv2d(g, x.span(), {w.span()}, {}, y.span());
  CHECK(y.read() == std::vector<float>{32, 3210});
}

TEST_CASE("the convolution oracle's gradients are the slopes of its forward") {
  const auto stride = GENERATE(1, 2);
  const auto dilation = GENERATE(1, 2);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid, Padding::kCentred);
  const Conv2dGeometry g{2, 6, 5, 2, 3, 3, 2, stride, dilation, padding};
  CAPTURE(text(g));
  const auto x = to_double(random_values(g.x_size(), 1));
  const auto w = to_double(random_values(g.w_size(), 2));
  const auto b = to_double(random_values(std::size_t(g.k), 3));
  const auto dy = to_double(random_values(g.y_size(), 4));
  const auto loss = [&](const oracle::Doubles& at_x, const oracle::Doubles& at_w,
                        const oracle::Doubles& at_b) {
    const auto y = oracle::conv2d(g, at_x, at_w, at_b, Activation::kNone);
    return std::inner_product(y.begin(), y.end(), dy.begin(), 0.0);
  };
  // The loss is linear in each of the three, so a central difference is exact but for rounding.
  constexpr double kStep = 0.5, kRounding = 1e-12;
  const auto slope = [&](oracle::Doubles values, std::size_t i, auto&& evaluate) {
    const double at = values[i];
    values[i] = at + kStep;
    const double above = evaluate(values);
    values[i] = at - kStep;
    return (above - evaluate(values)) / (2 * kStep);
  };
  const auto dx = oracle::conv2d_backward_data(g, dy, w);
  for (std::size_t i = 0; i < x.size(); ++i)
    REQUIRE(dx[i] == Approx(slope(x, i, [&](const auto& at) { return loss(at, w, b); }))
                         .epsilon(0)
                         .margin(kRounding));
  const auto dw = oracle::conv2d_backward_weights(g, x, dy);
  for (std::size_t i = 0; i < w.size(); ++i)
    REQUIRE(dw[i] == Approx(slope(w, i, [&](const auto& at) { return loss(x, at, b); }))
                         .epsilon(0)
                         .margin(kRounding));
  const auto db = oracle::conv2d_backward_bias(g, dy);
  for (std::size_t i = 0; i < b.size(); ++i)
    REQUIRE(db[i] == Approx(slope(b, i, [&](const auto& at) { return loss(x, w, at); }))
                         .epsilon(0)
                         .margin(kRounding));
}

TEST_CASE("conv2d and its gradients match the oracle for every channel count") {
  const auto c = GENERATE(1, 3, 6, 7, 16, 17, 33);
  const auto k = GENERATE(1, 3, 6, 7, 16, 17, 33);
  check({2, 5, 7, c, k, 3, 3, 1, 1, Padding::kSame});
  check({2, 7, 6, c, k, 3, 3, 2, 1, Padding::kSame});
}

TEST_CASE("conv2d and its gradients match the oracle for every window walk") {
  const auto stride = GENERATE(1, 2, 3);
  const auto dilation = GENERATE(1, 2);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid, Padding::kCentred);
  const auto kernel = GENERATE(values<std::pair<std::int32_t, std::int32_t>>(
      {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}, {3, 1}, {2, 5}}));
  const auto size =
      GENERATE(values<std::pair<std::int32_t, std::int32_t>>({{1, 1}, {2, 3}, {11, 13}, {17, 9}}));
  const Conv2dGeometry g{3,      size.first, size.second, 3, 5, kernel.first, kernel.second,
                         stride, dilation,   padding};
  if (g.out_h() < 1 || g.out_w() < 1) return;  // the window does not fit
  check(g);
}

TEST_CASE("conv2d and its gradients match the oracle where it is one matrix product") {
  // Many outputs and few pixels.
  const auto stride = GENERATE(1, 2, 3);
  const auto dilation = GENERATE(1, 2);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid, Padding::kCentred);
  const auto kernel = GENERATE(1, 2, 3, 4);
  check({2, 9, 8, 5, 97, kernel, kernel, stride, dilation, padding});
  check({1, 7, 11, 33, 64, kernel, 3, stride, 1, padding});
}

TEST_CASE("conv2d and its gradients match the oracle where it is oneDNN's") {
  // Few outputs and many pixels, one past a block of 16.
  const auto stride = GENERATE(1, 2);
  const auto dilation = GENERATE(1, 2);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid, Padding::kCentred);
  const auto kernel = GENERATE(1, 3, 4, 5);
  check({2, 33, 34, 17, 18, kernel, kernel, stride, dilation, padding});
  check({3, 23, 29, 64, 3, kernel, 3, stride, dilation, padding});
}

TEST_CASE("conv2d and its gradients match the oracle on layers of the networks", "[large]") {
  for (const bench::Layer& layer : bench::network_layers(1)) {
    const auto* g = std::get_if<Conv2dGeometry>(&layer.geometry);
    if (const auto* deconv = std::get_if<bench::TransposedConv2d>(&layer.geometry)) g = &deconv->of;
    constexpr double kAffordableFlop = 5e8;  // for the oracle, which takes a second per GFLOP
    if (g == nullptr || g->flop() > kAffordableFlop) continue;
    CAPTURE(layer.name);
    check(*g);
  }
}

TEST_CASE("conv2d gives the same bits every time and its memory does not grow") {
  const auto backend = test::make_backend();
  const Conv2dGeometry g{4, 20, 20, 33, 48, 3, 3, 1, 1, Padding::kSame};
  const Guarded x(*backend, random_values(g.x_size(), 1));
  const Guarded w(*backend, random_values(g.w_size(), 2));
  const Guarded dy(*backend, random_values(g.y_size(), 3));
  const Guarded y(*backend, g.y_size()), dx(*backend, g.x_size()), dw(*backend, g.w_size()),
      db(*backend, std::size_t(g.k));
  const auto run = [&] {
    backend->conv2d(g, x.span(), {w.span()}, {{}, Activation::kRelu}, y.span());
    backend->conv2d_backward_data(g, dy.span(), {}, {w.span()}, dx.span());
    backend->conv2d_backward_weights(g, x.span(), dy.span(), dw.span(), db.span());
    return std::vector{y.read(), dx.read(), dw.read(), db.read()};
  };
  const auto first = run();
  const MemoryReport before = backend->memory();
  for (int repeat = 0; repeat < 5; ++repeat) REQUIRE(run() == first);
  CHECK(backend->memory().in_use == before.in_use);
  CHECK(backend->memory().reserved == before.reserved);
  CHECK(backend->memory().allocations == before.allocations);
}
