#include "simt/kernel_test.hpp"
#include "support/oracle_elementwise.hpp"
#include "support/oracle_function.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

// 1, primes, the vectors of a block and one past them, several blocks.
std::size_t any_size() { return GENERATE(1U, 7U, 255U, 1024U, 1025U, 2049U, 5003U); }
std::size_t any_shift() { return GENERATE(0U, 1U); }

}  // namespace

TEMPLATE_TEST_CASE("elementwise kernels match the oracle", "[simt]", float, bfloat16) {
  const auto count = any_size();
  const auto shift = any_shift();
  CAPTURE(count, shift);
  const auto n = static_cast<std::int64_t>(count);
  const Array<TestType> a(random_values(count, 1), shift), b(random_values(count, 2), shift);
  const Doubles x = a.read(), z = b.read();

  const Doubles filled = in_every_order([&] {
    Array<TestType> y(count, shift);
    cuda::fill(kNow, n, -1.5F, y.data());
    return y.read();
  });
  require_close(filled, Doubles(count, -1.5), kExact);

  const Doubles rectified = in_every_order([&] {
    Array<TestType> y(count, shift);
    cuda::relu(kNow, n, a.data(), y.data());
    return y.read();
  });
  require_close(rectified, oracle::relu(x), kExact);

  const Doubles masked = in_every_order([&] {
    Array<TestType> dx(b);  // in place
    cuda::relu_backward(kNow, n, a.data(), dx.data(), dx.data());
    return dx.read();
  });
  require_close(masked, oracle::relu_backward(x, z), kExact);

  Doubles reference(count);
  const Doubles sums = in_every_order([&] {
    Array<TestType> y(a);  // in place
    cuda::add(kNow, n, y.data(), b.data(), y.data());
    return y.read();
  });
  std::transform(x.begin(), x.end(), z.begin(), reference.begin(), std::plus<>());
  require_close(sums, reference, stored<TestType>(kOneRounding));

  const Doubles scaled = in_every_order([&] {
    Array<TestType> y(a);  // in place
    cuda::scale(kNow, n, y.data(), 2.7F, y.data());
    return y.read();
  });
  std::transform(x.begin(), x.end(), reference.begin(), [](double v) { return v * double(2.7F); });
  require_close(scaled, reference, stored<TestType>(kOneRounding));

  // The sources are as they were.
  CHECK(a.read() == x);
  CHECK(b.read() == z);
}

TEMPLATE_TEST_CASE("functions of one value and their slopes match the oracle", "[simt]", float,
                   bfloat16) {
  const auto count = GENERATE(1U, 7U, 1025U, 2049U);
  const auto shift = any_shift();
  const auto f = GENERATE(Function{FunctionKind::kAffine, -1.5F, 0.3F},
                          Function{FunctionKind::kLeakyRelu, 0.1F},
                          Function{FunctionKind::kSigmoid}, Function{FunctionKind::kExp},
                          Function{FunctionKind::kClamp, -2, 1}, Function{FunctionKind::kAbs});
  CAPTURE(count, shift, int(f.kind));
  const auto n = static_cast<std::int64_t>(count);
  std::vector<float> values = random_values(count, 1);
  for (float& value : values) value *= 4;
  // The corners of kLeakyRelu, kAbs and kClamp.
  const float corners[] = {0, -2, 1};
  for (std::size_t i = 0; i + 1 < count && i < 3; ++i) values[2 * i] = corners[i];
  const Array<TestType> a(values, shift), b(random_values(count, 2), shift);
  // Each rounds a few times, of intermediate values up to 6.3; exponentials by an ulp or two.
  constexpr double kEps = std::numeric_limits<float>::epsilon();
  const Tolerance tolerance{8 * kEps, 4 * kEps};

  const Doubles result = in_every_order([&] {
    Array<TestType> y(a);  // in place
    cuda::apply(kNow, n, f, y.data(), y.data());
    return y.read();
  });
  require_close(result, oracle::apply(f, a.read()), stored<TestType>(tolerance));
  const Doubles gradient = in_every_order([&] {
    Array<TestType> dx(b);  // in place
    cuda::apply_backward(kNow, n, f, a.data(), dx.data(), dx.data());
    return dx.read();
  });
  require_close(gradient, oracle::apply_backward(f, a.read(), b.read()),
                stored<TestType>(tolerance));

  Doubles products = a.read();
  const Doubles factors = b.read();
  for (std::size_t i = 0; i < count; ++i) products[i] *= factors[i];
  const Doubles multiplied = in_every_order([&] {
    Array<TestType> y(count, shift);
    cuda::multiply(kNow, n, a.data(), b.data(), y.data());
    return y.read();
  });
  require_close(multiplied, products, stored<TestType>(kOneRounding));
}

