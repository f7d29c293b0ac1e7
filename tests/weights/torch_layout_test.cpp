#include "weights/torch_layout.hpp"

#include <catch2/catch.hpp>
#include <cstdint>

namespace afterglow {

TEST_CASE("a kernel's axes come from PyTorch's order, and one without values costs nothing") {
  const RawTensor moved = from_torch_layout({{2, 1, 1, 3}, {1, 2, 3, 4, 5, 6}});
  CHECK(moved.shape == std::vector<std::int64_t>{1, 3, 1, 2});
  CHECK(moved.values == std::vector<float>{1, 4, 2, 5, 3, 6});
  constexpr std::int64_t kMany = std::int64_t{1} << 40;
  const RawTensor empty = from_torch_layout({{0, kMany, kMany, kMany}, {}});
  CHECK(empty.shape == std::vector<std::int64_t>{kMany, kMany, kMany, 0});
}

TEST_CASE("no extent may be larger than all there is") {
  CHECK(element_count({2, 3}, 6) == 6);
  CHECK(element_count({}, 6) == 1);
  CHECK(element_count({0, 6}, 6) == 0);
  CHECK(element_count({2, 4}, 6) == -1);
  CHECK(element_count({0, 7}, 6) == -1);
  CHECK(element_count({7, 0}, 6) == -1);
  CHECK(element_count({-1, -1}, 6) == -1);
}

}  // namespace afterglow
