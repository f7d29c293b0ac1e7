#include <algorithm>

#include "support/oracle_temporal_mse.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

const Shape kShape{5, 4, 6, 3};
constexpr std::size_t kSize = 5 * 4 * 6 * 3;

Tensor target(std::uint64_t seed) {
  return Tensor::from_host(test_backend(), kShape, random_values(kSize, seed));
}

}  // namespace

TEST_CASE("temporal_mse on the tape matches its double") {
  using Starts = std::vector<std::uint8_t>;
  const auto beta = GENERATE(0.0F, 0.75F, 1.0F);  // exact, so that the double formula has the same
  const auto starts = GENERATE(Starts{1, 0, 0, 0, 0}, Starts{0, 0, 1, 0, 1}, Starts{1, 1, 1, 1, 1});
  const auto whole = GENERATE(true, false);
  CAPTURE(beta, starts, whole);
  const Tensor y = target(2);
  const ops::Region region{1, 2, 2, 3};
  const TemporalMseGeometry g = whole ? TemporalMseGeometry{5, 4, 6, 3, 0, 0, 4, 6}
                                      : TemporalMseGeometry{5, 4, 6, 3, 1, 2, 2, 3};
  const std::size_t terms = 3;  // of a gradient; the loss is summed in double
  check_op(
      {random_input(kShape, 1)},
      [&](const std::vector<Variable>& in) {
        const ops::Loss loss = whole ? ops::temporal_mse(in[0], y, beta, starts)
                                     : ops::temporal_mse(in[0], y, beta, starts, region);
        const auto reference = oracle::temporal_mse(
            g, double(beta), to_double(in[0].value().to_host()), to_double(y.to_host()), starts);
        constexpr double kRounding = 1e-6;  // of float differences and squares
        REQUIRE(loss.parts.fidelity == Approx(reference.fidelity).epsilon(kRounding));
        REQUIRE(loss.parts.temporal == Approx(reference.temporal).epsilon(kRounding));
        return loss.value;
      },
      [&](const std::vector<Doubles>& in) {
        return Doubles{
            oracle::temporal_mse(g, double(beta), in[0], to_double(y.to_host()), starts).loss};
      },
      terms, 3);
}

TEST_CASE("mse on the tape is the mean of squared differences") {
  const Tensor y = target(2);
  check_op(
      {random_input(kShape, 1)},
      [&](const std::vector<Variable>& in) { return ops::mse(in[0], y); },
      [&](const std::vector<Doubles>& in) {
        const Doubles truth = to_double(y.to_host());
        double sum = 0;
        for (std::size_t i = 0; i < truth.size(); ++i) {
          sum += (in[0][i] - truth[i]) * (in[0][i] - truth[i]);
        }
        return Doubles{sum / double(truth.size())};
      },
      3, 3);
}

TEST_CASE("temporal_mse with beta 1 equals mse to the bit, gradients included") {
  const Input p = random_input(kShape, 1);
  const Variable a = variable(p, true), b = variable(p, true);
  const Variable temporal = ops::temporal_mse(a, target(2), 1.0F, {1, 0, 0, 0, 0}).value;
  const Variable plain = ops::mse(b, target(2));
  CHECK(temporal.value().item() == plain.value().item());
  backward(temporal);
  backward(plain);
  CHECK(a.gradient().to_host() == b.gradient().to_host());
}

TEST_CASE("temporal_mse of a clip that stands still has no temporal part") {
  const Input still = random_input({1, 4, 6, 3}, 1);
  const Variable frame = variable(still, false);
  const Variable p(ops::concat_frames(std::vector<Variable>(5, frame)).value(), true);
  const ops::Loss loss = ops::temporal_mse(p, target(2), 0.0F, {1, 0, 0, 0, 0});
  CHECK(loss.parts.temporal == 0.0);
  CHECK(loss.value.value().item() == 0.0F);
  backward(loss.value);
  CHECK(p.gradient().to_host() == std::vector<float>(kSize, 0.0F));
}

TEST_CASE("temporal_mse across a clip start sees no jump") {
  // Two clips that stand still, one dark and one bright.
  std::vector<float> values(kSize, 0.0F);
  std::fill(values.begin() + kSize / 5 * 2, values.end(), 100.0F);
  const Variable p = variable({kShape, values}, false);
  CHECK(ops::temporal_mse(p, target(2), 0.5F, {1, 0, 1, 0, 0}).parts.temporal == 0.0);
  // (1/5) times one jump of 100^2.
  CHECK(ops::temporal_mse(p, target(2), 0.5F, {1, 0, 0, 0, 0}).parts.temporal == Approx(2000.0));
}

TEST_CASE("temporal_mse passes no gradient out of its region") {
  const Variable p = variable(random_input({1, 2, 3, 1}, 1), true);
  const Tensor zero = Tensor::zeros(test_backend(), {1, 2, 3, 1});
  backward(ops::temporal_mse(p, zero, 1.0F, {1}, ops::Region{1, 1, 1, 2}).value);
  const std::vector<float> x = p.value().to_host();
  // Two values count: 2/2 (p - 0).
  CHECK(p.gradient().to_host() == std::vector<float>{0, 0, 0, 0, x[4], x[5]});
}
