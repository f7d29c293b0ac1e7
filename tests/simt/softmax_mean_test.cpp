#include "simt/kernel_test.hpp"
#include "support/oracle_elementwise.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEMPLATE_TEST_CASE("softmax_mean and its gradient match the oracle", "[simt]", float, bfloat16) {
  // A warp's bins and one past them, a block's rows and one past them.
  const SoftmaxMeanGeometry g =
      GENERATE(SoftmaxMeanGeometry{1, 1, 1}, SoftmaxMeanGeometry{8, 32, 4},
               SoftmaxMeanGeometry{9, 33, 3}, SoftmaxMeanGeometry{5, 313, 2});
  const auto shift = GENERATE(0U, 1U);
  constexpr float kFactor = 2.606F;
  const Array<TestType> x(random_values(g.x_size(), 1), shift), dy(random_values(g.y_size(), 2));
  const Array<float> c(random_values(std::size_t(g.bins) * std::size_t(g.outputs), 3));
  // As in tests/kernels/softmax_mean_test.cpp.
  Tolerance tolerance = sum_tolerance(4);
  tolerance.absolute *= 1 + 2 * double(kFactor) + std::sqrt(double(g.bins));
  const Doubles result = in_every_order([&] {
    Array<TestType> y(g.y_size(), shift), dx(g.x_size(), shift);
    cuda::softmax_mean(kNow, g, kFactor, x.data(), c.data(), y.data());
    cuda::softmax_mean_backward(kNow, g, kFactor, x.data(), c.data(), dy.data(), dx.data());
    return joined(y.read(), dx.read());
  });
  require_close(part(result, 0, g.y_size()),
                oracle::softmax_mean(g, double(kFactor), x.read(), c.read()),
                stored<TestType>(tolerance));
  require_close(part(result, g.y_size(), g.x_size()),
                oracle::softmax_mean_backward(g, double(kFactor), x.read(), c.read(), dy.read()),
                stored<TestType>(tolerance));
}
