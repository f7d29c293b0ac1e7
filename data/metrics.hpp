// How good, how steady and how colourful a film is. Pictures are 8-bit RGB; everything is computed
// in double (docs/numerics.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "data/picture.hpp"

namespace afterglow {

/// PSNR of equal pictures, and the most that any picture gets (dB).
inline constexpr double kLargestPsnr = 100;

/// Flicker is what moves faster than this (Hz).
inline constexpr double kFlickerHertz = 2;

/// Mean over pixels and channels of the squared difference, 0..255 units. This and the next three
/// throw ShapeError when the pictures' sizes differ.
double mean_squared_error(const Picture& a, const Picture& b);

/// 20 log10(255 / sqrt(MSE)), dB, at most kLargestPsnr.
double psnr(const Picture& picture, const Picture& truth);

/// Share of channel values that are exactly the truth's, percent.
double pixel_match_percent(const Picture& picture, const Picture& truth);

/// Hasler & Suesstrunk 2003: with rg = R - G and yb = (R + G) / 2 - B, both signed,
/// sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2).
double colorfulness(const Picture& picture);

/// What is coloured in a picture: a and b of CIE Lab (D65).
struct LabChroma {
  int width = 0;
  int height = 0;
  std::vector<float> ab;         // (H, W, 2)
  std::array<double, 2> mean{};  // of a and of b, before they are rounded to float
};

LabChroma lab_chroma(const Picture& picture);

/// The power of a series (n values, fps a second) above kFlickerHertz, in squared units of the
/// series: a sine of amplitude A up there has A^2 / 2. The least-squares line is taken off, the
/// rest x is multiplied by the periodic Hann window w_t = (1 - cos(2 pi t / n)) / 2, and with its
/// discrete Fourier transform X the one-sided power is the sum of c_k |X_k|^2 / (n sum w^2) over
/// the k with k fps / n > kFlickerHertz; c_k = 1 for the last k of an even n, else 2. Nothing for a
/// series below one second (too coarse in frequency) or a rate without anything above
/// kFlickerHertz.
std::optional<double> fast_power(const std::vector<double>& series, double fps);

/// The picture with its chroma (BT.601 Cb and Cr) halved: every channel drawn halfway to the luma.
/// A trivial way to look steadier, shown beside real ones.
Picture halve_chroma(const Picture& picture);

}  // namespace afterglow
