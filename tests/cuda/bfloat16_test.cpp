// Activations in bfloat16: every op against the CPU backend's float32, on inputs that bfloat16
// holds exactly, and whole networks.
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cuda/reference.hpp"
#include "kernels/cuda/cuda_backend.hpp"
#include "nn/ops/ops.hpp"
#include "nn/optimizer.hpp"
#include "nn/repeated.hpp"
#include "support/guarded.hpp"
#include "support/motion_fields.hpp"
#include "support/oracle_motion_temporal_mse.hpp"
#include "support/oracle_temporal_mse.hpp"

namespace afterglow {
namespace {

/// Half a unit of the last of 8 bits: of a result, whose own rounding that is, and of the results'
/// root mean square, for what is rounded on the way (summed kernels, a gradient behind a mask).
constexpr double kRounding = 1.0 / 256;

/// Values that bfloat16 holds. Of the small integers even the sums of a convolution are such, so
/// that no rounding decides about a mask or a pool's winner.
enum class Data { kFractions, kSmallIntegers };

std::vector<float> values(std::int64_t count, std::uint64_t seed, Data data) {
  std::vector<float> result = test::random_values(static_cast<std::size_t>(count), seed);
  for (float& value : result) {
    value = data == Data::kSmallIntegers
                ? std::round(2 * value)
                : std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & 0xffff0000U);
  }
  return result;
}

Tensor tensor(const std::shared_ptr<Backend>& backend, const Shape& shape, std::uint64_t seed,
              ValueType type, Data data = Data::kFractions) {
  const Tensor floats = Tensor::from_host(backend, shape, values(shape.size(), seed, data));
  if (type == ValueType::kFloat32) return floats;
  Tensor result(backend, shape, type);
  backend->copy(floats.source(), result.destination());
  return result;
}

using Op = std::function<Variable(const Variable& x, const std::vector<Variable>& parameters)>;

/// The op's result, then the gradients of x and the parameters.
std::vector<std::vector<float>> run(const std::shared_ptr<Backend>& backend, const Op& op,
                                    const Shape& x_shape, const std::vector<Shape>& shapes,
                                    ValueType result_type, Data data) {
  const ValueType type = backend->activation_type();
  const Variable x(tensor(backend, x_shape, 1, type, data), true);
  std::vector<Variable> parameters;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    parameters.emplace_back(tensor(backend, shapes[i], 2 + i, ValueType::kFloat32, data), true);
  }
  const Variable y = op(x, parameters);
  if (type != ValueType::kFloat32) CHECK(y.value().type() == result_type);
  backward(y, tensor(backend, y.shape(), 99, y.value().type(), data));
  CHECK(x.gradient().type() == type);
  std::vector<std::vector<float>> results{y.value().to_host(), x.gradient().to_host()};
  for (const Variable& parameter : parameters) {
    CHECK(parameter.gradient().type() == ValueType::kFloat32);
    results.push_back(parameter.gradient().to_host());
  }
  return results;
}

/// roundings: of a value and of what it is computed from, where that is stored as well.
void compare(const Op& op, const Shape& x, const std::vector<Shape>& parameters = {},
             ValueType result_type = ValueType::kBfloat16, Data data = Data::kFractions,
             int roundings = 1) {
  const auto expected = run(test::reference_backend(), op, x, parameters, result_type, data);
  const auto result = run(std::make_shared<cuda::CudaBackend>(0, Precision::kBfloat16, true), op, x,
                          parameters, result_type, data);
  for (std::size_t k = 0; k < expected.size(); ++k) {
    CAPTURE(k);
    double squares = 0;
    for (const float value : expected[k]) squares += double(value) * double(value);
    const double rms = std::sqrt(squares / double(expected[k].size()));
    double worst = 0;  // times what is allowed
    for (std::size_t i = 0; i < expected[k].size(); ++i) {
      const double reference = double(expected[k][i]);
      worst = std::max(worst, std::abs(double(result[k][i]) - reference) /
                                  (roundings * kRounding * (std::abs(reference) + rms)));
    }
    CHECK(worst <= 1.0);
  }
}

ops::Conv2dOptions same(Activation activation, ops::Result result = ops::Result::kActivation) {
  return {1, 1, Padding::kSame, activation, result};
}

}  // namespace

