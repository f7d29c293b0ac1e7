#include "nn/variable.hpp"

#include <pthread.h>

#include <thread>

#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

using Floats = std::vector<float>;

Tensor tensor(const Floats& values) {
  return Tensor::from_host(test_backend(), {static_cast<std::int64_t>(values.size())}, values);
}

Variable leaf(const Floats& values) { return Variable(tensor(values), true); }

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  FAIL("no Error");
  return {};
}

/// Runs in a thread whose stack does not hold a call per node.
void on_small_stack(std::function<void()> work) {
  constexpr std::size_t kStack = 512 * 1024;  // 5 bytes for each of 100,000 nodes
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, kStack) == 0);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, &work) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}

constexpr int kLong = 100'000;

}  // namespace

TEST_CASE("a result wants a gradient when a leaf behind it does") {
  const Variable wanting = leaf({1, 2}), indifferent(tensor({3, 4}));
  CHECK(wanting.wants_gradient());
  CHECK_FALSE(indifferent.wants_gradient());
  CHECK_FALSE(Variable().wants_gradient());
  CHECK(ops::add(wanting, indifferent).wants_gradient());
  CHECK_FALSE(ops::add(indifferent, indifferent).wants_gradient());
}

TEST_CASE("gradients of a diamond meet before they go on") {
  // y = relu(2x + 3(2x)) with a = 2x used twice: dy/dx = 8.
  const Variable x = leaf({1, 5});
  const Variable a = ops::scale(x, 2);
  backward(ops::relu(ops::add(a, ops::scale(a, 3))), tensor({1, 10}));
  CHECK(x.gradient().to_host() == Floats{8, 80});
}

TEST_CASE("gradients wait for the longest way round") {
  // In add(b, a), b comes from a over two steps: a walk that went breadth first would pass on a's
  // gradient too early.
  const auto longest_first = GENERATE(true, false);
  const Variable x = leaf({1});
  const Variable a = ops::scale(x, 2), b = ops::relu(ops::scale(a, 5));
  backward(longest_first ? ops::add(b, a) : ops::add(a, b));
  CHECK(x.gradient().to_host() == Floats{12});
}

TEST_CASE("a variable used three times gets three gradients") {
  const Variable x = leaf({1, 2});
  backward(ops::add(ops::add(x, x), x), tensor({1, 10}));
  CHECK(x.gradient().to_host() == Floats{3, 30});
}

TEST_CASE("every backward adds to the gradients of the leaves until they are cleared") {
  Variable x = leaf({1});
  CHECK_FALSE(x.gradient());
  backward(ops::scale(x, 2));
  backward(ops::scale(x, 5));
  CHECK(x.gradient().to_host() == Floats{7});
  x.clear_gradient();
  CHECK_FALSE(x.gradient());
  backward(x);
  CHECK(x.gradient().to_host() == Floats{1});
}

TEST_CASE("gradients of leaves share memory neither with each other nor with the seed") {
  // add hands the very tensor it is given to both inputs.
  const Variable a = leaf({1, 2}), b = leaf({3, 4});
  const Tensor seed = tensor({1, 10});
  backward(ops::add(a, b), seed);
  CHECK_FALSE(a.gradient().shares_buffer(b.gradient()));
  CHECK_FALSE(a.gradient().shares_buffer(seed));
  CHECK_FALSE(b.gradient().shares_buffer(seed));
  backward(ops::scale(a, 2), seed);
  CHECK(a.gradient().to_host() == Floats{3, 30});
  CHECK(b.gradient().to_host() == Floats{1, 10});
  CHECK(seed.to_host() == Floats{1, 10});
}

TEST_CASE("what a closure hands on is not written to") {
  // m gets the same tensor twice and then the sum goes on; n, which got it too, must not see that.
  const Variable m = leaf({1}), n = leaf({1});
  const Variable middle = ops::scale(m, 1), other = ops::scale(n, 1);
  backward(ops::add(ops::add(middle, other), middle));
  CHECK(m.gradient().to_host() == Floats{2});
  CHECK(n.gradient().to_host() == Floats{1});
}

TEST_CASE("a closure is told which gradients anybody wants, and what it gives besides is dropped") {
  const Variable wanting = leaf({1}), indifferent(tensor({1}));
  std::vector<bool> told;
  const Variable y =
      record(tensor({1}), {indifferent, wanting, Variable()},
             [&told](const Tensor& dy, const std::vector<bool>& needs) -> std::vector<Tensor> {
               told = needs;
               return {dy, dy, dy};
             });
  backward(y);
  CHECK(told == std::vector<bool>{false, true, false});
  CHECK(wanting.gradient().to_host() == Floats{1});
  CHECK_FALSE(indifferent.gradient());
}

