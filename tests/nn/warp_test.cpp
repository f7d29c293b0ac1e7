#include "support/motion_fields.hpp"
#include "support/oracle_warp.hpp"
#include "tests/nn/gradient_check.hpp"

using namespace afterglow;
using namespace afterglow::test;

TEST_CASE("warp on the tape matches its double") {
  const FrameGeometry g{3, 5, 6, 2};
  const auto far = GENERATE(0.0F, 0.5F, 3.0F, 20.0F);
  CAPTURE(far);
  const std::vector<float> ways = motion_field(g, far, 4);
  const Tensor flow = Tensor::from_host(test_backend(), {3, 5, 6, 2}, ways);
  const std::size_t terms = 5 * 6;  // of a gradient: all pixels of a frame may come from one
  check_op(
      {random_input({3, 5, 6, 2}, 1)},
      [&](const std::vector<Variable>& in) { return ops::warp(in[0], flow); },
      [&](const std::vector<Doubles>& in) { return oracle::warp(g, in[0], to_double(ways)); },
      terms, 2);
}
