// Pixel formats of decoded frames: which we know, and their way to RGB.
#pragma once

#include <mutex>
#include <optional>

#include "data/colour.hpp"
#include "data/libav.hpp"
#include "data/picture.hpp"

namespace afterglow {

/// How the samples of a pixel format lie.
enum class PixelLayout {
  kGray,       // one plane of luma
  kPlanarYuv,  // planes Y, Cb, Cr
  kRgb,        // RGB or a palette
  kOther,      // alpha, packed or semi-planar YCbCr, big-endian: only its way to RGB is known
};

PixelLayout layout_of(AVPixelFormat format);

/// True when RgbConverter can convert frames of this format.
bool has_rgb(AVPixelFormat format);

/// Bits of a format's first component.
int bits_of(AVPixelFormat format);

/// A colour matrix as the file numbers it, which may be outside AVColorSpace.
int matrix_number(const AVColorSpace& stored);

/// What such a number means of pictures of this size; nothing for what is not supported. Where a
/// film names none, players take BT.709 from 1280 pixels in width or 577 lines, else BT.601, and so
/// do we.
std::optional<Matrix> matrix_of(int number, int width, int height);

/// The number that names a matrix.
AVColorSpace libav_matrix(Matrix matrix);

/// Makes explicit what a frame leaves open: deprecated "yuvj" formats become their plain twins,
/// the matrix becomes the libav_matrix() of what matrix_of() takes it for, and an unknown range
/// limited (full for gray pictures and RGB). Returns false when the matrix is one that is not
/// supported.
bool settle_colour(AVFrame& frame, AVCodecID codec);

/// The coding of a settled YCbCr or gray frame.
YCbCrCoding coding_of(const AVFrame& frame);

/// Converts settled frames to RGB: swscale, bicubic, accurate rounding, full chroma interpolation.
/// Keeps its tables from one frame to the next. Safe to call from several threads.
class RgbConverter {
 public:
  /// Throws Unsupported when the format has no way to RGB.
  Picture convert(const AVFrame& frame);

 private:
  std::mutex mutex_;
  libav::ScalerPtr scaler_;
  int width_ = 0, height_ = 0, format_ = AV_PIX_FMT_NONE;
  YCbCrCoding coding_;
};

/// A scaler of pixels in place (no change of size) with the flags named above. `from` and `to` say
/// matrix and range where the format is YCbCr. Throws Unsupported.
libav::ScalerPtr make_scaler(AVPixelFormat from, const YCbCrCoding& from_coding, AVPixelFormat to,
                             const YCbCrCoding& to_coding, int width, int height);

}  // namespace afterglow
