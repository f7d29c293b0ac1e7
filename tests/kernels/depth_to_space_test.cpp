// Sub-pixel convolutions by Winograd's algorithms read and write depth to space on the way.
#include <catch2/catch.hpp>
#include <cstring>
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

}  // namespace

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
    backend->upsample_conv2d(g, x.span(), {w_in.span()}, {b.span(), Activation::kRelu}, y.span());
    backend->upsample_conv2d_backward_weights(g, x.span(), dy_in.span(), dw.span(), db.span());
    for (const std::size_t first : {0U, 1U}) {
      const Guarded half_w(*backend, part(w, first)), half_b(*backend, part(bias, first));
      const Guarded half_y(*backend, half.y_size()), half_dy(*backend, part(dy, first));
      const Guarded half_dw(*backend, half.w_size()), half_db(*backend, 8);
      backend->upsample_conv2d(half, x.span(), {half_w.span()}, {half_b.span(), Activation::kRelu},
                               half_y.span());
      backend->upsample_conv2d_backward_weights(half, x.span(), half_dy.span(), half_dw.span(),
                                                half_db.span());
      REQUIRE(same_bits(half_y.read(), part(y.read(), first)));
      REQUIRE(same_bits(half_dw.read(), part(dw.read(), first)));
      REQUIRE(same_bits(half_db.read(), part(db.read(), first)));
    }
  });
}
