// Winograd's convolutions against the double oracle, for every instruction set of this machine.
#include "kernels/cpu/winograd.hpp"

#include <omp.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/cpu/convolution.hpp"
#include "kernels/device.hpp"
#include "support/guarded.hpp"
#include "support/instruction_sets.hpp"
#include "support/oracle_conv.hpp"
#include "support/oracle_elementwise.hpp"

using namespace afterglow;
using test::for_each_instruction_set;
using test::Guarded;
using test::random_values;
using test::require_close;
using test::to_double;
using test::winograd_tolerance;

namespace {

/// Largest root mean square error of a pass, of the root mean square of its result.
constexpr double kRelativeRms = 1e-5;

/// F(m x m, r x r) with m + r - 1 points a side.
struct Form {
  std::size_t side = 6;
  std::int32_t r = 3;
  bool late = false;
};
constexpr Form kForms[] = {{6, 3}, {6, 5},       {6, 2},       {4, 3},
                           {4, 2}, {6, 3, true}, {6, 5, true}, {4, 2, true}};

Conv2dGeometry geometry(std::int32_t n, std::int32_t h, std::int32_t w, std::int32_t c,
                        std::int32_t k, Padding padding, std::int32_t r = 3) {
  return {n, h, w, c, k, r, r, 1, 1, padding};
}

void require_close_in_the_mean(const std::vector<float>& result, const oracle::Doubles& expected) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < result.size(); ++i) {
    error += std::pow(double(result[i]) - expected[i], 2);
    size += std::pow(expected[i], 2);
  }
  REQUIRE(std::sqrt(error) <= kRelativeRms * std::sqrt(size));
}

struct Case {
  Conv2dGeometry g;
  WinogradTiles tiles;
  std::vector<float> x, w, b, dy;

  explicit Case(const Conv2dGeometry& geometry, const Form& form = {})
      : g(geometry),
        tiles(shape_of(g), form.side, form.late),
        x(random_values(g.x_size(), 1)),
        w(random_values(g.w_size(), 2)),
        b(random_values(std::size_t(g.k), 3)),
        dy(random_values(g.y_size(), 4)) {}

  std::vector<float> forward(Backend& backend, bool bias, Activation activation) const {
    const Guarded x_in(backend, x), w_in(backend, w), b_in(backend, b), y(backend, g.y_size());
    const Guarded u(backend, winograd_kernel_size(tiles));
    const Guarded scratch(backend, winograd_forward_scratch(tiles));
    winograd_prepare_kernel(tiles, w_in.span().data(), u.span().data());
    winograd_forward(
        tiles, {x_in.span()}, u.span(),
        {.b = bias ? b_in.span() : Destination(), .activation = activation, .y = y.span()},
        scratch.span());
    u.read();
    scratch.read();
    return y.read();
  }

  std::vector<float> backward_weights(Backend& backend) const {
    const Guarded x_in(backend, x), dy_in(backend, dy), dw(backend, g.w_size());
    const Guarded scratch(backend, winograd_backward_weights_scratch(tiles));
    winograd_backward_weights(tiles, x_in.span(), {dy_in.span()}, scratch.span(), dw.span());
    scratch.read();
    return dw.read();
  }
};

void check(const Conv2dGeometry& g, const Form& form = {}) {
  CAPTURE(g.n, g.h, g.w, g.c, g.k, g.kh, g.dilation, form.side, form.late, int(g.padding));
  const auto backend = make_cpu_backend();
  const Case c(g, form);
  const auto plain = oracle::conv2d(g, to_double(c.x), to_double(c.w), {}, Activation::kNone);
  for (const bool bias : {false, true}) {
    for (const Activation activation : {Activation::kNone, Activation::kRelu}) {
      const ChannelGeometry rows{std::int64_t{g.n} * g.out_h() * g.out_w(), g.k};
      const auto expected =
          oracle::add_bias(rows, bias ? to_double(c.b) : oracle::Doubles(), activation, plain);
      const auto y = c.forward(*backend, bias, activation);
      require_close(y, expected, winograd_tolerance(std::size_t(g.kh * g.kw) * std::size_t(g.c)));
      require_close_in_the_mean(y, expected);
    }
  }
  if (form.late) return;  // backward to the weights is as without
  const auto dw = c.backward_weights(*backend);
  const auto expected = oracle::conv2d_backward_weights(g, to_double(c.x), to_double(c.dy));
  require_close(dw, expected, winograd_tolerance(std::size_t(g.n) * g.out_h() * g.out_w()));
  require_close_in_the_mean(dw, expected);
}

}  // namespace

