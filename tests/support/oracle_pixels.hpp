// What multiplies, measures, sums and moves whole pixels, in double.
#pragma once

#include <vector>

#include "kernels/geometry.hpp"

namespace afterglow::oracle {

using Doubles = std::vector<double>;

/// x m; m of x's size, or one value a row.
Doubles multiply(const ChannelGeometry& g, const Doubles& x, const Doubles& m);
/// The sum of a b over each row's channels.
Doubles dot_channels(const ChannelGeometry& g, const Doubles& a, const Doubles& b);
/// sqrt(|x|^2 + epsilon^2) of each row.
Doubles pixel_length(const ChannelGeometry& g, double epsilon, const Doubles& x);
/// 0 where the length is.
Doubles pixel_length_backward(const ChannelGeometry& g, double epsilon, const Doubles& x,
                              const Doubles& dy);

/// (N, C): factor * the sum over the pixels of each frame.
Doubles sum_pixels(const FrameGeometry& g, double factor, const Doubles& x);
/// x(N, H, W, C) + factor v(N, C).
Doubles add_to_pixels(const FrameGeometry& g, double factor, const Doubles& x, const Doubles& v);

/// (N, H/2, W/2, 4C) of x(N, H, W, C).
Doubles space_to_depth(const FrameGeometry& g, const Doubles& x);
/// x(N, H, W, C) of y(N, H/2, W/2, 4C).
Doubles depth_to_space(const FrameGeometry& g, const Doubles& y);

}  // namespace afterglow::oracle
