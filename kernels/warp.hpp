// Where a pixel comes from when a frame is warped backwards along a flow, written once for every
// backend: y(x) = frame(x + w(x)), sampled bilinearly, frames continued by their border pixels.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/motion_temporal_mse.hpp"

namespace afterglow {

/// One axis: the two pixels round at + flow and the share of the second, within 0..size-1. Where
/// the flow is no number, the pixel itself. at + flow is never rounded: shares come from the
/// fraction of the flow alone.
AFTERGLOW_HOST_DEVICE inline void clamp_to_frame(std::int32_t at, float flow, std::int32_t size,
                                                 std::int32_t& first, std::int32_t& second,
                                                 float& share) {
  const auto reach = static_cast<float>(size);
  const float within = !(flow == flow) ? 0.0F
                       : flow < -reach ? -reach
                       : flow > reach  ? reach
                                       : flow;
  const float whole = std::floor(within);
  first = at + static_cast<std::int32_t>(whole);
  share = within - whole;
  if (first < 0) {
    first = 0;
    share = 0;
  }
  if (first >= size - 1) {
    first = size - 1;
    share = 0;
  }
  second = first == size - 1 ? first : first + 1;
}

/// The four pixels round where pixel (x, y) of a frame (h, w) with flow (u, v) comes from.
AFTERGLOW_HOST_DEVICE inline MotionOrigin find_warp_origin(std::int32_t x, std::int32_t y, float u,
                                                           float v, std::int32_t h,
                                                           std::int32_t w) {
  std::int32_t left = 0, right = 0, top = 0, bottom = 0;
  float to_right = 0, to_bottom = 0;
  clamp_to_frame(x, u, w, left, right, to_right);
  clamp_to_frame(y, v, h, top, bottom, to_bottom);
  return bilinear_origin(left, right, to_right, top, bottom, to_bottom, w);
}

}  // namespace afterglow
