#include "support/oracle_elementwise.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("crop on the tape matches its double") {
  struct Rectangle {
    std::int32_t top, left, height, width;
  };
  const auto r =
      GENERATE(values<Rectangle>({{0, 0, 5, 6}, {1, 2, 3, 4}, {4, 5, 1, 1}, {0, 1, 5, 1}}));
  CAPTURE(r.top, r.left, r.height, r.width);
  const CropGeometry g{2, 5, 6, 3, r.top, r.left, r.height, r.width};
  check_op(
      {random_input({2, 5, 6, 3}, 1)},
      [&](const std::vector<Variable>& in) {
        return ops::crop(in[0], r.top, r.left, r.height, r.width);
      },
      [&](const std::vector<Doubles>& in) { return oracle::crop(g, in[0]); }, 1, 2);
}
