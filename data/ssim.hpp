// Structural similarity (Wang, Bovik, Sheikh & Simoncelli 2004).
#pragma once

#include <optional>

#include "data/picture.hpp"

namespace afterglow {

/// The side of SSIM's window, pixels.
inline constexpr int kSsimWindow = 11;

/// The mean over R, G and B and over every place at which the whole window lies in the picture of
/// (2 mx my + C1)(2 sxy + C2) / ((mx^2 + my^2 + C1)(sx^2 + sy^2 + C2)), with means m, variances s^2
/// and covariance sxy under an 11x11 Gaussian of sigma 1.5 whose weights sum to 1,
/// C1 = (0.01 * 255)^2 and C2 = (0.03 * 255)^2. 1 for equal pictures. Nothing for pictures below 11
/// pixels a side. Throws ShapeError when sizes differ.
std::optional<double> ssim(const Picture& picture, const Picture& truth);

}  // namespace afterglow
