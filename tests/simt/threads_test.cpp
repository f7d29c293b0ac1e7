// Every .cu file once, on as little as keeps several threads, warps or blocks at work: for
// ThreadSanitizer, to which each simulated thread is a fiber of its own, so that the other tests
// are too large for it. What the kernels compute is theirs to check; here every value must be
// written, and be the same in every order.
#include <functional>

#include "simt/kernel_test.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

/// Nothing is left as it was before: NaN.
void run_everywhere(const std::function<Doubles()>& run) {
  const Doubles values = in_every_order(run);
  CHECK(std::none_of(values.begin(), values.end(), [](double value) { return std::isnan(value); }));
}

}  // namespace

TEST_CASE("threads: adam.cu", "[simt][threads]") {
  constexpr std::size_t kSize = 33;
  const Array<float> gradient(random_values(kSize, 1));
  const AdamRate rate{0.1F, 0.001F};
  run_everywhere([&] {
    Array<float> values(random_values(kSize, 2)), m(random_values(kSize, 3)),
        v(std::vector<float>(kSize, 0.5F));
    Array<bfloat16> rounded(kSize);
    Array<double> squares(1);
    Workspace workspace(cuda::sum_of_squares_workspace());
    cuda::SumTable sum;
    sum.slots[sum.count++] = {gradient.data(), kSize};
    cuda::sum_of_squares(kNow, sum, false, squares.data(), workspace.data());
    cuda::AdamTable table;
    table.slots[table.count++] = {gradient.data(), values.data(), m.data(), v.data(),
                                  rounded.data(),  kSize,         false};
    cuda::adam(kNow, table, {0.9, 0.999, 1e-7F, 1}, &rate, squares.data());
    return joined(joined(squares.read(), rounded.read()),
                  joined(values.read(), joined(m.read(), v.read())));
  });
}

TEST_CASE("threads: batch_norm.cu", "[simt][threads]") {
  const ChannelGeometry g{35, 3};
  const Array<float> x(random_values(g.size(), 1)), dy(random_values(g.size(), 2));
  const Array<float> gamma(random_values(3, 3)), beta(random_values(3, 4));
  run_everywhere([&] {
    Array<float> mean(3), variance(3), rest(3), dgamma(3), dbeta(3);
    Array<float> y(g.size()), dx(g.size()), inference(g.size());
    Workspace workspace(cuda::batch_norm_workspace(g));
    cuda::batch_norm_statistics(kNow, g, x.data(), mean.data(), variance.data(), rest.data(),
                                workspace.data());
    cuda::batch_norm_apply(kNow, g, x.data(), gamma.data(), beta.data(), mean.data(), rest.data(),
                           variance.data(), 1e-3F, y.data());
    cuda::batch_norm_backward(kNow, g, x.data(), dy.data(), gamma.data(), mean.data(),
                              variance.data(), 1e-3F, dx.data(), dgamma.data(), dbeta.data(),
                              workspace.data());
    cuda::batch_norm_inference_backward(kNow, g, x.data(), dy.data(), gamma.data(), mean.data(),
                                        variance.data(), 1e-3F, inference.data(), nullptr, nullptr,
                                        workspace.data());
    return joined(joined(y.read(), dx.read()),
                  joined(inference.read(), joined(dgamma.read(), dbeta.read())));
  });
}

TEST_CASE("threads: channels.cu", "[simt][threads]") {
  const ChannelGeometry g{35, 3};
  const CropGeometry rectangle{1, 5, 7, 3, 1, 2, 3, 4};
  const Array<float> x(random_values(g.size(), 1)), b(random_values(3, 2));
  run_everywhere([&] {
    Array<float> y(g.size()), sums(3), both(2 * g.size()), part_of(g.rows), padded(g.rows * 8);
    Array<float> cropped(rectangle.y_size()), back(rectangle.x_size());
    Array<float> wide(g.rows * 8), added(g.size());
    Workspace workspace(cuda::sum_rows_workspace(g));
    cuda::add_bias(kNow, g, b.data(), Activation::kRelu, x.data(), y.data());
    cuda::sum_rows(kNow, g, x.data(), sums.data(), workspace.data());
    cuda::concat_channels(kNow, g.rows, 3, 3, x.data(), x.data(), both.data(), 8, wide.data());
    cuda::take_channels(kNow, g.rows, 3, 1, 1, x.data(), part_of.data());
    cuda::resize_channels(kNow, g.rows, 3, 8, x.data(), padded.data());
    cuda::crop(kNow, rectangle, x.data(), cropped.data());
    cuda::crop_backward(kNow, rectangle, cropped.data(), back.data());
    cuda::add_to_pixels(kNow, {1, 5, 7, 3}, 0.5F, x.data(), sums.data(), added.data());
    return joined(joined(joined(y.read(), sums.read()), joined(both.read(), part_of.read())),
                  joined(joined(padded.read(), wide.read()),
                         joined(cropped.read(), joined(back.read(), added.read()))));
  });
}

