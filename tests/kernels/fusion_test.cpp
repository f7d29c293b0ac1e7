// What convolutions do on the way to memory gives the same bits as the passes it stands for.
#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <tuple>
#include <vector>

#include "kernels/backend.hpp"
#include "support/backend_under_test.hpp"
#include "support/guarded.hpp"

using namespace afterglow;
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
  PreparedKernels* prepared;  // null: the kernel is not constant
  Guarded x, w, b, dy;        // dy: of the pooled result

  Pooled(Backend& on, const Conv2dGeometry& geometry, std::vector<float> pixels,
         PreparedKernels* constant = nullptr)
      : backend(on),
        g(geometry),
        prepared(constant),
        x(backend, pixels),
        w(backend, random_values(g.w_size(), 2)),
        b(backend, random_values(std::size_t(g.k), 3)),
        dy(backend, random_values(pooled(g).y_size(), 4)) {}

  void check() const {
    const Kernel kernel{w.span(), prepared};
    Pool2dGeometry plain = pooled(g);  // of what a ReLU has gone over already
    plain.relu = false;
    const Guarded whole(backend, g.y_size()), y(backend, plain.y_size());
    backend.conv2d(g, x.span(), kernel, {b.span(), Activation::kRelu}, whole.span());
    backend.max_pool2d(plain, whole.span(), y.span(), {});

    const Guarded fused(backend, pooled(g).y_size()), alone(backend, pooled(g).y_size());
    const test::GuardedBytes winners(backend, pooled(g).winners_size());
    backend.conv2d_max_pool(g, x.span(), kernel, b.span(), fused.span(), winners.span());
    backend.conv2d_max_pool(g, x.span(), kernel, b.span(), alone.span(), {});
    REQUIRE(same_bits(fused.read(), y.read()));
    REQUIRE(same_bits(alone.read(), y.read()));

    // The gradient at the winners of the pool, where the ReLU lets it through.
    const test::GuardedBytes of_plain(backend, plain.winners_size());
    backend.max_pool2d(plain, whole.span(), y.span(), of_plain.span());
    const Guarded dz(backend, g.y_size()), masked(backend, g.y_size());
    backend.max_pool2d_backward(plain, dy.span(), of_plain.span(), dz.span());
    backend.relu_backward(whole.span(), dz.span(), masked.span());
    const Guarded spread(backend, g.y_size());
    backend.max_pool2d_backward(pooled(g), dy.span(), winners.span(), spread.span());
    REQUIRE(spread.read() == masked.read());  // zeros may differ in sign

    const Guarded dx(backend, g.x_size()), fused_dx(backend, g.x_size());
    backend.conv2d_backward_data(g, masked.span(), {}, kernel, dx.span());
    backend.conv2d_max_pool_backward_data(g, dy.span(), winners.span(), kernel, fused_dx.span());
    REQUIRE(fused_dx.read() == dx.read());
  }
};

}  // namespace

