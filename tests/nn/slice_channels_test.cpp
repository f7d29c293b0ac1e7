#include "support/oracle_elementwise.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("slice_channels on the tape matches its double") {
  struct Slice {
    std::size_t first, count;
  };
  const auto s = GENERATE(values<Slice>({{0, 5}, {0, 2}, {1, 3}, {4, 1}}));
  CAPTURE(s.first, s.count);
  check_op(
      {random_input({2, 3, 4, 5}, 1)},
      [&](const std::vector<Variable>& in) {
        return ops::slice_channels(in[0], std::int64_t(s.first), std::int64_t(s.count));
      },
      [&](const std::vector<Doubles>& in) {
        return oracle::take_channels(2 * 3 * 4, 5, s.first, s.count, in[0]);
      },
      1, 2);
}
