// Estimated optical flow.
#pragma once

#include "data/flow_file.hpp"
#include "data/picture.hpp"

namespace afterglow {

/// The smallest side of a picture that dis_flow() takes, pixels.
inline constexpr int kSmallestFlowSide = 32;

/// Where each pixel of `from` lies in `to`: DIS (Kroeger et al., "Fast Optical Flow using Dense
/// Inverse Search", 2016) as OpenCV's video module computes it with its preset "medium", on BT.601
/// luma rounded to 8 bits. On one thread, because OpenCV's result depends on how many there are;
/// may be called from several. Throws ShapeError when sizes differ or are too small.
Flow dis_flow(const Picture& from, const Picture& to);

}  // namespace afterglow