TEST_CASE("a convolution pools on the way to memory as a pass behind it does", "[large]") {
  const auto choice = GENERATE(from_range(test::convolution_choices()));
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto backend = test::make_backend(choice);
  test::in_every_way([&] {
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

TEST_CASE("so it does where tiles are many", "[cpu]") {
  const auto backend = test::make_backend(ConvolutionChoice::kWinograd);
  // Chunks of a thread's own; chunks that all threads share (winograd_test.cpp).
  const auto [size, c, k] = GENERATE(std::tuple{62, 32, 40}, std::tuple{120, 256, 256});
  CAPTURE(size, c, k);
  const Conv2dGeometry g{1, size, size, c, k, 3, 3, 1, 1, Padding::kSame};
  PreparedKernels prepared;
  Pooled(*backend, g, random_values(g.x_size(), 1), &prepared).check();
}

TEST_CASE("a window without a value above 0 has no winner, nor has one with a NaN") {
  const auto choice = GENERATE(from_range(test::convolution_choices()));
  const auto backend = test::make_backend(choice);
  const Conv2dGeometry g{1, 2, 2, 1, 3, 3, 3, 1, 1, Padding::kSame};
  const Guarded x(*backend, std::vector<float>(4)), w(*backend, std::vector<float>(g.w_size()));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Guarded b(*backend, std::vector<float>{-1, nan, 2}), y(*backend, 3);
  const test::GuardedBytes winners(*backend, 2);
  backend->conv2d_max_pool(g, x.span(), {w.span()}, b.span(), y.span(), winners.span());
  CHECK(winners.read() == std::vector<std::uint8_t>{0x44, 0});  // 4, 4 and 0
  CHECK(y.read()[0] == 0);
  CHECK(std::isnan(y.read()[1]));
  CHECK(y.read()[2] == 2);
}

TEST_CASE("a norm behind a convolution gives the bits of a pass of its own") {
  const auto choice = GENERATE(from_range(test::convolution_choices()));
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto stride = GENERATE(1, 2);  // at 1 behind an upsample, too
  const auto backend = test::make_backend(choice);
  test::in_every_way([&] {
    // Channels that fill no vector and some that do; few pixels and many. With some, the sub-pixel
    // form is stored by depth to space.
    for (const auto& [size, c, k] :
         {std::tuple{9, 5, 7}, {3, 16, 32}, {14, 17, 40}, {16, 32, 48}, {5, 40, 16}}) {
      const auto channels = std::size_t(k);
      const Guarded gamma(*backend, random_values(channels, 1));
      const Guarded beta(*backend, random_values(channels, 2));
      const Guarded mean(*backend, random_values(channels, 3));
      std::vector<float> squares = random_values(channels, 4);
      for (float& value : squares) value *= value;
      const Guarded variance(*backend, squares);
      const Norm norm{gamma.span(), beta.span(), mean.span(), variance.span(), 1e-3F};
      const Guarded bias(*backend, random_values(channels, 5));

      const auto check = [&](const auto& g, const Epilogue& plain, bool constant, auto&& run) {
        CAPTURE(int(choice), int(padding), stride, size, c, k, constant, plain.b.empty());
        const Guarded x(*backend, random_values(g.x_size(), 6));
        const Guarded w(*backend, random_values(g.w_size(), 7));
        const Guarded y(*backend, g.y_size()), apart(*backend, g.y_size());
        const Guarded together(*backend, g.y_size());
        PreparedKernels prepared;
        const Kernel kernel{w.span(), constant ? &prepared : nullptr};
        run(g, x.span(), kernel, plain, y.span());
        const std::int64_t rows = std::int64_t{g.n} * g.out_h() * g.out_w();
        backend->batch_norm_inference({rows, k}, y.span(), norm, apart.span());
        run(g, x.span(), kernel, Epilogue{plain.b, plain.activation, norm}, together.span());
        REQUIRE(same_bits(together.read(), apart.read()));
      };
      const Conv2dGeometry conv{2, size, size, c, k, 3, 3, stride, 1, padding};
      const UpsampleConv2dGeometry upsample{2, size, size, c, k, 5, padding};
      for (const bool constant : {false, true}) {
        for (const Epilogue& plain : {Epilogue{bias.span(), Activation::kRelu}, Epilogue{}}) {
          check(conv, plain, constant,
                [&](const auto&... arguments) { backend->conv2d(arguments...); });
          if (stride != 1) continue;
          check(upsample, plain, constant,
                [&](const auto&... arguments) { backend->upsample_conv2d(arguments...); });
        }
      }
    }
  });
}

TEST_CASE("backward data masks by ReLU on the way as a pass before it does") {
  const auto choice = GENERATE(from_range(test::convolution_choices()));
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto stride = GENERATE(1, 2);
  const auto backend = test::make_backend(choice);
  test::in_every_way([&] {
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