TEST_CASE("Winograd's passes match the oracle for every picture size") {
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  for_each_instruction_set([&] {
    for (const Form& form : kForms) {
      for (const std::int32_t h : {5, 6, 7, 11}) {
        for (const std::int32_t w : {5, 8, 9, 13}) {
          check(geometry(2, h, w, 5, 7, padding, form.r), form);
        }
      }
    }
    for (const std::int32_t h : {3, 4}) check(geometry(2, h, 3, 5, 7, padding));
  });
}

TEST_CASE("Winograd's passes match the oracle for every dilation") {
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  for_each_instruction_set([&] {
    for (const Form& form : kForms) {
      for (const std::int32_t dilation : {2, 3}) {
        for (const std::int32_t size : {13, 14, 25}) {
          Conv2dGeometry g = geometry(2, size, 17, 5, 18, padding, form.r);
          g.dilation = dilation;
          check(g, form);
        }
      }
    }
  });
}

TEST_CASE("Winograd's passes match the oracle for every channel count") {
  const auto c = GENERATE(1, 3, 15, 16, 17, 40, 133);  // the last: some blocks of a late kernel
  for_each_instruction_set([&] {
    for (const Form& form : kForms) {
      for (const std::int32_t k : {1, 12, 16, 33, 64, 70, 130}) {
        check(geometry(1, 6, 9, c, k, Padding::kSame, form.r), form);
      }
    }
  });
}

TEST_CASE("Winograd's passes match the oracle over many chunks of tiles") {
  // 192 + 192 channels: a chunk of 12 MiB holds 192 tiles at most; here are 2 x 11 x 11. With 32
  // + 32, each thread has chunks of its own. With a late kernel, 144 inputs are several blocks of
  // at most 64, and so many tiles are several chunks.
  check(geometry(2, 41, 42, 192, 192, Padding::kSame));
  REQUIRE(winograd_fits_own_cache(Case(geometry(3, 61, 62, 32, 32, Padding::kSame)).tiles));
  check(geometry(3, 61, 62, 32, 32, Padding::kSame));
  check(geometry(3, 61, 62, 144, 80, Padding::kSame), {.late = true});
}

TEST_CASE("backward data is Winograd's, too, and needs padding that no forward has") {
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto backend = make_cpu_backend(ConvolutionChoice::kWinograd);
  const Case c(geometry(2, 21, 18, 34, 37, padding));
  REQUIRE(points_a_side(choose_algorithm(shape_of(c.g), ConvolutionPass::kBackwardData, false,
                                         ConvolutionChoice::kWinograd)) > 0);
  const Guarded w(*backend, c.w), dy(*backend, c.dy), dx(*backend, c.g.x_size());
  backend->conv2d_backward_data(c.g, dy.span(), {}, {w.span()}, dx.span());
  const auto expected = oracle::conv2d_backward_data(c.g, to_double(c.dy), to_double(c.w));
  require_close(dx.read(), expected, winograd_tolerance(9 * std::size_t(c.g.k)));
  require_close_in_the_mean(dx.read(), expected);
}

TEST_CASE("backward data at stride 2 is a convolution of phases, stored by depth to space") {
  const auto kernel = GENERATE(4, 6);  // with 2 x 2 and 3 x 3 taps for each phase
  const auto backend = make_cpu_backend(ConvolutionChoice::kWinograd);
  const Case c({2, 2 * 8 + kernel, 2 * 10 + kernel, 16, 37, kernel, kernel, 2, 1, Padding::kValid});
  const Guarded w(*backend, c.w), dy(*backend, c.dy), dx(*backend, c.g.x_size());
  backend->conv2d_backward_data(c.g, dy.span(), {}, {w.span()}, dx.span());
  const auto plans = backend->convolution_plans();
  REQUIRE(plans.size() == 1);
  CHECK(plans[0].convolution == (kernel == 4 ? "2x2 37-64, 2 of 9x11" : "3x3 37-64, 2 of 9x11"));
  const auto expected = oracle::conv2d_backward_data(c.g, to_double(c.dy), to_double(c.w));
  require_close(dx.read(), expected,
                winograd_tolerance(std::size_t(kernel * kernel / 4) * std::size_t(c.g.k)));
  require_close_in_the_mean(dx.read(), expected);
}

