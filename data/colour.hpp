// Colour spaces: RGB <-> YCbCr as video streams code it, and RGB <-> CIE Lab (D65). RGB is always
// gamma-coded, 0..255.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "data/picture.hpp"

namespace afterglow {

/// The luma weights of a YCbCr stream (Kr, Kb; Kg = 1 - Kr - Kb).
enum class Matrix {
  kBt601,   // 0.299, 0.114 (ITU-R BT.601-7)
  kBt709,   // 0.2126, 0.0722 (ITU-R BT.709-6)
  kBt2020,  // 0.2627, 0.0593 (ITU-R BT.2020-2, non-constant luminance)
};

/// "bt601", "bt709" or "bt2020".
std::string matrix_name(Matrix matrix);

/// How a stream codes RGB: by which matrix, and whether Y spans 0..255 (full) or 16..235 and
/// Cb, Cr 0..255 or 16..240 (limited), of 8 bits; times 2^(bits-8) for more bits.
struct YCbCrCoding {
  Matrix matrix = Matrix::kBt601;
  bool full_range = false;
  int bits = 8;  // 8..16
  bool operator==(const YCbCrCoding&) const = default;
};

/// Three components: (R, G, B), (Y, Cb, Cr) or (L, a, b).
using Triple = std::array<double, 3>;

/// Coded Y, Cb, Cr of an RGB colour, neither rounded nor clamped. Y' = Kr R + Kg G + Kb B,
/// Cb = (B - Y') / (2 (1 - Kb)), Cr = (R - Y') / (2 (1 - Kr)), then scaled and offset to the coding
/// (ITU-R BT.601-7 2.5, H.273 8.3; a full-range scale is 2^bits - 1).
Triple rgb_to_ycbcr(const Triple& rgb, const YCbCrCoding& coding);

/// The inverse of rgb_to_ycbcr, neither rounded nor clamped.
Triple ycbcr_to_rgb(const Triple& ycbcr, const YCbCrCoding& coding);

/// y = offset + scale x in single precision: a conversion of many pixels.
struct ColourMap {
  std::array<std::array<float, 3>, 3> scale;  // [of y][of x]
  std::array<float, 3> offset;
};
/// rgb_to_ycbcr.
ColourMap map_to_ycbcr(const YCbCrCoding& coding);
/// ycbcr_to_rgb.
ColourMap map_to_rgb(const YCbCrCoding& coding);

/// BT.601 luma of an RGB colour, 0..255: 0.299 R + 0.587 G + 0.114 B.
double luma(double red, double green, double blue);

/// The gray version of a picture: every channel is the luma, rounded.
Picture gray_picture(const Picture& picture);

/// sRGB's transfer curve: the linear light, 0..1, of every 8-bit value.
const std::array<double, 256>& linear_light();

/// CIE L*a*b* (L 0..100) of an sRGB colour under D65: sRGB transfer and primaries of
/// IEC 61966-2-1, white point (0.95047, 1, 1.08883), f() of CIE 15:2004 8.2.1.
Triple rgb_to_lab(const Triple& rgb);

/// The same for an 8-bit colour, with the transfer curve from linear_light().
Triple rgb_to_lab(std::uint8_t red, std::uint8_t green, std::uint8_t blue);

/// The inverse of rgb_to_lab; not clamped: colours outside sRGB fall outside 0..255 (the transfer
/// curve continues as an odd function below zero).
Triple lab_to_rgb(const Triple& lab);

/// Nearest 8-bit value, halves up, clamped to 0..255.
std::uint8_t to_byte(double value);

}  // namespace afterglow
