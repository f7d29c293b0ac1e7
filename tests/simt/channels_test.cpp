#include "simt/kernel_test.hpp"
#include "support/oracle_elementwise.hpp"
#include "support/oracle_pixels.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

// Rows and channels: 1, primes, whole vectors and not, more channels than a block has threads, one
// row past what one block takes.
ChannelGeometry any_geometry() {
  return GENERATE(ChannelGeometry{1, 1}, ChannelGeometry{1, 8}, ChannelGeometry{7, 3},
                  ChannelGeometry{129, 5}, ChannelGeometry{257, 8}, ChannelGeometry{61, 64},
                  ChannelGeometry{13, 100}, ChannelGeometry{3, 521}, ChannelGeometry{2049, 4});
}
std::size_t any_shift() { return GENERATE(0U, 1U); }

}  // namespace

TEMPLATE_TEST_CASE("add_bias matches the oracle", "[simt]", float, bfloat16) {
  const ChannelGeometry g = any_geometry();
  const auto shift = any_shift();
  const auto activation = GENERATE(Activation::kNone, Activation::kRelu);
  CAPTURE(g.rows, g.channels, shift);
  const Array<TestType> x(random_values(g.size(), 1), shift);
  const Array<float> b(random_values(std::size_t(g.channels), 2));
  const Doubles result = in_every_order([&] {
    Array<TestType> y(x);  // in place
    cuda::add_bias(kNow, g, b.data(), activation, y.data(), y.data());
    return y.read();
  });
  require_close(result, oracle::add_bias(g, b.read(), activation, x.read()),
                stored<TestType>(kOneRounding));
  const Doubles without = in_every_order([&] {
    Array<TestType> y(g.size(), shift);
    cuda::add_bias<TestType>(kNow, g, nullptr, activation, x.data(), y.data());
    return y.read();
  });
  require_close(without, activation == Activation::kRelu ? oracle::relu(x.read()) : x.read(),
                kExact);
}

TEMPLATE_TEST_CASE("sum_rows matches the oracle", "[simt]", float, bfloat16) {
  const ChannelGeometry g = any_geometry();
  const auto shift = any_shift();
  CAPTURE(g.rows, g.channels, shift);
  const Array<TestType> x(random_values(g.size(), 1), shift);
  const Doubles sums = in_every_order([&] {
    Array<float> result(std::size_t(g.channels));
    Workspace workspace(cuda::sum_rows_workspace(g));
    cuda::sum_rows(kNow, g, x.data(), result.data(), workspace.data());
    workspace.read();
    return result.read();
  });
  require_close(sums, oracle::sum_rows(g, x.read()), sum_tolerance(std::size_t(g.rows)));
  Array<float> none(std::size_t(g.channels));
  cuda::sum_rows<TestType>(kNow, {0, g.channels}, nullptr, none.data(), nullptr);
  CHECK(none.read() == Doubles(std::size_t(g.channels), 0.0));
}