TEST_CASE("a backend says how it computed each convolution, and keeps to the choice it was given") {
  // 24 channels are too few for Winograd to be the fastest, not too few for it to be right.
  const auto plans = [](const std::string& choice) {
    const auto backend = open_backend({.device = "cpu", .convolutions = choice});
    const Case c(geometry(1, 12, 20, 24, 24, Padding::kSame));
    const Guarded x(*backend, c.x), w(*backend, c.w), dy(*backend, c.dy);
    const Guarded y(*backend, c.g.y_size()), dw(*backend, c.g.w_size());
    for (int time = 0; time < 2; ++time) {
      backend->conv2d(c.g, x.span(), {w.span()}, {}, y.span());
      backend->conv2d_backward_weights(c.g, x.span(), dy.span(), dw.span(), {});
    }
    const auto expected =
        oracle::conv2d(c.g, to_double(c.x), to_double(c.w), {}, Activation::kNone);
    require_close(y.read(), expected, winograd_tolerance(9 * 24));
    return backend->convolution_plans();
  };
  for (const auto& [choice, algorithm] : {std::pair<std::string, std::string>{"auto", "direct"},
                                          {"direct", "direct"},
                                          {"winograd", "Winograd F("}}) {
    const auto made = plans(choice);
    REQUIRE(made.size() == 2);  // each once
    CHECK(made[0].convolution == "3x3 24-24, 1 of 12x20");
    CHECK(made[0].pass == "forward");
    CHECK(made[1].pass == "backward weights");
    for (const ConvolutionPlan& plan : made)
      CHECK_THAT(plan.algorithm, Catch::StartsWith(algorithm));
  }
}

TEST_CASE("Winograd gives the same bits whatever the number of threads") {
  // Chunks that all threads share; chunks of their own; late kernels.
  const auto [channels, late] =
      GENERATE(std::pair{200, false}, std::pair{48, false}, std::pair{48, true});
  const auto backend = make_cpu_backend();
  const Case c(geometry(3, 22, 25, channels, channels, Padding::kSame), {.late = late});
  REQUIRE(winograd_fits_own_cache(c.tiles) == (channels == 48 && !late));
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto y = c.forward(*backend, true, Activation::kRelu);
  const auto dw = c.backward_weights(*backend);
  for (const int count : {2, 3, 7}) {
    omp_set_num_threads(count);
    CHECK(c.forward(*backend, true, Activation::kRelu) == y);
    CHECK(c.backward_weights(*backend) == dw);
  }
  omp_set_num_threads(threads);
}

TEST_CASE("late kernels are for few tiles") {
  // These of fusion_test.cpp have too many, so that their passes are fused in the other orders.
  for (const Conv2dGeometry& g : {geometry(1, 62, 62, 32, 40, Padding::kSame),
                                  geometry(1, 120, 120, 256, 256, Padding::kSame)}) {
    const auto algorithm = choose_algorithm(shape_of(g), ConvolutionPass::kForward, true,
                                            ConvolutionChoice::kWinograd);
    CHECK(points_a_side(algorithm) > 0);
    CHECK(algorithm != ConvolutionAlgorithm::kLateWinograd4);
    CHECK(algorithm != ConvolutionAlgorithm::kLateWinograd6);
  }
  CHECK(choose_algorithm(shape_of(geometry(1, 8, 8, 512, 512, Padding::kSame)),
                         ConvolutionPass::kForward, true) == ConvolutionAlgorithm::kLateWinograd6);
}

TEST_CASE("Winograd keeps a NaN through its ReLU") {
  const auto backend = make_cpu_backend();
  Case c(geometry(1, 4, 4, 1, 1, Padding::kSame));
  c.x[5] = std::numeric_limits<float>::quiet_NaN();
  for (const float value : c.forward(*backend, true, Activation::kRelu)) {
    CHECK(std::isnan(value));  // the whole tile: each of its outputs is made of all 36 products
  }
}
