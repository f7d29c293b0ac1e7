// Enlarging a picture's colours with its lightness as a guide.
#pragma once

#include <span>
#include <vector>

namespace afterglow {

/// Small colours and the lightness that belongs to them, (height, width, ...), CIE units; not
/// owned.
struct SmallColours {
  std::span<const float> ab;         // 2
  std::span<const float> lightness;  // 1
  int width = 0;
  int height = 0;
};

/// ab (height, width, 2) of a picture with this lightness (height, width), of which the small
/// colours are the area means: cubic interpolation; plus, as far as lightness explains colour
/// around a small pixel, what it explains of the detail,
///   R^2 cov(L, c) / (var L + 20) (L - L_cubic), R^2 = cov^2 / ((var L + 20) (var c + 0.5)),
/// with variances over 3 x 3 small pixels; and once over what the means of the result are still
/// off. On film this halves the squared error of bilinear interpolation, and colours do not bleed
/// over edges. Throws ShapeError when spans do not hold their pictures or a side is 0.
std::vector<float> guided_colours(const SmallColours& small, std::span<const float> lightness,
                                  int width, int height);

}  // namespace afterglow
