// Pictures in CIE Lab (D65): their lightness, and colours put upon it.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "data/picture.hpp"

namespace afterglow {

/// CIE L, 0..100, of every pixel (H, W).
std::vector<float> lightness(const Picture& picture);

/// RGB (H, W, 3), 0..255 but unrounded, of the colours ab (H, W, 2), CIE a and b, at the lightness
/// that leaves each pixel of the picture (H, W) its luma, weights[0] R + weights[1] G + weights[2]
/// B, to a quarter of a step: what is shown where luma stays and chroma comes from here. (At the
/// picture's own lightness colours more vivid than its would fade: gray of red's luma is much
/// darker than red.) Colours outside of sRGB are clamped as with_colours() does, and may keep
/// another luma. lightness: the picture's, where the search begins. Throws ShapeError when the
/// counts differ.
std::vector<float> rgb_at_luma(const Picture& picture, std::span<const float> lightness,
                               std::span<const float> ab, const std::array<float, 3>& weights);

/// The picture with its own lightness and the colours ab (height, width, 2), CIE a and b, stretched
/// over it: bilinearly, or area-averaged where the picture is smaller. Colours outside of sRGB are
/// clamped, b first to where the cube root of Z / Zn is 0, as scikit-image does. Throws ShapeError
/// when ab is not of that size.
Picture with_colours(const Picture& picture, std::span<const float> ab, int width, int height);

}  // namespace afterglow
