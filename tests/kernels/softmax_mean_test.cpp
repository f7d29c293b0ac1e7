#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "kernels/backend.hpp"
#include "support/backend_under_test.hpp"
#include "support/guarded.hpp"
#include "support/oracle_elementwise.hpp"

using namespace afterglow;
using test::Guarded;
using test::random_values;
using test::require_close;
using test::to_double;

namespace {

// exp of arguments up to 2 factor, a sum of up to `bins` weights, a mean of values up to 1: a few
// roundings, of which the argument's counts by its size.
test::Tolerance tolerance(const SoftmaxMeanGeometry& g, float factor) {
  test::Tolerance result = test::sum_tolerance(4);
  result.absolute *= 1 + 2 * double(factor) + std::sqrt(double(g.bins));
  return result;
}

}  // namespace

TEST_CASE("softmax_mean and its gradient match the oracle") {
  const auto backend = test::make_backend();
  const SoftmaxMeanGeometry g = GENERATE(
      SoftmaxMeanGeometry{1, 1, 1}, SoftmaxMeanGeometry{7, 5, 2}, SoftmaxMeanGeometry{33, 313, 2},
      SoftmaxMeanGeometry{9, 32, 4}, SoftmaxMeanGeometry{257, 33, 3});
  const float factor = GENERATE(1.0F, 2.606F, 8.0F);
  CAPTURE(g.rows, g.bins, g.outputs, factor);
  const auto x = random_values(g.x_size(), 1);
  const auto c = random_values(std::size_t(g.bins) * std::size_t(g.outputs), 2);
  const auto dy = random_values(g.y_size(), 3);
  const Guarded x_in(*backend, x), c_in(*backend, c), dy_in(*backend, dy);
  const Guarded y(*backend, g.y_size()), dx(*backend, g.x_size());
  backend->softmax_mean(g, factor, x_in.span(), c_in.span(), y.span());
  require_close(y.read(), oracle::softmax_mean(g, double(factor), to_double(x), to_double(c)),
                tolerance(g, factor));
  backend->softmax_mean_backward(g, factor, x_in.span(), c_in.span(), dy_in.span(), dx.span());
  require_close(
      dx.read(),
      oracle::softmax_mean_backward(g, double(factor), to_double(x), to_double(c), to_double(dy)),
      tolerance(g, factor));
}

TEST_CASE("softmax_mean of scores beyond exp's range is that of the largest") {
  const auto backend = test::make_backend();
  const Guarded x(*backend, std::vector<float>{-1000, 3000, 2000}), c(*backend, {10, 20, 30});
  const Guarded y(*backend, 1);
  backend->softmax_mean({1, 3, 1}, 1.0F, x.span(), c.span(), y.span());
  CHECK(y.read() == std::vector<float>{20});
}

TEST_CASE("softmax_mean of a NaN is one, in its row alone") {
  const auto backend = test::make_backend();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto place = GENERATE(0U, 1U, 2U);
  std::vector<float> scores(6, 1.0F);
  scores[place] = nan;
  const Guarded x(*backend, scores), c(*backend, {10, 20, 30}), y(*backend, 2);
  backend->softmax_mean({2, 3, 1}, 1.0F, x.span(), c.span(), y.span());
  CHECK(std::isnan(y.read()[0]));
  CHECK(y.read()[1] == 20);
}