TEST_CASE("convolutions of bfloat16 activations match float32's to its rounding") {
  // 6 and 3 channels are padded to 8.
  const auto channels = GENERATE(6, 16);
  const auto filters = GENERATE(3, 24);
  const Shape x{2, 10, 9, channels};
  const std::vector<Shape> parameters{{3, 3, channels, filters}, {filters}};
  SECTION("with bias and ReLU") {
    compare([](const Variable& v,
               const auto& p) { return ops::conv2d(v, p[0], p[1], same(Activation::kRelu)); },
            x, parameters);
  }
  SECTION("with a norm behind it") {
    compare(
        [&](const Variable& v, const auto& p) {
          const ops::InferenceNorm norm{p[2],
                                        p[3],
                                        {Tensor::full(v.backend(), {filters}, 0.25F),
                                         Tensor::full(v.backend(), {filters}, 2.0F)},
                                        1e-3F};
          const auto run = [&] {
            return ops::conv2d(v, p[0], p[1], same(Activation::kRelu), norm);
          };
          const Variable y = run();
          const NoGradient inference;  // the bits of a pass of its own
          CHECK(run().value().to_host() == y.value().to_host());
          return y;
        },
        x, {{3, 3, channels, filters}, {filters}, {filters}, {filters}}, ValueType::kBfloat16,
        Data::kFractions, 2);
  }
  SECTION("a float32 result") {
    compare(
        [](const Variable& v, const auto& p) {
          return ops::conv2d(v, p[0], p[1], same(Activation::kNone, ops::Result::kFloat32));
        },
        x, parameters, ValueType::kFloat32);
  }
  SECTION("pooled") {
    compare(
        [](const Variable& v, const auto& p) {
          return ops::conv2d_max_pool(v, p[0], p[1], same(Activation::kRelu));
        },
        x, parameters, ValueType::kBfloat16, Data::kSmallIntegers);
  }
  SECTION("upsampled") {
    compare(
        [](const Variable& v, const auto& p) {
          return ops::upsample_conv2d(v, p[0], p[1], Padding::kSame, Activation::kRelu);
        },
        x, parameters, ValueType::kBfloat16, Data::kSmallIntegers);
  }
  SECTION("transposed") {
    compare(
        [](const Variable& v, const auto& p) {
          return ops::conv_transpose2d(v, p[0], p[1], {2, 1, Padding::kValid, Activation::kRelu});
        },
        x, {{3, 3, filters, channels}, {filters}}, ValueType::kBfloat16, Data::kSmallIntegers);
  }
}

TEST_CASE("functions and pixels of bfloat16 activations match float32's to its rounding") {
  const Shape x{2, 6, 10, 4};
  const auto check = [&](const auto& op, int roundings = 1) {
    compare([&](const Variable& v, const auto&) { return op(v); }, x, {}, ValueType::kBfloat16,
            Data::kFractions, roundings);
  };
  SECTION("affine") {
    check([](const Variable& v) { return ops::affine(v, -1.5F, 0.25F); });
  }
  SECTION("leaky relu") {
    check([](const Variable& v) { return ops::leaky_relu(v, 0.125F); });
  }
  SECTION("sigmoid") {
    check([](const Variable& v) { return ops::sigmoid(v); });
  }
  SECTION("exp") {
    check([](const Variable& v) { return ops::exp(v); });
  }
  SECTION("clamp") {
    check([](const Variable& v) { return ops::clamp(v, -0.5F, 0.25F); });
  }
  SECTION("abs") {
    check([](const Variable& v) { return ops::abs(v); });
  }
  SECTION("product of values") {
    check([](const Variable& v) { return ops::multiply(v, v); });
  }
  SECTION("product of pixels") {  // the gradient is a sum of two that are stored
    check([](const Variable& v) { return ops::multiply(v, ops::slice_channels(v, 1, 1)); }, 2);
  }
  SECTION("length of pixels") {  // the gradient reads the stored length
    check([](const Variable& v) { return ops::pixel_length(v, 0.02F); }, 2);
  }
  SECTION("mean of frames, added") {
    check([](const Variable& v) { return ops::add_to_pixels(v, ops::frame_mean(v)); });
  }
  SECTION("sum") {
    compare([](const Variable& v, const auto&) { return ops::sum(v); }, x, {}, ValueType::kFloat32);
  }
  SECTION("space to depth") {
    check([](const Variable& v) { return ops::space_to_depth(v); });
  }
  SECTION("depth to space") {
    check([](const Variable& v) { return ops::depth_to_space(v); });
  }
  SECTION("warp") {
    std::vector<float> flow = test::random_values(2 * 6 * 10 * 2, 5);
    for (float& way : flow) way *= 4;
    check([&](const Variable& v) {
      return ops::warp(v, Tensor::from_host(v.backend(), {2, 6, 10, 2}, flow));
    });
  }
}