TEMPLATE_TEST_CASE("sum_pixels and add_to_pixels match the oracle", "[simt]", float, bfloat16) {
  // Frames of one pixel; of one stretch of rows, and of several; more channels than threads.
  const FrameGeometry g = GENERATE(FrameGeometry{1, 1, 1, 1}, FrameGeometry{5, 1, 1, 8},
                                   FrameGeometry{3, 7, 5, 3}, FrameGeometry{2, 16, 17, 16},
                                   FrameGeometry{2, 41, 53, 1}, FrameGeometry{2, 3, 1, 521});
  const auto shift = any_shift();
  const float factor = GENERATE(1.0F, -0.37F);
  CAPTURE(g.n, g.h, g.w, g.c, shift, factor);
  const Array<TestType> x(random_values(g.size(), 1), shift);
  const auto per_frame = std::size_t(g.n) * std::size_t(g.c);
  const auto check = [&]<typename S>(const Array<S>& v) {
    const Doubles sums = in_every_order([&] {
      Array<S> result(per_frame);
      Workspace workspace(cuda::sum_pixels_workspace(g));
      cuda::sum_pixels(kNow, g, factor, x.data(), result.data(), workspace.data());
      workspace.read();
      return result.read();
    });
    require_close(sums, oracle::sum_pixels(g, double(factor), x.read()),
                  stored<S>(sum_tolerance(std::size_t(g.h * g.w))));
    const Doubles added = in_every_order([&] {
      Array<TestType> y(x);  // in place
      cuda::add_to_pixels(kNow, g, factor, y.data(), v.data(), y.data());
      return y.read();
    });
    // The product and the sum, of values in [-2, 2).
    constexpr double kEps = std::numeric_limits<float>::epsilon();
    require_close(added, oracle::add_to_pixels(g, double(factor), x.read(), v.read()),
                  stored<TestType>({kEps, kEps}));
    const Doubles alone = in_every_order([&] {
      Array<TestType> y(g.size(), shift);
      cuda::add_to_pixels<TestType>(kNow, g, factor, nullptr, v.data(), y.data());
      return y.read();
    });
    require_close(alone, oracle::add_to_pixels(g, double(factor), Doubles(g.size()), v.read()),
                  stored<TestType>(kOneRounding));
  };
  check(Array<float>(random_values(per_frame, 2)));
  check(Array<bfloat16>(random_values(per_frame, 3)));
}

TEMPLATE_TEST_CASE("concat_channels joins what may be bytes, take_channels cuts", "[simt]", float,
                   bfloat16) {
  const std::int64_t rows = GENERATE(1, 7, 257, 1025);
  const auto [c0, c1] = GENERATE(table<std::int32_t, std::int32_t>({{3, 3}, {1, 5}, {8, 16}}));
  const auto n0 = std::size_t(rows * c0), n1 = std::size_t(rows * c1);
  std::vector<float> levels(n0);
  for (std::size_t i = 0; i < n0; ++i) levels[i] = static_cast<float>(i * 37 % 256);
  const Array<std::uint8_t> bytes(levels);
  const Array<float> floats(random_values(n1, 1));
  const Array<bfloat16> half(random_values(n1, 2));
  const auto check = [&](const auto& x0, const auto& x1) {
    const Doubles expected = oracle::concat_channels(std::size_t(rows), std::size_t(c0),
                                                     std::size_t(c1), x0.read(), x1.read());
    const Doubles joined_rows = in_every_order([&] {
      Array<TestType> y(n0 + n1);
      cuda::concat_channels<>(kNow, rows, c0, c1, x0.data(), x1.data(), y.data(), 0,
                              static_cast<TestType*>(nullptr));
      return y.read();
    });
    require_close(joined_rows, expected, stored<TestType>(kExact));
    const std::int32_t to = c0 + c1 + 2;
    const Doubles both = in_every_order([&] {
      Array<TestType> y(n0 + n1), padded(std::size_t(rows * to));
      cuda::concat_channels(kNow, rows, c0, c1, x0.data(), x1.data(), y.data(), to, padded.data());
      return joined(y.read(), padded.read());
    });
    CHECK(part(both, 0, joined_rows.size()) == joined_rows);
    Doubles with_zeros;
    for (std::int64_t row = 0; row < rows; ++row) {
      with_zeros =
          joined(with_zeros, part(joined_rows, std::size_t(row * (c0 + c1)), std::size_t(c0 + c1)));
      with_zeros.resize(with_zeros.size() + 2);
    }
    CHECK(part(both, joined_rows.size(), with_zeros.size()) == with_zeros);
  };
  check(bytes, bytes.size() == n1 ? bytes : Array<std::uint8_t>(std::vector<float>(n1, 7)));
  check(bytes, floats);
  check(bytes, half);
  check(floats.size() == n0 ? floats : Array<float>(random_values(n0, 3)), half);

  const Array<TestType> dy(random_values(n0 + n1, 4));
  const auto cut = [&]<typename T>(std::int32_t first, std::int32_t count, const Array<T>&) {
    const Doubles channels = in_every_order([&] {
      Array<T> dx(std::size_t(rows * count));
      cuda::take_channels(kNow, rows, c0 + c1, first, count, dy.data(), dx.data());
      return dx.read();
    });
    require_close(channels,
                  oracle::take_channels(std::size_t(rows), std::size_t(c0 + c1), std::size_t(first),
                                        std::size_t(count), dy.read()),
                  stored<T>(kExact));
  };
  cut(0, c0, Array<float>(0));
  cut(c0, c1, Array<bfloat16>(0));
}

