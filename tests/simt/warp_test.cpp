#include "simt/kernel_test.hpp"
#include "support/motion_fields.hpp"
#include "support/oracle_warp.hpp"

using namespace afterglow;
using namespace afterglow::test;

namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();
constexpr double kUnit = 0x1p-37;  // of the sums in whole numbers, of frames of up to 512 pixels

/// What a gradient in [-1, 1) may be off where up to `meeting` pixels come from one: each rounds to
/// a whole number, behind the products that make its share.
Tolerance backward_tolerance(double meeting) { return {meeting * (kUnit / 2 + 2 * kEps), kEps}; }

template <typename T>
void check(const FrameGeometry& g, const std::vector<float>& way, double meeting) {
  const auto shift = GENERATE(0U, 1U);
  CAPTURE(g.n, g.h, g.w, g.c, shift);
  const Array<T> x(random_values(g.size(), 1), shift), dy(random_values(g.size(), 2), shift);
  const Array<float> flow(way, shift);
  const Doubles warped = in_every_order([&] {
    Array<T> y(g.size(), shift);
    cuda::warp(kNow, g, x.data(), flow.data(), y.data());
    return y.read();
  });
  require_close(warped, oracle::warp(g, x.read(), to_double(way)), stored<T>(sum_tolerance(4)));
  const Doubles gradient = in_every_order([&] {
    Array<T> dx(g.size(), shift);
    Workspace workspace(cuda::warp_backward_workspace(g));
    cuda::warp_backward(kNow, g, dy.data(), flow.data(), dx.data(), workspace.data());
    workspace.read();
    return dx.read();
  });
  require_close(gradient, oracle::warp_backward(g, dy.read(), to_double(way)),
                stored<T>(backward_tolerance(meeting)));
}

/// Of the gradient dy alone, a pixel a frame.
Doubles backward_of(const std::vector<float>& dy) {
  const FrameGeometry g{std::int32_t(dy.size()), 1, 1, 1};
  const Array<float> in(dy), flow(std::vector<float>(2 * dy.size()));
  Array<float> dx(dy.size());
  Workspace workspace(cuda::warp_backward_workspace(g));
  cuda::warp_backward(kNow, g, in.data(), flow.data(), dx.data(), workspace.data());
  return dx.read();
}

}  // namespace

TEMPLATE_TEST_CASE("warp and its gradient match the oracle for every size", "[simt]", float,
                   bfloat16) {
  // One value; a block's pixels and one past them; frames of one row or column; whole vectors.
  const FrameGeometry g =
      GENERATE(FrameGeometry{1, 1, 1, 1}, FrameGeometry{2, 1, 13, 3}, FrameGeometry{2, 11, 1, 2},
               FrameGeometry{3, 7, 5, 4}, FrameGeometry{1, 16, 16, 8}, FrameGeometry{2, 1, 257, 1});
  const float far = GENERATE(0.0F, 0.7F, 5.0F);
  check<TestType>(g, motion_field(g, far, 4), 64);
}

TEST_CASE("warp and its gradient stay within the frame wherever the flow leads", "[simt]") {
  const FrameGeometry g{1, 5, 8, 3};
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float ways[] = {1e30F, -1e30F, kInfinity, -kInfinity, 7, -7, 4.5F, -4.5F};
  std::vector<float> flow;
  for (int i = 0; i < 40; ++i) flow.insert(flow.end(), {ways[i % 8], ways[(i / 8 + i) % 8]});
  check<float>(g, flow, 40);
}

TEST_CASE("warp_backward adds up all pixels that come from one, in any order", "[simt]") {
  const FrameGeometry g{2, 12, 16, 3};
  std::vector<float> flow;
  for (int n = 0; n < g.n; ++n)
    for (int y = 0; y < g.h; ++y)
      for (int x = 0; x < g.w; ++x) flow.insert(flow.end(), {4.25F - float(x), 9.5F - float(y)});
  check<float>(g, flow, 192);
}

TEST_CASE("gradients as small as a loss's mean over all pixels are warped as exactly", "[simt]") {
  const FrameGeometry g{1, 64, 80, 2};
  std::vector<float> dy = random_values(g.size(), 2);
  for (float& value : dy) value *= 1e-6F;
  const std::vector<float> way = motion_field(g, 2.5F, 4);
  const Array<float> in(dy), flow(way);
  Array<float> dx(g.size());
  Workspace workspace(cuda::warp_backward_workspace(g));
  cuda::warp_backward(kNow, g, in.data(), flow.data(), dx.data(), workspace.data());
  // Some pixels meet; each rounds to one of 2^33 steps of 1.
  constexpr double kMeeting = 64;
  require_close(dx.read(), oracle::warp_backward(g, to_double(dy), to_double(way)),
                {kMeeting * (0x1p-34 + 2e-6 * kEps), kEps});
}

TEST_CASE("warp_backward counts in whole multiples of 2^-46 of one pixel, up to 65536", "[simt]") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  CHECK(backward_of({1e9F, -1e9F, kNan}) == Doubles{65536, -65536, -65536});
  constexpr double kFinest = 0x1p-46;
  const auto unit = float(kFinest);
  CHECK(backward_of({unit, -2.75F * unit, 0.25F * unit}) == Doubles{kFinest, -3 * kFinest, 0});
}

TEMPLATE_TEST_CASE("nothing is warped of size 0", "[simt]", float, bfloat16) {
  const FrameGeometry g{0, 3, 4, 2};
  Array<TestType> y(0);
  cuda::warp(kNow, g, y.data(), nullptr, y.data());
  cuda::warp_backward(kNow, g, y.data(), nullptr, y.data(), nullptr);
  CHECK(cuda::warp_backward_workspace(g) == 0);
}
