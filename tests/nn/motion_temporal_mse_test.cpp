#include "support/motion_fields.hpp"
#include "support/oracle_motion_temporal_mse.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

const Shape kFrames{4, 5, 6, 3};
constexpr FrameGeometry kGeometry{4, 5, 6, 3};

Tensor frames(std::uint64_t seed) {
  return Tensor::from_host(test_backend(), kFrames, random_values(kGeometry.size(), seed));
}

}  // namespace

TEST_CASE("motion_temporal_mse on the tape matches its double") {
  using Starts = std::vector<std::uint8_t>;
  const auto beta = GENERATE(0.0F, 0.75F, 1.0F);  // exact, so that the double formula has the same
  const auto starts = GENERATE(Starts{1, 0, 0, 0}, Starts{0, 0, 1, 0});
  const auto far = GENERATE(0.0F, 0.5F, 3.0F);
  CAPTURE(beta, starts, far);
  const Tensor y = frames(2);
  const std::vector<float> ways = motion_field(kGeometry, far, 4);
  const Tensor flow = Tensor::from_host(test_backend(), {4, 5, 6, 2}, ways);
  const std::size_t terms = 16;  // of a gradient: own and of those that come from there
  const auto reference = [&](const Doubles& p) {
    return oracle::motion_temporal_mse(kGeometry, double(beta), p, to_double(y.to_host()),
                                       to_double(ways), starts);
  };
  check_op(
      {random_input(kFrames, 1)},
      [&](const std::vector<Variable>& in) {
        const ops::Loss loss = ops::motion_temporal_mse(in[0], y, flow, beta, starts);
        const auto expected = reference(to_double(in[0].value().to_host()));
        constexpr double kRounding = 1e-6;  // of float differences and squares
        REQUIRE(loss.parts.fidelity == Approx(expected.fidelity).epsilon(kRounding));
        REQUIRE(loss.parts.temporal == Approx(expected.temporal).epsilon(kRounding));
        return loss.value;
      },
      [&](const std::vector<Doubles>& in) { return Doubles{reference(in[0]).loss}; }, terms, 3);
}

TEST_CASE("backward_motion_temporal_mse gives the bits that the loss on the tape gives") {
  const Input input = random_input(kFrames, 1);
  const Variable a = variable(input, true), b = variable(input, true);
  const Tensor flow =
      Tensor::from_host(test_backend(), {4, 5, 6, 2}, motion_field(kGeometry, 2, 4));
  const ops::Loss loss = ops::motion_temporal_mse(a, frames(2), flow, 0.25F, {1, 0, 0, 0});
  backward(loss.value);
  const DeviceArray<std::uint8_t> starts(test_backend(), std::vector<std::uint8_t>{1, 0, 0, 0});
  const DeviceArray<TemporalMseValue> value(test_backend());
  ops::backward_motion_temporal_mse(b, frames(2), flow, 0.25F, starts, value);
  CHECK(value.value().loss == loss.parts.loss);
  CHECK(b.gradient().to_host() == a.gradient().to_host());
}
