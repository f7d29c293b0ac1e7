// Small pictures of decoded frames, without their large ones.
#pragma once

#include "data/libav.hpp"
#include "data/picture.hpp"

namespace afterglow {

/// A settled frame (PixelLayout::kGray or kPlanarYuv) at another size, RGB: its planes resized as
/// resize_area() does, then converted. What RgbConverter and resize_area() make of it differs by
/// rounding, and where the large picture has colours outside of RGB or chroma is interpolated.
Picture reduced_picture(const AVFrame& frame, int width, int height);

}  // namespace afterglow