TEST_CASE("the other ops of bfloat16 activations match float32's to its rounding") {
  const Shape x{2, 9, 8, 5};
  SECTION("max pool") {
    compare([](const Variable& v, const auto&) { return ops::max_pool2d(v, 3, 2); }, x);
  }
  SECTION("average pool") {
    compare([](const Variable& v, const auto&) { return ops::avg_pool2d(v, 3, 2); }, x);
  }
  SECTION("upsample") {
    compare([](const Variable& v, const auto&) { return ops::upsample_nearest(v); }, x);
  }
  SECTION("relu, add, scale") {
    compare(
        [](const Variable& v, const auto&) { return ops::scale(ops::add(ops::relu(v), v), 0.5F); },
        x);
  }
  SECTION("crop, slice, join") {
    compare(
        [](const Variable& v, const auto&) {
          const Variable cut = ops::crop(v, 1, 2, 5, 4);
          return ops::concat_frames(
              std::vector{ops::slice_frames(cut, 1, 1), ops::slice_frames(cut, 0, 1)});
        },
        x);
  }
  SECTION("channels side by side") {
    compare([](const Variable& v, const auto&) { return ops::concat_channels(v, v); }, x);
  }
  SECTION("batch norm") {
    compare(
        [](const Variable& v, const auto& p) {
          ops::RunningStatistics running{Tensor::zeros(v.backend(), {5}),
                                         Tensor::full(v.backend(), {5}, 1.0F)};
          return ops::batch_norm(v, p[0], p[1], running, 0.9F, 1e-3F);
        },
        x, {{5}, {5}});
  }
  SECTION("batch norm by given statistics") {
    compare(
        [](const Variable& v, const auto& p) {
          const ops::RunningStatistics running{Tensor::full(v.backend(), {5}, 0.25F),
                                               Tensor::full(v.backend(), {5}, 2.0F)};
          return ops::batch_norm_inference(v, {p[0], p[1], running, 1e-3F});
        },
        x, {{5}, {5}});
  }
}

namespace {

/// A small network with every way to use a kernel, and its optimizer.
class Steps {
 public:
  Steps(std::shared_ptr<Backend> on, bool rounded = true)
      : backend(std::move(on)),
        conv(parameter("conv", {3, 3, 6, 5}, 1)),
        upsampled(parameter("upsampled", {3, 3, 5, 4}, 2)),
        transposed(parameter("transposed", {3, 3, 3, 4}, 3)),
        bias(parameter("bias", {5}, 4)),
        adam({conv, upsampled, transposed, bias}, {.learning_rate = 1e-2}),
        rounded_(rounded),
        x_(tensor(backend, {1, 8, 8, 6}, 5, backend->activation_type())),
        dy_(tensor(backend, {1, 33, 33, 3}, 6, backend->activation_type())),
        passes_([this] { pass(); }) {}

  void step() {
    adam.begin();
    passes_.run(*backend);
    adam.end();
  }

  std::vector<std::vector<float>> weights() const {
    return {conv.value.value().to_host(), upsampled.value.value().to_host(),
            transposed.value.value().to_host(), bias.value.value().to_host()};
  }

  std::shared_ptr<Backend> backend;
  Parameter conv, upsampled, transposed, bias;
  Adam adam;

 private:
  Parameter parameter(const std::string& name, const Shape& shape, std::uint64_t seed) const {
    return {name, Variable(Tensor::from_host(backend, shape,
                                             test::random_values(std::size_t(shape.size()), seed)),
                           true)};
  }

  void pass() {
    if (!rounded_) {
      for (const Parameter* kernel : {&conv, &transposed}) {
        kernel->value.value().kernel(false).rounded->values = {};
      }
    }
    Variable y = ops::conv2d(Variable(x_), conv.value, bias.value, same(Activation::kRelu));
    y = ops::upsample_conv2d(y, upsampled.value, {}, Padding::kSame, Activation::kRelu);
    y = ops::conv_transpose2d(y, transposed.value, {}, {2, 1, Padding::kValid, Activation::kNone});
    backward(y, dy_);
    adam.apply();
  }