TEMPLATE_TEST_CASE("resize_channels pads with zeros or cuts", "[simt]", float, bfloat16) {
  const std::int64_t rows = GENERATE(1, 7, 257);
  const auto [from, to] = GENERATE(
      table<std::int32_t, std::int32_t>({{6, 8}, {8, 6}, {3, 8}, {8, 3}, {5, 5}, {16, 16}}));
  CAPTURE(rows, from, to);
  const auto check = [&]<typename S>(const Array<S>& x) {
    Doubles reference;
    const Doubles values = x.read();
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int32_t c = 0; c < to; ++c) {
        reference.push_back(c < from ? values[std::size_t(row * from + c)] : 0.0);
      }
    }
    const Doubles result = in_every_order([&] {
      Array<TestType> y(reference.size());
      cuda::resize_channels(kNow, rows, from, to, x.data(), y.data());
      return y.read();
    });
    require_close(result, reference, stored<TestType>(kExact));
  };
  check(Array<float>(random_values(std::size_t(rows * from), 1)));
  check(Array<bfloat16>(random_values(std::size_t(rows * from), 1)));
}

TEMPLATE_TEST_CASE("crop and its gradient match the oracle", "[simt]", float, bfloat16) {
  const CropGeometry g =
      GENERATE(CropGeometry{1, 1, 1, 1, 0, 0, 1, 1}, CropGeometry{2, 7, 5, 3, 1, 2, 4, 3},
               CropGeometry{1, 9, 11, 8, 0, 0, 9, 11}, CropGeometry{3, 8, 8, 5, 7, 7, 1, 1});
  const Array<TestType> x(random_values(g.x_size(), 1)), dy(random_values(g.y_size(), 2));
  const Doubles y = in_every_order([&] {
    Array<TestType> result(g.y_size());
    cuda::crop(kNow, g, x.data(), result.data());
    return result.read();
  });
  CHECK(y == oracle::crop(g, x.read()));
  const Doubles dx = in_every_order([&] {
    Array<TestType> result(g.x_size());
    cuda::crop_backward(kNow, g, dy.data(), result.data());
    return result.read();
  });
  CHECK(dx == oracle::crop_backward(g, dy.read()));
}

TEMPLATE_TEST_CASE("nothing is done without rows or channels", "[simt]", float, bfloat16) {
  const auto [rows, channels] = GENERATE(table<std::int64_t, std::int32_t>({{0, 5}, {5, 0}}));
  Array<TestType> y(0);
  cuda::add_bias<TestType>(kNow, {rows, channels}, nullptr, Activation::kNone, y.data(), y.data());
  cuda::concat_channels(kNow, rows, channels, 0, y.data(), y.data(), y.data(), 8, y.data());
  cuda::take_channels(kNow, rows, 2 * channels, channels, channels, y.data(), y.data());
  cuda::resize_channels<float>(kNow, 0, 6, 8, nullptr, y.data());
  const FrameGeometry frames{int(rows), 3, 2, channels};
  cuda::sum_pixels(kNow, frames, 1, y.data(), y.data(), nullptr);
  cuda::add_to_pixels(kNow, frames, 1, y.data(), y.data(), y.data());
  CHECK(cuda::sum_pixels_workspace(frames) == 0);
  CHECK(cuda::sum_rows_workspace({rows, 0}) == 0);
  CHECK(cuda::batch_norm_workspace({rows, 0}) == 0);
  CHECK(y.read().empty());
}
