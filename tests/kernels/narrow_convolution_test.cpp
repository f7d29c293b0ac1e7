// Gradients of convolutions with few channels on one side.
#include "kernels/cpu/narrow_convolution.hpp"

#include <omp.h>

#include <catch2/catch.hpp>
#include <vector>

#include "kernels/cpu/convolution.hpp"
#include "kernels/cpu/panel_product.hpp"
#include "support/guarded.hpp"
#include "support/instruction_sets.hpp"
#include "support/oracle_conv.hpp"
#include "support/oracle_elementwise.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

Conv2dGeometry geometry(std::int32_t h, std::int32_t w, std::int32_t c, std::int32_t k,
                        std::int32_t kernel, Padding padding) {
  return {2, h, w, c, k, kernel, kernel, 1, 1, padding};
}

std::vector<float> backward_weights(Backend& backend, const Conv2dGeometry& g, const Guarded& x,
                                    const Guarded& dy) {
  const ConvolutionShape s = shape_of(g);
  const Guarded scratch(backend, narrow_backward_weights_scratch(s)), dw(backend, g.w_size());
  narrow_backward_weights(s, x.span(), dy.span(), scratch.span(), dw.span());
  scratch.read();
  return dw.read();
}

}  // namespace

TEST_CASE("narrow backward data matches the oracle, masked by ReLU or not") {
  const auto backend = make_cpu_backend();
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto channels = GENERATE(1, 2, 3, 4);
  for_each_instruction_set([&] {
    for (const std::int32_t kernel : {1, 2, 3, 5}) {
      for (const std::int32_t width : {5, 6, 11, 24}) {
        for (const std::int32_t k : {16, 48}) {
          const Conv2dGeometry g = geometry(7, width, channels, k, kernel, padding);
          CAPTURE(channels, k, kernel, width, int(padding));
          const ConvolutionShape s = shape_of(g);
          REQUIRE(is_narrow_backward_data(s));
          const auto dy = random_values(g.y_size(), 1), y = random_values(g.y_size(), 2);
          const Guarded w(*backend, random_values(g.w_size(), 3));
          const Guarded from(*backend, dy), relu(*backend, y), dx(*backend, g.x_size());
          const auto tolerance = sum_tolerance(std::size_t(kernel * kernel * k));
          const auto weights = to_double(w.read());
          narrow_backward_data(s, from.span(), {}, w.span(), dx.span());
          require_close(dx.read(), oracle::conv2d_backward_data(g, to_double(dy), weights),
                        tolerance);
          narrow_backward_data(s, from.span(), relu.span(), w.span(), dx.span());
          const auto masked = oracle::relu_backward(to_double(y), to_double(dy));
          require_close(dx.read(), oracle::conv2d_backward_data(g, masked, weights), tolerance);
        }
      }
    }
  });
}

TEST_CASE("narrow backward weights match the oracle, with the same bits for any threads") {
  const auto backend = make_cpu_backend();
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto k = GENERATE(1, 3, 6, 7, 12, 16);
  const int threads = omp_get_max_threads();
  for_each_instruction_set([&] {
    for (const std::int32_t kernel : {1, 2, 3, 5}) {
      for (const std::int32_t h : {5, 70}) {  // in one strip of rows, in several
        for (const std::int32_t c : {16, 80}) {
          const Conv2dGeometry g = geometry(h, 6, c, k, kernel, padding);
          CAPTURE(k, c, kernel, h, int(padding));
          REQUIRE(is_narrow_backward_weights(shape_of(g)));
          const Guarded x(*backend, random_values(g.x_size(), 1));
          const Guarded dy(*backend, random_values(g.y_size(), 2));
          omp_set_num_threads(1);
          const auto dw = backward_weights(*backend, g, x, dy);
          require_close(
              dw, oracle::conv2d_backward_weights(g, to_double(x.read()), to_double(dy.read())),
              sum_tolerance(std::size_t(g.n) * std::size_t(g.out_h() * g.out_w())));
          omp_set_num_threads(3);
          REQUIRE(backward_weights(*backend, g, x, dy) == dw);
        }
      }
    }
  });
  omp_set_num_threads(threads);
}

TEST_CASE("the backend takes the narrow passes where they are faster, and direct ones on request") {
  if (!product_is_fast()) {
    WARN("SKIPPED: the vectors of this machine are emulated");
    return;
  }
  const Conv2dGeometry first{4, 32, 32, 3, 64, 3, 3, 1, 1, Padding::kSame};
  const Conv2dGeometry last{4, 32, 32, 96, 12, 3, 3, 1, 1, Padding::kSame};
  const auto chosen = [](const Conv2dGeometry& g, ConvolutionPass pass, ConvolutionChoice choice) {
    return choose_algorithm(shape_of(g), pass, false, choice);
  };
  for (const auto& [g, pass] : {std::pair{first, ConvolutionPass::kBackwardData},
                                {last, ConvolutionPass::kBackwardWeights}}) {
    CHECK(chosen(g, pass, ConvolutionChoice::kAuto) == ConvolutionAlgorithm::kNarrow);
    CHECK(chosen(g, pass, ConvolutionChoice::kDirect) != ConvolutionAlgorithm::kNarrow);
  }
}
