#include "simt/kernel_test.hpp"
#include "support/oracle_elementwise.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();
constexpr AdamStep kStep{0.9, 0.999, 1e-7F, 0};

/// A parameter, its gradient and moments.
struct Parameter {
  Parameter(std::size_t size, std::size_t shift, std::uint64_t seed)
      : gradient(random_values(size, seed), shift),
        values(random_values(size, seed + 1), shift),
        m(random_values(size, seed + 2), shift),
        v(squared(random_values(size, seed + 3)), shift),
        rounded(size, shift) {}

  static std::vector<float> squared(std::vector<float> values) {
    for (float& value : values) value *= value;
    return values;
  }
  cuda::AdamTable::Slot slot(bool with_rounded) {
    return {gradient.data(),
            values.data(),
            m.data(),
            v.data(),
            with_rounded ? rounded.data() : nullptr,
            std::ssize(gradient.read()),
            false};
  }
  Doubles read() const { return joined(joined(values.read(), m.read()), v.read()); }

  Array<float> gradient, values, m, v;
  Array<bfloat16> rounded;
};

cuda::AdamTable table_of(std::vector<Parameter>& parameters, bool rounded) {
  cuda::AdamTable table;
  for (Parameter& parameter : parameters) table.slots[table.count++] = parameter.slot(rounded);
  return table;
}

/// A step of every parameter; what all of them hold afterwards. `rounded`: they have copies in
/// bfloat16, which must be the values rounded, or, when nothing changes, untouched.
Doubles step(std::vector<Parameter> parameters, const AdamStep& what, const AdamRate& rate,
             double squares, bool rounded = false) {
  const AdamRate rate_on_device = rate;
  Array<double> squares_on_device(1);
  *squares_on_device.data() = squares;
  cuda::adam(kNow, table_of(parameters, rounded), what, &rate_on_device, squares_on_device.data());
  Doubles all;
  for (const Parameter& parameter : parameters) {
    for (std::size_t i = 0; i < parameter.values.size(); ++i) {
      const bool written = rounded && std::isfinite(squares);
      const std::uint16_t untouched = 0xffff;
      const float value = parameter.values.data()[i];
      REQUIRE(parameter.rounded.data()[i].bits ==
              (written ? cuda::to_bfloat16(value).bits : untouched));
    }
    parameter.rounded.read();
  }
  for (const Parameter& parameter : parameters) all = joined(all, parameter.read());
  return all;
}

// A prime, a block's vectors and one past them; on a border of 16 bytes and not.
std::vector<Parameter> some_parameters() {
  std::vector<Parameter> parameters;
  std::uint64_t seed = 1;
  for (const std::size_t size : {7U, 1024U, 1025U}) {
    parameters.emplace_back(size, size % 3 == 1 ? 1U : 0U, seed += 10);
  }
  return parameters;
}

}  // namespace

TEST_CASE("adam matches the oracle, with the gradients clipped or not", "[simt]") {
  const std::vector<Parameter> parameters = some_parameters();
  double squares = 0;
  for (const Parameter& parameter : parameters) {
    for (const double value : parameter.gradient.read()) squares += value * value;
  }
  const float clip = GENERATE(0.0F, 0.5F, 1e6F);
  const double decay = GENERATE(0.0, 0.01);
  const bool rounded = GENERATE(false, true);
  AdamStep what = kStep;
  what.clip_norm = clip;
  constexpr int kT = 3;
  const double rate =
      0.01 * std::sqrt(1 - std::pow(kStep.beta2, kT)) / (1 - std::pow(kStep.beta1, kT));
  const Doubles result = in_every_order([&] {
    return step(parameters, what, {static_cast<float>(rate), static_cast<float>(decay)}, squares,
                rounded);
  });
  const double factor = clip > 0 ? std::min(1.0, double(clip) / std::sqrt(squares)) : 1.0;
  Doubles expected;
  for (const Parameter& parameter : parameters) {
    oracle::Adam adam{0.01,
                      kStep.beta1,
                      kStep.beta2,
                      double(kStep.epsilon),
                      parameter.values.read(),
                      parameter.m.read(),
                      parameter.v.read()};
    Doubles gradient = parameter.gradient.read();
    for (double& value : gradient) value *= factor;
    adam.step(kT, gradient);
    const Doubles before = parameter.values.read();  // AdamW decays what was before the step
    for (std::size_t i = 0; i < before.size(); ++i) adam.parameter[i] -= decay * before[i];
    expected = joined(expected, joined(joined(adam.parameter, adam.m), adam.v));
  }
  // A handful of roundings of values up to 1; m / sqrt(v) is up to some 64 here.
  require_close(result, expected, {16 * kEps, 8 * kEps});
}

TEST_CASE("adam changes nothing when a gradient is not finite", "[simt]") {
  const std::vector<Parameter> parameters = some_parameters();
  const double squares =
      GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity());
  AdamStep what = kStep;
  what.clip_norm = GENERATE(0.0F, 1.0F);
  Doubles before;
  for (const Parameter& parameter : parameters) before = joined(before, parameter.read());
  CHECK(step(parameters, what, {0.01F, 0.001F}, squares, true) == before);
}

TEST_CASE("sum_of_squares is the sum over all tensors, in double", "[simt]") {
  const std::vector<Parameter> parameters = some_parameters();
  cuda::SumTable table;
  double expected = 0;
  for (const Parameter& parameter : parameters) {
    table.slots[table.count++] = {parameter.gradient.data(),
                                  static_cast<std::int64_t>(parameter.gradient.size())};
    for (const double value : parameter.gradient.read()) expected += value * value;
  }
  const Doubles result = in_every_order([&] {
    Workspace workspace(cuda::sum_of_squares_workspace());
    Array<double> sum(1);
    cuda::sum_of_squares(kNow, table, false, sum.data(), workspace.data());
    const Doubles once = sum.read();
    cuda::sum_of_squares(kNow, table, true, sum.data(), workspace.data());
    workspace.read();
    return joined(once, sum.read());
  });
  constexpr double kDoubleSum = 1e-12;  // some 7000 additions, at worst half an ulp each
  CHECK(result[0] == Approx(expected).epsilon(kDoubleSum));
  CHECK(result[1] == Approx(2 * expected).epsilon(kDoubleSum));
  Workspace workspace(cuda::sum_of_squares_workspace());
  Array<double> none(1);
  cuda::sum_of_squares(kNow, {}, false, none.data(), workspace.data());
  CHECK(none.read() == Doubles{0.0});
}

TEST_CASE("adam and sum_of_squares take as many tensors as a launch has slots for", "[simt]") {
  std::vector<Parameter> parameters;
  for (int i = 0; i < cuda::kAdamSlots; ++i) parameters.emplace_back(3, 0, std::uint64_t(i) * 10);
  const Doubles all = step(parameters, kStep, {0.01F, 0}, 1.0, true);
  for (const std::size_t i : {std::size_t{0}, parameters.size() - 1}) {
    CHECK(part(all, 9 * i, 9) == step({parameters[i]}, kStep, {0.01F, 0}, 1.0));
  }
}