TEST_CASE("threads: depth_to_space.cu", "[simt][threads]") {
  const UpsampleConv2dGeometry g{1, 3, 3, 2, 3, 3, Padding::kSame};
  const Array<float> low(random_values(g.y_size(), 1)), b(random_values(3, 2));
  run_everywhere([&] {
    Array<float> y(g.y_size()), back(g.y_size()), deep(g.y_size()), wide(g.y_size());
    const FrameGeometry frames{1, g.out_h(), g.out_w(), g.k};
    cuda::depth_to_space(kNow, g, 12, low.data(), b.data(), Activation::kRelu, y.data());
    cuda::space_to_depth(kNow, g, 12, y.data(), back.data());
    cuda::space_to_depth(kNow, frames, y.data(), deep.data());
    cuda::depth_to_space(kNow, frames, deep.data(), wide.data());
    return joined(joined(y.read(), back.read()), joined(deep.read(), wide.read()));
  });
}

TEST_CASE("threads: elementwise.cu", "[simt][threads]") {
  constexpr std::size_t kSize = 37;
  const Array<float> a(random_values(kSize, 1)), b(random_values(kSize, 2));
  run_everywhere([&] {
    Array<float> filled(kSize), rectified(kSize), gradient(kSize), sum(kSize), scaled(kSize),
        blended(random_values(kSize, 3)), applied(kSize), slope(kSize), product(kSize);
    Array<bfloat16> converted(kSize);
    cuda::fill(kNow, kSize, 2.0F, filled.data());
    cuda::relu(kNow, kSize, a.data(), rectified.data());
    cuda::relu_backward(kNow, kSize, a.data(), b.data(), gradient.data());
    cuda::add(kNow, kSize, a.data(), b.data(), sum.data());
    cuda::scale(kNow, kSize, a.data(), 3.0F, scaled.data());
    cuda::blend_into(kNow, kSize, a.data(), 1.0F, 0.5F, blended.data());
    cuda::convert(kNow, kSize, a.data(), converted.data());
    cuda::apply(kNow, kSize, {FunctionKind::kSigmoid}, a.data(), applied.data());
    cuda::apply_backward(kNow, kSize, {FunctionKind::kSigmoid}, a.data(), b.data(), slope.data());
    cuda::multiply(kNow, kSize, a.data(), b.data(), product.data());
    return joined(
        joined(joined(filled.read(), rectified.read()), joined(gradient.read(), applied.read())),
        joined(joined(joined(sum.read(), scaled.read()), joined(slope.read(), product.read())),
               joined(blended.read(), converted.read())));
  });
}

TEST_CASE("threads: kernel_layout.cu", "[simt][threads]") {
  const cuda::KernelLayout layout{1, 2, 3, 5, 8, 8};
  const UpsampleConv2dGeometry g{1, 3, 3, 2, 3, 3, Padding::kSame};
  const Array<float> w(random_values(2 * 3 * 5, 1)), master(random_values(3 * 3 * 2 * 3, 2));
  const auto taps = std::size_t(g.low_taps() * g.low_taps());
  run_everywhere([&] {
    Array<float> packed(2 * 8 * 8), back(w.size()), summed(16 * taps * 8), dw(master.size());
    cuda::pack_kernel(kNow, layout, w.data(), packed.data());
    cuda::unpack_kernel(kNow, layout, packed.data(), back.data());
    cuda::pack_sub_pixel_kernel(kNow, g, 8, 16, master.data(), summed.data());
    cuda::unpack_sub_pixel_kernel(kNow, g, 8, 16, summed.data(), dw.data());
    return joined(joined(packed.read(), back.read()), joined(summed.read(), dw.read()));
  });
}

TEST_CASE("threads: pixels.cu", "[simt][threads]") {
  const ChannelGeometry g{35, 3};
  const Array<float> x(random_values(g.size(), 1)), factors(random_values(35, 2));
  run_everywhere([&] {
    Array<float> scaled(g.size()), products(35), lengths(35), dx(g.size());
    cuda::scale_pixels(kNow, g, x.data(), factors.data(), scaled.data());
    cuda::dot_channels(kNow, g, x.data(), scaled.data(), products.data());
    cuda::pixel_length(kNow, g, 0.1F, x.data(), lengths.data());
    cuda::pixel_length_backward(kNow, g, x.data(), lengths.data(), factors.data(), dx.data());
    return joined(joined(scaled.read(), products.read()), joined(lengths.read(), dx.read()));
  });
}

