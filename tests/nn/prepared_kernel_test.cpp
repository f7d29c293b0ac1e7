// What the backend prepares of a constant kernel (kernels/backend.hpp) is never seen in a result.
#include <functional>
#include <map>

#include "nn/ops/ops.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

struct Conv {
  std::string name;
  Shape x, w;
  std::function<Variable(const Variable& x, const Variable& w)> run;
};

Variable same(const Variable& x, const Variable& w) {
  return ops::conv2d(x, w, {}, {1, 1, Padding::kSame, Activation::kRelu});
}
Variable strided(const Variable& x, const Variable& w) {
  return ops::conv2d(x, w, {}, {2, 1, Padding::kSame, Activation::kRelu});
}
Variable upsampling(const Variable& x, const Variable& w) {
  return ops::upsample_conv2d(x, w, {}, Padding::kSame, Activation::kRelu);
}
Variable transposed(const Variable& x, const Variable& w) {
  return ops::conv_transpose2d(x, w, {}, {2, 1, Padding::kValid, Activation::kRelu});
}

/// Every algorithm of the CPU backend, and every op that takes a kernel.
const std::vector<Conv> kConvs = {
    {"Winograd", {2, 20, 20, 32}, {3, 3, 32, 40}, same},
    {"product", {1, 5, 5, 32}, {3, 3, 32, 40}, same},
    {"product, packed", {1, 5, 5, 32}, {3, 3, 32, 48}, same},
    {"direct", {2, 20, 20, 5}, {3, 3, 5, 24}, same},
    {"strided", {2, 20, 20, 5}, {3, 3, 5, 24}, strided},
    {"upsampling, Winograd", {2, 20, 20, 32}, {5, 5, 32, 8}, upsampling},
    {"upsampling, direct", {2, 20, 20, 32}, {5, 5, 32, 3}, upsampling},
    {"transposed", {2, 10, 10, 24}, {4, 4, 6, 24}, transposed},
};

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  return Tensor::from_host(test_backend(), shape, random_input(shape, seed).values);
}

/// The result, and behind it the gradient of x.
std::vector<float> values_of(const Conv& conv, const Variable& w) {
  const Variable x(random_tensor(conv.x, 1), true);
  const Variable y = conv.run(x, w);
  std::vector<float> values = y.value().to_host();
  backward(y, random_tensor(y.shape(), 2));
  const std::vector<float> gradient = x.gradient().to_host();
  values.insert(values.end(), gradient.begin(), gradient.end());
  return values;
}

}  // namespace

TEST_CASE(
    "a constant kernel gives the same bits time after time, and those of a changing one up to "
    "rounding") {
  for (const Conv& conv : kConvs) {
    CAPTURE(conv.name);
    const Tensor w = random_tensor(conv.w, 3);
    const Variable constant(w);
    const auto first = values_of(conv, constant);
    CHECK(values_of(conv, constant) == first);
    CHECK(values_of(conv, Variable(w.clone())) == first);
    // The choice of algorithm depends on whether the kernel is constant.
    const auto changing = values_of(conv, Variable(w.clone(), true));
    require_close(first, {changing.begin(), changing.end()},
                  winograd_tolerance(static_cast<std::size_t>(conv.w.size())));
    Conv longer = conv;  // the same kernel, but more frames
    longer.x = {5, conv.x[1], conv.x[2], conv.x[3]};
    CHECK(values_of(longer, constant) == values_of(longer, Variable(w.clone())));
  }
}

TEST_CASE("what was prepared of a kernel goes when its values change") {
  for (const Conv& conv : kConvs) {
    CAPTURE(conv.name);
    const Tensor other = random_tensor(conv.w, 4);
    const auto expected = values_of(conv, Variable(other.clone()));

    Tensor copied = random_tensor(conv.w, 3);
    values_of(conv, Variable(copied));
    Tensor handle = copied;
    handle.copy_from_host(other.to_host());  // as a checkpoint's weights arrive
    CHECK(values_of(conv, Variable(copied)) == expected);

    Tensor written = random_tensor(conv.w, 3);
    values_of(conv, Variable(written));
    test_backend()->copy(other.source(), written.destination());  // as an optimizer writes
    CHECK(values_of(conv, Variable(written)) == expected);
  }
}

TEST_CASE("passes in which kernels stay share what is prepared of a trained one") {
  for (const Conv& conv : kConvs) {
    CAPTURE(conv.name);
    const Tensor w = random_tensor(conv.w, 3);
    const auto constant = values_of(conv, Variable(w.clone()));
    const Variable trained(w.clone(), true);
    const auto prepared = [&] {
      std::map<std::string, const std::byte*> places;
      for (const auto& [name, buffer] : *trained.value().kernel(true).prepared) {
        places[name] = buffer.data.get();
      }
      return places;
    };
    std::map<std::string, const std::byte*> after_one;
    {
      const KernelsStay stay;
      CHECK(values_of(conv, trained) == constant);
      after_one = prepared();
      CHECK(values_of(conv, trained) == constant);
      CHECK(prepared() == after_one);
    }
    const Tensor twice = trained.gradient().clone();
    if (conv.name == "Winograd") CHECK(after_one.size() == 2);  // forward and turned
    Tensor(trained.value()).destination();
    CHECK(prepared().empty());
    values_of(conv, trained);
    CHECK(prepared().empty());
    require_close(
        trained.gradient().to_host(),
        [&] {
          std::vector<double> thrice;
          for (const float value : twice.to_host()) thrice.push_back(1.5 * double{value});
          return thrice;
        }(),
        winograd_tolerance(static_cast<std::size_t>(conv.w.size())));
  }
}

TEST_CASE("one tensor can be the constant kernel of several ops") {
  const Variable w(random_tensor({3, 3, 32, 32}, 3));
  const auto same_upsampling = [](const Variable& x, const Variable& kernel) {
    return ops::upsample_conv2d(x, kernel, {}, Padding::kSame);
  };
  const auto valid_upsampling = [](const Variable& x, const Variable& kernel) {
    return ops::upsample_conv2d(x, kernel, {}, Padding::kValid);
  };
  const Shape x{2, 20, 20, 32};
  for (const Conv& conv :
       {Conv{"conv2d", x, w.shape(), same}, Conv{"strided", x, w.shape(), strided},
        Conv{"upsampling, same", x, w.shape(), same_upsampling},
        Conv{"upsampling, valid", x, w.shape(), valid_upsampling},
        Conv{"transposed", x, w.shape(), transposed}}) {
    CAPTURE(conv.name);
    CHECK(values_of(conv, w) == values_of(conv, Variable(w.value().clone())));
  }
}