  bool rounded_;
  Tensor x_, dy_;
  Repeated passes_;
};

std::shared_ptr<Backend> half_backend(bool graphs = true) {
  return std::make_shared<cuda::CudaBackend>(0, Precision::kBfloat16, graphs);
}

}  // namespace

TEST_CASE("Adam keeps up to date what convolutions read in bfloat16, and only that") {
  Steps steps(half_backend(GENERATE(false, true)));
  const auto rounded = [&](const Parameter& parameter) {
    const Tensor& value = parameter.value.value();
    const RoundedKernel& kernel = *value.kernel(false).rounded;
    CHECK(kernel.wanted == (kernel.values.data != nullptr));
    if (!kernel.wanted) return std::vector<float>();
    Tensor read(steps.backend, value.shape());
    steps.backend->copy({kernel.values.data.get(), std::size_t(value.size()), ValueType::kBfloat16},
                        read.destination());
    return read.to_host();
  };
  const auto half = [&](const Tensor& value) {
    Tensor result(steps.backend, value.shape(), ValueType::kBfloat16);
    steps.backend->copy(value.source(), result.destination());
    return result.to_host();
  };
  steps.step();  // they say what they want
  for (int step = 0; step < 3; ++step) {
    steps.step();
    CHECK(rounded(steps.conv) == half(steps.conv.value.value()));
    CHECK(rounded(steps.transposed) == half(steps.transposed.value.value()));
    CHECK(rounded(steps.upsampled).empty());  // sums of its taps are rounded once
    CHECK(rounded(steps.bias).empty());
  }
}

TEST_CASE("steps give the same bits from bfloat16 copies of kernels, or from the kernels") {
  Steps one(half_backend(true)), other(half_backend(false)), without(half_backend(false), false);
  for (int step = 0; step < 5; ++step) {
    for (Steps* steps : {&one, &other, &without}) steps->step();
    CHECK(one.weights() == other.weights());
    CHECK(one.weights() == without.weights());
    if (step != 2) continue;
    for (Steps* steps : {&one, &other, &without}) {  // as a checkpoint's weights arrive
      Tensor& value = steps->conv.value.value();
      value.copy_from_host(test::random_values(std::size_t(value.size()), 9));
      CHECK(value.kernel(false).rounded->values.data == nullptr);
    }
  }
}

TEST_CASE("no kernel is wanted in bfloat16 where float32 is multiplied") {
  Steps steps(std::make_shared<cuda::CudaBackend>(0, Precision::kTf32, true));
  for (int step = 0; step < 3; ++step) steps.step();
  CHECK(!steps.conv.value.value().kernel(false).rounded->wanted);
}

TEST_CASE("channels joined for a convolution are padded on the way, with the same bits") {
  const auto backend = half_backend();
  const Shape shape{2, 5, 4, 3};
  const Variable w(tensor(backend, {3, 3, 6, 5}, 1, ValueType::kFloat32), true);
  const Variable joined =
      ops::concat_channels(Variable(tensor(backend, shape, 2, ValueType::kBfloat16)),
                           Variable(tensor(backend, shape, 3, ValueType::kFloat32)));
  REQUIRE(joined.value().source().padded() != nullptr);
  const Tensor plain = joined.value().clone();
  REQUIRE(plain.source().padded() == nullptr);
  const auto results = [&](const Tensor& x) {
    const Variable y = ops::conv2d(Variable(x), w, {}, same(Activation::kRelu));
    backward(y, tensor(backend, y.shape(), 4, y.value().type()));
    std::vector<std::vector<float>> all{y.value().to_host(), w.gradient().to_host()};
    Variable(w).clear_gradient();
    return all;
  };
  CHECK(results(joined.value()) == results(plain));

  Tensor written = joined.value();  // what was padded is no longer what it holds
  backend->fill(written.destination(), 0.5F);
  CHECK(written.source().padded() == nullptr);
  const Variable eight =
      ops::concat_channels(Variable(tensor(backend, {2, 5, 4, 4}, 2, ValueType::kBfloat16)),
                           Variable(tensor(backend, {2, 5, 4, 4}, 3, ValueType::kBfloat16)));
  CHECK(eight.value().source().padded() == nullptr);
}

