#include "support/oracle_pool.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("upsample_nearest on the tape matches its double") {
  const std::size_t terms = 4;
  check_op(
      {random_input({2, 3, 5, 7}, 1)},
      [](const std::vector<Variable>& in) { return ops::upsample_nearest(in[0]); },
      [](const std::vector<Doubles>& in) { return oracle::upsample_nearest(2, 3, 5, 7, in[0]); },
      terms, 2);
}
