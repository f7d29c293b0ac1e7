// Convolutions in bfloat16 against the double oracle, on machines that have them.
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "kernels/cpu/convolution.hpp"
#include "kernels/device.hpp"
#include "support/guarded.hpp"
#include "support/oracle_conv.hpp"
#include "support/scalars.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

/// Largest root mean square error of a pass, of that of its result: both factors of each product
/// are rounded to 8 bits, each with an error of 2^-9 / sqrt(3) in the mean at most.
constexpr double kRelativeRms = 2.2e-3;

void require_close_in_the_mean(const std::vector<float>& result, const oracle::Doubles& expected) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < result.size(); ++i) {
    error += std::pow(double(result[i]) - expected[i], 2);
    size += std::pow(expected[i], 2);
  }
  REQUIRE(std::sqrt(error) <= kRelativeRms * std::sqrt(size));
}

bool all_in_bfloat16(const Backend& backend, std::size_t passes) {
  const auto plans = backend.convolution_plans();
  for (const ConvolutionPlan& plan : plans) {
    UNSCOPED_INFO(plan.convolution << ' ' << plan.pass << ' ' << plan.algorithm);
    if (plan.algorithm != "direct, bf16") return false;
  }
  return plans.size() == passes;
}

}  // namespace

TEST_CASE("convolutions in bfloat16 match the oracle in the mean") {
  if (!bfloat16_rates()) {
    WARN("SKIPPED: this CPU is faster with float32");
    return;
  }
  const auto stride = GENERATE(1, 2);
  const auto padding = GENERATE(Padding::kSame, Padding::kValid);
  for (const bool constant : {false, true}) {
    // Against direct convolutions of float32, bfloat16 is the choice for all three.
    const auto backend = make_cpu_backend(ConvolutionChoice::kDirect, Precision::kBfloat16);
    CAPTURE(stride, int(padding), constant);
    const Conv2dGeometry g{4, 33, 30, 48, 64, 3, 3, stride, 1, padding};
    const Guarded x(*backend, random_values(g.x_size(), 1));
    const Guarded w(*backend, random_values(g.w_size(), 2));
    const Guarded b(*backend, random_values(std::size_t(g.k), 3));
    const Guarded dy(*backend, random_values(g.y_size(), 4));
    const Guarded y(*backend, g.y_size()), dx(*backend, g.x_size()), dw(*backend, g.w_size());
    const Guarded db(*backend, std::size_t(g.k));
    PreparedKernels prepared;
    const Kernel kernel{w.span(), constant ? &prepared : nullptr};
    for (int time = 0; time < 2; ++time) {
      backend->conv2d(g, x.span(), kernel, {b.span(), Activation::kRelu}, y.span());
      backend->conv2d_backward_data(g, dy.span(), {}, kernel, dx.span());
      backend->conv2d_backward_weights(g, x.span(), dy.span(), dw.span(), db.span());
      const auto xs = to_double(x.read()), ws = to_double(w.read()), dys = to_double(dy.read());
      require_close_in_the_mean(y.read(),
                                oracle::conv2d(g, xs, ws, to_double(b.read()), Activation::kRelu));
      require_close_in_the_mean(dx.read(), oracle::conv2d_backward_data(g, dys, ws));
      require_close_in_the_mean(dw.read(), oracle::conv2d_backward_weights(g, xs, dys));
    }
    REQUIRE(all_in_bfloat16(*backend, 3));
  }
}

TEST_CASE("the CPU's Adam writes no parameter in bfloat16, and then changes nothing") {
  const auto backend = make_cpu_backend();
  const std::vector<float> values = random_values(5, 1);
  const Guarded gradient(*backend, values), parameter(*backend, values), m(*backend, values),
      v(*backend, values), memory(*backend, 5);
  const Destination rounded(memory.span().memory(), 5, ValueType::kBfloat16);
  CHECK_THROWS_AS(
      adam(backend, {}, {1}, 1, {{gradient.span(), parameter.span(), m.span(), v.span(), rounded}}),
      Unsupported);
  CHECK(parameter.read() == values);
  CHECK(m.read() == values);
}