TEST_CASE("threads: pool2d.cu", "[simt][threads]") {
  const Pool2dGeometry g{1, 5, 5, 3, 3, 2, Padding::kValid, true};
  const Array<float> x(random_values(g.x_size(), 1)), dy(random_values(g.y_size(), 2));
  run_everywhere([&] {
    Array<float> largest(g.y_size()), dx(g.x_size()), mean(g.y_size()), dmean(g.x_size());
    Array<std::uint8_t> winners(g.winners_size());
    cuda::max_pool2d(kNow, g, x.data(), largest.data(), winners.data());
    cuda::max_pool2d_backward(kNow, g, dy.data(), winners.data(), dx.data());
    cuda::avg_pool2d(kNow, g, x.data(), mean.data());
    cuda::avg_pool2d_backward(kNow, g, dy.data(), dmean.data());
    return joined(joined(largest.read(), dx.read()), joined(mean.read(), dmean.read()));
  });
}

TEST_CASE("threads: softmax_mean.cu", "[simt][threads]") {
  const SoftmaxMeanGeometry g{3, 33, 2};
  const Array<float> x(random_values(g.x_size(), 1)), dy(random_values(g.y_size(), 2));
  const Array<float> centres(random_values(33 * 2, 3));
  run_everywhere([&] {
    Array<float> y(g.y_size()), dx(g.x_size());
    cuda::softmax_mean(kNow, g, 2.0F, x.data(), centres.data(), y.data());
    cuda::softmax_mean_backward(kNow, g, 2.0F, x.data(), centres.data(), dy.data(), dx.data());
    return joined(y.read(), dx.read());
  });
}

TEST_CASE("threads: temporal_mse.cu", "[simt][threads]") {
  // More than one block, so that the last one adds up.
  const TemporalMseGeometry g{2, 9, 17, 1, 0, 0, 9, 17};
  const Array<float> p(random_values(g.size(), 1)), y(random_values(g.size(), 2));
  const Array<std::uint8_t> starts(std::vector<float>{1, 0});
  run_everywhere([&] {
    Array<float> gradient(g.size());
    Array<double> value(3);
    Workspace workspace(cuda::temporal_mse_workspace(g));
    workspace.zero();
    cuda::temporal_mse(kNow, g, 0.7F, false, p.data(), y.data(), starts.data(), gradient.data(),
                       reinterpret_cast<TemporalMseValue*>(value.data()), workspace.data());
    return joined(value.read(), gradient.read());
  });
}

TEST_CASE("threads: temporal_mse.cu, along the motion", "[simt][threads]") {
  // Two blocks whose pixels all come from one.
  const FrameGeometry g{2, 9, 17, 1};
  const Array<float> p(random_values(g.size(), 1)), y(random_values(g.size(), 2));
  std::vector<float> ways;
  for (int i = 0; i < 2 * 9 * 17; ++i)
    ways.insert(ways.end(), {float(3 - i % 17), float(4 - i / 17 % 9)});
  const Array<float> flow(ways);
  const Array<std::uint8_t> starts(std::vector<float>{1, 0});
  run_everywhere([&] {
    Array<float> gradient(g.size());
    Array<double> value(3);
    Workspace workspace(cuda::motion_temporal_mse_workspace(g));
    cuda::motion_temporal_mse(kNow, g, 0.7F, p.data(), y.data(), flow.data(), starts.data(),
                              gradient.data(), reinterpret_cast<TemporalMseValue*>(value.data()),
                              workspace.data());
    return joined(value.read(), gradient.read());
  });
}

TEST_CASE("threads: upsample_nearest.cu", "[simt][threads]") {
  const Array<float> x(random_values(3 * 5 * 3, 1));
  run_everywhere([&] {
    Array<float> y(4 * x.size()), dx(x.size());
    cuda::upsample_nearest(kNow, 1, 3, 5, 3, x.data(), y.data());
    cuda::upsample_nearest_backward(kNow, 1, 3, 5, 3, y.data(), dx.data());
    return joined(y.read(), dx.read());
  });
}

TEST_CASE("threads: warp.cu", "[simt][threads]") {
  // Two blocks whose pixels all come from four.
  const FrameGeometry g{1, 15, 19, 1};
  const Array<float> x(random_values(g.size(), 1));
  std::vector<float> ways;
  for (int i = 0; i < 15 * 19; ++i)
    ways.insert(ways.end(), {3.5F - float(i % 19), 4.5F - float(i / 19)});
  const Array<float> flow(ways);
  run_everywhere([&] {
    Array<float> y(g.size()), dx(g.size());
    Workspace workspace(cuda::warp_backward_workspace(g));
    cuda::warp(kNow, g, x.data(), flow.data(), y.data());
    cuda::warp_backward(kNow, g, y.data(), flow.data(), dx.data(), workspace.data());
    return joined(y.read(), dx.read());
  });
}