TEST_CASE("frames enter as bytes, and what does not fit together is refused") {
  const auto backend = std::make_shared<cuda::CudaBackend>(0, Precision::kBfloat16, true);
  const Shape shape{1, 2, 2, 1};
  const std::vector<std::uint8_t> bytes{0, 1, 129, 255};
  const Variable frames(Tensor::from_host(backend, shape, std::span(bytes)));
  const Variable floats(Tensor::from_host(backend, shape, std::vector<float>{1, 2, 3, 4}));
  const Variable joined = ops::concat_channels(frames, floats);
  CHECK(joined.value().type() == ValueType::kBfloat16);
  CHECK(joined.value().to_host() == std::vector<float>{0, 1, 1, 2, 129, 3, 255, 4});
  CHECK(ops::concat_frames(std::vector{frames, floats}).value().to_host() ==
        std::vector<float>{0, 1, 129, 255, 1, 2, 3, 4});
  const ops::Loss loss = ops::temporal_mse(floats, frames.value(), 1.0F, {1});
  CHECK(loss.parts.loss == Approx((1.0 + 1.0 + 126.0 * 126.0 + 251.0 * 251.0) / 4));
  CHECK_THROWS_AS(ops::relu(frames), Unsupported);
  const Variable half(tensor(backend, shape, 1, ValueType::kBfloat16));
  CHECK_THROWS_AS(ops::add(half, floats), Unsupported);
}

TEST_CASE("losses take predictions of either type, and bytes or the same as their target") {
  const Precision precision = GENERATE(Precision::kFloat32, Precision::kBfloat16);
  const bool bytes = GENERATE(false, true);
  CAPTURE(bytes, precision == Precision::kBfloat16);
  const auto backend = std::make_shared<cuda::CudaBackend>(0, precision, true);
  const ValueType type = backend->activation_type();
  const FrameGeometry g{3, 9, 14, 3};
  const Shape shape{g.n, g.h, g.w, g.c};
  const std::vector<std::uint8_t> starts{1, 0, 0};
  constexpr float kBeta = 0.75F;
  const auto whole = [&](std::uint64_t seed) {  // 0 to 255, which bfloat16 holds
    std::vector<float> result = test::random_values(g.size(), seed);
    for (float& value : result) value = std::round(127.5F + 127.4F * value);
    return result;
  };
  const std::vector<float> p = whole(1), y = whole(2), flow = test::motion_field(g, 2, 3);
  const auto typed = [&](const std::vector<float>& from) {
    const Tensor floats = Tensor::from_host(backend, shape, std::span<const float>(from));
    Tensor result(backend, shape, type);
    backend->copy(floats.source(), result.destination());
    return result;
  };
  const std::vector<std::uint8_t> y_bytes(y.begin(), y.end());
  const Tensor target = bytes ? Tensor::from_host(backend, shape, std::span(y_bytes)) : typed(y);
  const auto check = [&](const Variable& prediction, const ops::Loss& loss, const auto& expected) {
    // Squares of up to 128 threads' values are added in float.
    constexpr double kSums = 32.0 / (1 << 23);
    CHECK(loss.parts.loss == Approx(expected.loss).epsilon(kSums));
    backward(loss.value);
    REQUIRE(prediction.gradient().type() == type);
    const std::vector<float> gradient = prediction.gradient().to_host();
    const double own = type == ValueType::kBfloat16 ? kRounding : kSums;
    double largest = 0;
    for (const double value : expected.gradient) largest = std::max(largest, std::abs(value));
    REQUIRE(largest > 0);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      REQUIRE(double{gradient[i]} ==
              Approx(expected.gradient[i]).epsilon(own).margin(kSums * largest));
    }
  };
  const Variable prediction(typed(p), true);
  SECTION("along the motion") {
    const Tensor motion =
        Tensor::from_host(backend, {g.n, g.h, g.w, 2}, std::span<const float>(flow));
    check(prediction, ops::motion_temporal_mse(prediction, target, motion, kBeta, starts),
          oracle::motion_temporal_mse(g, double(kBeta), test::to_double(p), test::to_double(y),
                                      test::to_double(flow), starts));
  }
  SECTION("pixel by pixel") {
    const TemporalMseGeometry frames{g.n, g.h, g.w, g.c, 0, 0, g.h, g.w};
    check(prediction, ops::temporal_mse(prediction, target, kBeta, starts),
          oracle::temporal_mse(frames, double(kBeta), test::to_double(p), test::to_double(y),
                               starts));
  }
}

}  // namespace afterglow