TEST_CASE("a branch that gives no gradient stops there") {
  const Variable x = leaf({1});
  const Variable stop =
      record(tensor({1}), {ops::scale(x, 2)},
             [](const Tensor&, const std::vector<bool>&) { return std::vector<Tensor>(1); });
  backward(ops::add(stop, ops::scale(x, 3)));
  CHECK(x.gradient().to_host() == Floats{3});
}

TEST_CASE("a closure lives until it is walked, and not at all where nobody wants its gradient") {
  const auto watched = std::make_shared<int>(0);
  const auto make = [&](const Variable& x) {
    return record(tensor({1}), {x}, [watched](const Tensor& dy, const std::vector<bool>&) {
      return std::vector<Tensor>{dy};
    });
  };
  const Variable without = make(Variable(tensor({1})));
  CHECK(watched.use_count() == 1);
  const Variable with = make(leaf({1}));
  CHECK(watched.use_count() == 2);
  backward(with);
  CHECK(watched.use_count() == 1);
}

TEST_CASE("a detached variable has the same value and no history") {
  const Variable x = leaf({1, 2});
  const Variable y = ops::scale(x, 2);
  const Variable cut = y.detached();
  CHECK(cut.value().shares_buffer(y.value()));
  CHECK_FALSE(cut.wants_gradient());
  backward(ops::add(y, ops::scale(cut, 100)), tensor({1, 1}));
  CHECK(x.gradient().to_host() == Floats{2, 2});
}

TEST_CASE("inside NoGradient nothing is recorded, in this thread", "[threads]") {
  const Variable x = leaf({1});
  CHECK(gradients_enabled());
  {
    const NoGradient outer;
    {
      const NoGradient inner;
      CHECK_FALSE(gradients_enabled());
    }
    CHECK_FALSE(gradients_enabled());
    CHECK_FALSE(ops::scale(x, 2).wants_gradient());
    bool elsewhere = false;
    std::thread([&] { elsewhere = gradients_enabled(); }).join();
    CHECK(elsewhere);
  }
  CHECK(gradients_enabled());
  CHECK(ops::scale(x, 2).wants_gradient());
}

TEST_CASE("a tape can be walked once") {
  const std::string once = "a tape can be walked backwards only once";
  const Variable x = leaf({1});
  const Variable shared = ops::scale(x, 2);
  const Variable first = ops::relu(shared), second = ops::scale(shared, 3);
  backward(first);
  CHECK(error_of([&] { backward(first); }) == once);
  CHECK(error_of([&] { backward(second); }) == once);
  CHECK(x.gradient().to_host() == Floats{2});
}

TEST_CASE("backward refuses what it cannot start from") {
  const Variable x = leaf({1, 2});
  CHECK(error_of([] { backward(Variable()); }) == "backward() of a variable without history");
  CHECK(error_of([] { backward(Variable(tensor({1}))); }) ==
        "backward() of a variable without history");
  CHECK(shape_error_of([&] { backward(ops::scale(x, 2)); }) ==
        "backward() of a result of shape (2) needs a seed of the same shape");
  CHECK(shape_error_of([&] {
          backward(ops::scale(x, 2), tensor({1, 2, 3}));
        }) == "backward(): the seed (3) is not of the result's shape (2)");
}

TEST_CASE("only a leaf can be told whether it wants a gradient") {
  Variable x = leaf({1});
  backward(ops::scale(x, 2));
  x.set_wants_gradient(false);
  CHECK_FALSE(x.wants_gradient());
  CHECK_FALSE(x.gradient());
  x.set_wants_gradient(true);
  Variable y = ops::scale(x, 2);
  CHECK(error_of([&] { y.set_wants_gradient(false); }) ==
        "only a leaf can be told whether it wants a gradient");
}

TEST_CASE("a leaf frozen after its op was recorded gets no gradient") {
  Variable a = leaf({1}), b = leaf({1});
  const Variable y = ops::add(a, b);
  a.set_wants_gradient(false);
  backward(y);
  CHECK_FALSE(a.gradient());
  CHECK(b.gradient().to_host() == Floats{1});
}

TEST_CASE("a chain of 100,000 nodes is walked and freed without a deep stack") {
  const auto walked = GENERATE(true, false);
  Variable x = leaf({1});
  on_small_stack([&] {
    Variable y = x;
    for (int i = 0; i < kLong; ++i) y = ops::scale(y, i % 2 == 0 ? 2.0F : 0.5F);
    if (walked) backward(y);
  });
  if (walked) CHECK(x.gradient().to_host() == Floats{1});
}

TEST_CASE("a ladder of 50,000 diamonds is walked and freed without a deep stack") {
  const auto walked = GENERATE(true, false);
  Variable x = leaf({1});
  on_small_stack([&] {
    Variable y = x;
    for (int i = 0; i < kLong / 2; ++i) y = ops::add(ops::scale(y, 0.25F), ops::scale(y, 0.75F));
    if (walked) backward(y);
  });
  if (walked) CHECK(x.gradient().to_host() == Floats{1});
}
