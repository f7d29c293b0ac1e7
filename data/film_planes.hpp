// The planes of a film whose luma is a source's and whose chroma comes from another picture.
#pragma once

#include <span>
#include <vector>

#include "data/colour.hpp"
#include "data/film_source.hpp"
#include "data/libav.hpp"

namespace afterglow {

/// RGB values of some size, (height, width, 3), 0..255; not owned.
struct RgbView {
  std::span<const float> values;
  int width = 0;
  int height = 0;
};

/// Cb and Cr of an RGB picture, resized (bilinear growing, area shrinking; sample centres aligned):
/// two planes (height, width) of coded values, unrounded. Throws ShapeError when the span does not
/// hold the picture.
struct ChromaPlanes {
  std::vector<float> cb, cr;
};
ChromaPlanes resized_chroma(const RgbView& rgb, const YCbCrCoding& coding, int width, int height);

/// Fills the luma plane of `target` (planar YCbCr, coded as said): the frame's own samples, or of
/// RGB content its BT.601 full-range luma, rounded; bit for bit where the frame's range and depth
/// are the target's, else scaled to those and rounded.
void copy_luma(const FilmFrame& frame, const YCbCrCoding& coding, AVFrame& target);

/// Fills the chroma planes of `target` (planar YCbCr, 8 to 16 bits), rounded.
void fill_chroma(const RgbView& rgb, const YCbCrCoding& coding, AVFrame& target);

/// The frame's luma with the chroma of `rgb` as a picture.
Picture recoloured_picture(const FilmFrame& frame, const RgbView& rgb);

}  // namespace afterglow
