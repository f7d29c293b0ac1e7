// The temporal loss along the motion, written once for every backend:
//
//   L = beta (1/N) sum_{i=1..N} mse(p_i, y_i) + (1-beta) 1/(N M) sum_i sum_x |d_i(x)|^2
//   d_i(x) = p_i(x) - p_{i-1}(x + w_i(x))
//
// where w_i(x) says how far a pixel x of frame i lay from there in frame i-1, which is sampled
// bilinearly. The sum runs over the pixels that count: those of frames that have a predecessor in
// their clip, whose w is known (no NaN) and does not lead outside. M is the number of a frame's
// values, whether they count or not. With w = 0 everywhere this is the loss of temporal_mse.hpp.
// Its gradient, with s_k the shares of the four pixels x_k round x + w_i(x):
//
//   dL/dp_i(x) = 2/(N M) [ beta (p_i(x) - y_i(x)) + (1-beta) d_i(x) ]
//   dL/dp_{i-1}(x_k) gets -2/(N M) (1-beta) s_k d_i(x) of every pixel x that counts.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/temporal_mse.hpp"

namespace afterglow {

/// The four pixels that a pixel comes from, y * width + x each, and their shares. Some may be the
/// same.
struct MotionOrigin {
  std::int32_t at[4];
  float share[4];
};

/// The corners of two columns and two rows of a frame of width w, and their bilinear shares:
/// `right` is the right column's, `below` the bottom row's.
AFTERGLOW_HOST_DEVICE inline MotionOrigin bilinear_origin(std::int32_t left_x, std::int32_t right_x,
                                                          float right, std::int32_t top_y,
                                                          std::int32_t bottom_y, float below,
                                                          std::int32_t w) {
  MotionOrigin origin;
  origin.at[0] = top_y * w + left_x;
  origin.at[1] = top_y * w + right_x;
  origin.at[2] = bottom_y * w + left_x;
  origin.at[3] = bottom_y * w + right_x;
  origin.share[0] = (1 - right) * (1 - below);
  origin.share[1] = right * (1 - below);
  origin.share[2] = (1 - right) * below;
  origin.share[3] = right * below;
  return origin;
}

/// Where pixel (x, y) of a frame (h, w) comes from if it moved by (-u, -v). False, with nothing
/// set, where it does not count. x + u is never rounded: shares come from the fractions of u and v
/// alone.
AFTERGLOW_HOST_DEVICE inline bool find_motion_origin(std::int32_t x, std::int32_t y, float u,
                                                     float v, std::int32_t h, std::int32_t w,
                                                     MotionOrigin& origin) {
  // Not ">=": NaN does not count either.
  if (!(std::fabs(u) < static_cast<float>(w) && std::fabs(v) < static_cast<float>(h))) return false;
  const float whole_u = std::floor(u), whole_v = std::floor(v);
  const float right = u - whole_u, below = v - whole_v;
  const std::int32_t left_x = x + static_cast<std::int32_t>(whole_u);
  const std::int32_t top_y = y + static_cast<std::int32_t>(whole_v);
  if (left_x < 0 || top_y < 0 || left_x >= w || top_y >= h) return false;
  if ((left_x == w - 1 && right > 0) || (top_y == h - 1 && below > 0)) return false;
  const std::int32_t right_x = left_x == w - 1 ? left_x : left_x + 1;
  const std::int32_t bottom_y = top_y == h - 1 ? top_y : top_y + 1;
  origin = bilinear_origin(left_x, right_x, right, top_y, bottom_y, below, w);
  return true;
}

/// d of one value: `now`, and the same channel of the four pixels that it comes from.
AFTERGLOW_HOST_DEVICE inline float motion_change(const MotionOrigin& origin, float now,
                                                 const float (&before)[4]) {
  return now - (origin.share[0] * before[0] + origin.share[1] * before[1] +
                origin.share[2] * before[2] + origin.share[3] * before[3]);
}

}  // namespace afterglow
