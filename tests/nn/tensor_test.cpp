#include "nn/tensor.hpp"

#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("a shape knows its size and its text") {
  CHECK(Shape().size() == 0);
  CHECK(Shape().to_string() == "()");
  CHECK(Shape{3}.size() == 3);
  CHECK(Shape{2, 0, 4, 4}.size() == 0);
  CHECK(Shape{16, 128, 128, 6}.size() == 16 * 128 * 128 * 6);
  CHECK(Shape{16, 128, 128, 6}.to_string() == "(16, 128, 128, 6)");
  CHECK(Shape{2, 3}.rank() == 2);
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
  CHECK(Shape{2, 3} != Shape{3, 2});
}

TEST_CASE("a shape refuses five extents and negative ones") {
  CHECK(shape_error_of([] { Shape{1, 2, 3, 4, 5}; }) == "a shape has at most 4 extents, not 5");
  CHECK(shape_error_of([] { Shape{1, -2}; }) == "a shape has no negative extents: (1, -2)");
}

TEST_CASE("a tensor holds the values it was given") {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const Tensor tensor = Tensor::from_host(test_backend(), {2, 3}, values);
  CHECK(tensor.to_host() == values);
  CHECK(tensor.shape() == Shape{2, 3});
  CHECK(tensor.backend() == test_backend());
  CHECK(Tensor::full(test_backend(), {3}, 2.5F).to_host() == std::vector<float>(3, 2.5F));
  CHECK(Tensor::zeros(test_backend(), {3}).to_host() == std::vector<float>(3, 0.0F));
  CHECK(Tensor::full(test_backend(), {1}, 7.0F).item() == 7.0F);
}

TEST_CASE("copies of a tensor share its memory, clones do not") {
  Tensor tensor = Tensor::full(test_backend(), {4}, 1.0F);
  const Tensor copy = tensor, clone = tensor.clone();
  tensor.copy_from_host(std::vector<float>{5, 6, 7, 8});
  CHECK(copy.to_host() == std::vector<float>{5, 6, 7, 8});
  CHECK(clone.to_host() == std::vector<float>(4, 1.0F));
  CHECK(copy.shares_buffer(tensor));
  CHECK_FALSE(clone.shares_buffer(tensor));
}

TEST_CASE("a tensor without values is still a tensor, and no tensor is none") {
  CHECK_FALSE(Tensor());
  const Tensor none = Tensor::zeros(test_backend(), {0, 2, 2, 3});
  CHECK(none);
  CHECK(none.to_host().empty());
  CHECK(none.clone().to_host().empty());
}

TEST_CASE("a tensor refuses what does not fit its shape") {
  const auto& backend = test_backend();
  const std::vector<float> three(3);
  Tensor tensor = Tensor::zeros(backend, {2, 2});
  CHECK(shape_error_of([&] {
          Tensor::from_host(backend, {2, 2}, three);
        }) == "a tensor of shape (2, 2) takes 4 values, not 3");
  CHECK(shape_error_of([&] { tensor.copy_from_host(three); }) ==
        "a tensor of shape (2, 2) takes 4 values, not 3");
  CHECK(shape_error_of([&] { tensor.item(); }) == "item() needs one value, the shape is (2, 2)");
}
