// A film's input beside its result, in one picture.
#pragma once

#include "data/colour.hpp"
#include "data/film.hpp"
#include "data/libav.hpp"

namespace afterglow {

/// The width of each half of a frame of this format: `width`, or so much more that the chroma
/// samples of the halves are apart (4:2:0 and 4:2:2: even).
int half_width(AVPixelFormat format, int width);

/// Fills the chroma planes of `target` (planar YCbCr, coded as said) with the frame's own chroma:
/// bit for bit where format, coding and size are the target's, neutral of gray frames, else
/// converted (8 bits) and resized.
void copy_chroma(const FilmFrame& frame, const YCbCrCoding& coding, AVFrame& target);

/// Two frames of one size and format (planar YCbCr, coded as said) beside each other: a frame of
/// 2 half_width() whose halves begin with them; what is over is black.
libav::FramePtr side_by_side(const AVFrame& left, const AVFrame& right, const YCbCrCoding& coding);

/// Two pictures of one height beside each other. Throws ShapeError.
Picture side_by_side(const Picture& left, const Picture& right);

}  // namespace afterglow
