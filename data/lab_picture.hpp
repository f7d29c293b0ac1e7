// Pictures in CIE Lab (D65): their lightness, and colours put upon it.
#pragma once

#include <span>
#include <vector>

#include "data/picture.hpp"

namespace afterglow {

/// CIE L, 0..100, of every pixel (H, W).
std::vector<float> lightness(const Picture& picture);

/// RGB (H, W, 3), 0..255 but unrounded, of lightness (H, W) and CIE ab (H, W, 2), clamped as
/// with_colours() does; to 0.02 of a step, by tables. Throws ShapeError when the counts differ.
std::vector<float> rgb_of_lab(std::span<const float> lightness, std::span<const float> ab);

/// The picture with its own lightness and the colours ab (height, width, 2), CIE a and b, stretched
/// over it: bilinearly, or area-averaged where the picture is smaller. Colours outside of sRGB are
/// clamped, b first to where the cube root of Z / Zn is 0, as scikit-image does. Throws ShapeError
/// when ab is not of that size.
Picture with_colours(const Picture& picture, std::span<const float> ab, int width, int height);

}  // namespace afterglow
