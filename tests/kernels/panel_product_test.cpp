// Convolutions with few pixels and a constant kernel: one product with packed panels.
#include "kernels/cpu/panel_product.hpp"

#include <omp.h>

#include <catch2/catch.hpp>
#include <vector>

#include "kernels/cpu/convolution.hpp"
#include "kernels/cpu/gemm_convolution.hpp"
#include "support/guarded.hpp"
#include "support/instruction_sets.hpp"
#include "support/oracle_conv.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

std::vector<float> packed_forward(Backend& backend, const Conv2dGeometry& g, const Guarded& x,
                                  const Guarded& w, const Guarded& b) {
  const ConvolutionShape s = shape_of(g);
  const auto depth = std::size_t(window_size(s)), columns = std::size_t(s.k);
  const Guarded panels(backend, packed_panels_size(depth, columns));
  const Guarded windows(backend, windows_size(s)), y(backend, g.y_size());
  pack_panels(depth, columns, w.span().data(), panels.span().data());
  gemm_forward_packed(s, x.span(), panels.span(), b.span(), Activation::kRelu, windows.span(),
                      y.span());
  panels.read();
  windows.read();
  return y.read();
}

}  // namespace

TEST_CASE("packed products match the oracle, with the same bits whatever the number of threads") {
  const auto k = GENERATE(16, 48, 64, 80, 144);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  const auto backend = make_cpu_backend();
  const int threads = omp_get_max_threads();
  for_each_instruction_set([&] {
    for (const auto& [size, kernel] : {std::pair{1, 1}, {3, 1}, {3, 2}, {5, 3}, {7, 3}}) {
      CAPTURE(k, int(padding), size, kernel);
      const Conv2dGeometry g{2, size, size, 11, k, kernel, kernel, 1, 1, padding};
      const Guarded x(*backend, random_values(g.x_size(), 1));
      const Guarded w(*backend, random_values(g.w_size(), 2));
      const Guarded b(*backend, random_values(std::size_t(g.k), 3));
      omp_set_num_threads(1);
      const auto y = packed_forward(*backend, g, x, w, b);
      require_close(y,
                    oracle::conv2d(g, to_double(x.read()), to_double(w.read()), to_double(b.read()),
                                   Activation::kRelu),
                    sum_tolerance(std::size_t(kernel * kernel * g.c) + 1));
      for (const int count : {2, 3, 7}) {  // also more than there are panels
        omp_set_num_threads(count);
        REQUIRE(packed_forward(*backend, g, x, w, b) == y);
      }
    }
  });
  omp_set_num_threads(threads);
}