TEST_CASE("blend_into matches the oracle", "[simt]") {
  const auto count = any_size();
  const auto shift = any_shift();
  const Array<float> x(random_values(count, 1), shift), before(random_values(count, 2), shift);
  const Doubles result = in_every_order([&] {
    Array<float> y(before);
    cuda::blend_into(kNow, static_cast<std::int64_t>(count), x.data(), 1.25F, 0.01F, y.data());
    return y.read();
  });
  // 1 - t, two products and a sum.
  constexpr double kEps = std::numeric_limits<float>::epsilon();
  require_close(result, oracle::blend(x.read(), 1.25, double(0.01F), before.read()),
                {2 * kEps, 2 * kEps});
}

TEST_CASE("values change their type", "[simt]") {
  const auto count = any_size();
  const auto shift = any_shift();
  const auto n = static_cast<std::int64_t>(count);
  std::vector<float> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<float>(i * 37 % 256);
  const Array<std::uint8_t> frames(bytes, shift);
  const Array<float> floats(random_values(count, 1), shift);
  const auto converted = [&]<typename S, typename T>(const Array<S>& x, const Array<T>&) {
    return in_every_order([&] {
      Array<T> y(count, shift);
      cuda::convert(kNow, n, x.data(), y.data());
      return y.read();
    });
  };
  require_close(converted(frames, Array<float>(0)), frames.read(), kExact);
  // 8 bits hold every byte.
  require_close(converted(frames, Array<bfloat16>(0)), frames.read(), kExact);
  require_close(converted(floats, Array<bfloat16>(0)), floats.read(), stored<bfloat16>(kExact));
  const Array<bfloat16> half(random_values(count, 1), shift);
  require_close(converted(half, Array<float>(0)), half.read(), kExact);
}

TEMPLATE_TEST_CASE("relu lets a NaN through, and gives no gradient behind one", "[simt]", float,
                   bfloat16) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Array<TestType> x(std::vector<float>(40, nan));
  Array<TestType> y(40), dx(40);
  cuda::relu(kNow, 40, x.data(), y.data());
  for (const double value : y.read()) REQUIRE(std::isnan(value));
  const Array<TestType> dy(std::vector<float>(40, 1.0F));
  cuda::relu_backward(kNow, 40, y.data(), dy.data(), dx.data());
  CHECK(dx.read() == Doubles(40, 0.0));
}

TEMPLATE_TEST_CASE("every function lets a NaN through", "[simt]", float, bfloat16) {
  const auto kind =
      GENERATE(FunctionKind::kAffine, FunctionKind::kLeakyRelu, FunctionKind::kSigmoid,
               FunctionKind::kExp, FunctionKind::kClamp, FunctionKind::kAbs);
  const Array<TestType> x(std::vector<float>(9, std::numeric_limits<float>::quiet_NaN()));
  Array<TestType> y(std::vector<float>(9));
  cuda::apply(kNow, 9, {kind, -1, 1}, x.data(), y.data());
  for (const double value : y.read()) REQUIRE(std::isnan(value));
}

TEMPLATE_TEST_CASE("nothing is done of size 0", "[simt]", float, bfloat16) {
  Array<TestType> y(0);
  cuda::fill(kNow, 0, 1.0F, y.data());
  cuda::relu(kNow, 0, y.data(), y.data());
  cuda::add(kNow, 0, y.data(), y.data(), y.data());
  cuda::scale(kNow, 0, y.data(), 1.0F, y.data());
  cuda::apply(kNow, 0, {}, y.data(), y.data());
  cuda::apply_backward(kNow, 0, {}, y.data(), y.data(), y.data());
  cuda::multiply(kNow, 0, y.data(), y.data(), y.data());
  CHECK(y.read().empty());
}
