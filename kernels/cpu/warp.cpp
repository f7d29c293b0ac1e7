// Warping along a flow, and its gradient. Pixels of the result are independent; in the gradient
// every frame is the work of one thread, so that the sums have one order.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/warp.cpp"
#include "kernels/warp.hpp"

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/simd.hpp"
#include "kernels/geometry.hpp"

HWY_BEFORE_NAMESPACE();
namespace afterglow::HWY_NAMESPACE {

/// Calls body(pixel, origin) for row y of a frame, whose flow it is given: pixel and the pixels of
/// `origin` within the frame.
template <typename Body>
HWY_INLINE void for_each_origin(const FrameGeometry& g, std::int32_t y, const float* flow,
                                const Body& body) {
  for (std::int32_t x = 0; x < g.w; ++x) {
    const std::int64_t pixel = std::int64_t{y} * g.w + x;
    body(pixel, find_warp_origin(x, y, flow[2 * pixel], flow[2 * pixel + 1], g.h, g.w));
  }
}

/// kChannels: g.c, if it is known; else 0.
template <std::int32_t kChannels>
HWY_INLINE void warp_pixels(const FrameGeometry& g, std::int32_t row, const float* x,
                            const float* flow, float* y) {
  const std::int32_t channels = kChannels > 0 ? kChannels : g.c;
  for_each_origin(g, row, flow, [=](std::int64_t pixel, const MotionOrigin& origin) {
    const float* from[4];
    for (int k = 0; k < 4; ++k) from[k] = x + std::int64_t{origin.at[k]} * channels;
    float* to = y + pixel * channels;
    for (std::int32_t c = 0; c < channels; ++c) {
      to[c] = origin.share[0] * from[0][c] + origin.share[1] * from[1][c] +
              origin.share[2] * from[2][c] + origin.share[3] * from[3][c];
    }
  });
}

template <std::int32_t kChannels>
HWY_INLINE void unwarp_pixels(const FrameGeometry& g, const float* dy, const float* flow,
                              float* dx) {
  const std::int32_t channels = kChannels > 0 ? kChannels : g.c;
  for (std::int32_t row = 0; row < g.h; ++row) {
    for_each_origin(g, row, flow, [=](std::int64_t pixel, const MotionOrigin& origin) {
      const float* from = dy + pixel * channels;
      for (int k = 0; k < 4; ++k) {
        float* to = dx + std::int64_t{origin.at[k]} * channels;
        for (std::int32_t c = 0; c < channels; ++c) to[c] += origin.share[k] * from[c];
      }
    });
  }
}

// Chroma and luma have so few channels that a loop over them costs more than its work.

/// Row `row` of one frame.
void warp_row(const FrameGeometry& g, std::int32_t row, const float* x, const float* flow,
              float* y) {
  if (g.c == 1) return warp_pixels<1>(g, row, x, flow, y);
  if (g.c == 2) return warp_pixels<2>(g, row, x, flow, y);
  warp_pixels<0>(g, row, x, flow, y);
}

/// One frame, added to dx.
void unwarp_frame(const FrameGeometry& g, const float* dy, const float* flow, float* dx) {
  if (g.c == 1) return unwarp_pixels<1>(g, dy, flow, dx);
  if (g.c == 2) return unwarp_pixels<2>(g, dy, flow, dx);
  unwarp_pixels<0>(g, dy, flow, dx);
}

}  // namespace afterglow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {

HWY_EXPORT(warp_row);
HWY_EXPORT(unwarp_frame);

void CpuBackend::warp(const FrameGeometry& g, Source x, Source flow, Destination y) {
  const auto warp_one = HWY_DYNAMIC_DISPATCH(warp_row);
  const std::int64_t pixels = std::int64_t{g.h} * g.w;
  for_each_index(std::int64_t{g.n} * g.h, [&](std::int64_t row) {
    const std::int64_t first = row / g.h * pixels;
    warp_one(g, static_cast<std::int32_t>(row % g.h), x.data() + first * g.c,
             flow.data() + first * 2, y.data() + first * g.c);
  });
}

void CpuBackend::warp_backward(const FrameGeometry& g, Source dy, Source flow, Destination dx) {
  const auto unwarp = HWY_DYNAMIC_DISPATCH(unwarp_frame);
  const std::int64_t pixels = std::int64_t{g.h} * g.w;
  for_each_index(g.n, [&](std::int64_t n) {
    const std::int64_t first = n * pixels;
    std::fill_n(dx.data() + first * g.c, pixels * g.c, 0.0F);
    unwarp(g, dy.data() + first * g.c, flow.data() + first * 2, dx.data() + first * g.c);
  });
}

}  // namespace afterglow
#endif
