#include "data/pixels.hpp"

#include <cstring>
#include <string>

#include "base/error.hpp"

namespace afterglow {
namespace {

const AVPixFmtDescriptor& descriptor(AVPixelFormat format) { return *av_pix_fmt_desc_get(format); }

const int* scaler_coefficients(Matrix matrix) {
  switch (matrix) {
    case Matrix::kBt709:
      return sws_getCoefficients(SWS_CS_ITU709);
    case Matrix::kBt2020:
      return sws_getCoefficients(SWS_CS_BT2020);
    case Matrix::kBt601:
      break;
  }
  return sws_getCoefficients(SWS_CS_ITU601);
}

constexpr int kLeastWidthOfHd = 1280, kMostLinesOfSd = 576;

AVPixelFormat without_j(AVPixelFormat format) {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P:
      return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
      return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
      return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
      return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P:
      return AV_PIX_FMT_YUV411P;
    default:
      return format;
  }
}

/// Of gray frames without a stated range, those of video codecs are limited as the standards say,
/// those of picture codecs full.
bool gray_is_limited(AVCodecID codec) {
  return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_VP9 ||
         codec == AV_CODEC_ID_AV1;
}

/// Gray to RGB: swscale would take every gray frame for full range.
template <typename Sample>
void convert_gray(const AVFrame& frame, const YCbCrCoding& coding, Picture& picture) {
  const double centre = 128 << (coding.bits - 8);
  std::vector<std::uint8_t> table(std::size_t{1} << coding.bits);
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = to_byte(ycbcr_to_rgb({double(i), centre, centre}, coding)[1]);
  }
  std::uint8_t* out = picture.rgb.data();
  for (int y = 0; y < frame.height; ++y) {
    const std::uint8_t* row = frame.data[0] + std::ptrdiff_t(y) * frame.linesize[0];
    for (int x = 0; x < frame.width; ++x, out += 3) {
      Sample sample;
      std::memcpy(&sample, row + std::size_t(x) * sizeof(Sample), sizeof(Sample));
      std::memset(out, table[sample & (table.size() - 1)], 3);
    }
  }
}

}  // namespace

PixelLayout layout_of(AVPixelFormat format) {
  const AVPixFmtDescriptor& d = descriptor(format);
  if (d.flags & AV_PIX_FMT_FLAG_HWACCEL) return PixelLayout::kOther;
  if (d.flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) return PixelLayout::kRgb;
  if (d.flags & (AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_ALPHA |
                 AV_PIX_FMT_FLAG_FLOAT) ||
      d.comp[0].depth < 8 || d.comp[0].shift != 0) {
    return PixelLayout::kOther;
  }
  if (d.nb_components == 1) return PixelLayout::kGray;
  const bool three_planes = d.nb_components == 3 && (d.flags & AV_PIX_FMT_FLAG_PLANAR) &&
                            d.comp[1].plane == 1 && d.comp[2].plane == 2;
  return three_planes ? PixelLayout::kPlanarYuv : PixelLayout::kOther;
}

bool has_rgb(AVPixelFormat format) {
  return layout_of(format) == PixelLayout::kGray || sws_isSupportedInput(format) != 0;
}

int bits_of(AVPixelFormat format) { return descriptor(format).comp[0].depth; }

int matrix_number(const AVColorSpace& stored) {
  // libavformat stores whatever the file says, and a number that is no AVColorSpace must not be
  // loaded as one.
  static_assert(sizeof(stored) == sizeof(int));
  int number = 0;
  std::memcpy(&number, &stored, sizeof(number));
  return number;
}

std::optional<Matrix> matrix_of(int number, int width, int height) {
  switch (number) {
    case AVCOL_SPC_BT709:
      return Matrix::kBt709;
    case AVCOL_SPC_BT2020_NCL:
      return Matrix::kBt2020;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return Matrix::kBt601;
    case AVCOL_SPC_UNSPECIFIED:
    case AVCOL_SPC_RESERVED:
      return width >= kLeastWidthOfHd || height > kMostLinesOfSd ? Matrix::kBt709 : Matrix::kBt601;
    default:
      return std::nullopt;
  }
}

AVColorSpace libav_matrix(Matrix matrix) {
  switch (matrix) {
    case Matrix::kBt709:
      return AVCOL_SPC_BT709;
    case Matrix::kBt2020:
      return AVCOL_SPC_BT2020_NCL;
    case Matrix::kBt601:
      break;
  }
  return AVCOL_SPC_SMPTE170M;
}

bool settle_colour(AVFrame& frame, AVCodecID codec) {
  const auto format = AVPixelFormat(frame.format);
  const AVPixelFormat plain = without_j(format);
  if (plain != format) frame.color_range = AVCOL_RANGE_JPEG;
  frame.format = plain;
  const PixelLayout layout = layout_of(plain);
  if (layout == PixelLayout::kRgb) {
    frame.colorspace = AVCOL_SPC_RGB;
    frame.color_range = AVCOL_RANGE_JPEG;
    return true;
  }
  if (frame.color_range == AVCOL_RANGE_UNSPECIFIED) {
    const bool full = layout == PixelLayout::kGray && !gray_is_limited(codec);
    frame.color_range = full ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
  }
  const std::optional<Matrix> matrix =
      matrix_of(matrix_number(frame.colorspace), frame.width, frame.height);
  if (!matrix && layout != PixelLayout::kGray) return false;  // gray needs none
  frame.colorspace = libav_matrix(matrix.value_or(Matrix::kBt601));
  return true;
}

YCbCrCoding coding_of(const AVFrame& frame) {
  YCbCrCoding coding;
  if (frame.colorspace == AVCOL_SPC_BT709) coding.matrix = Matrix::kBt709;
  if (frame.colorspace == AVCOL_SPC_BT2020_NCL) coding.matrix = Matrix::kBt2020;
  coding.full_range = frame.color_range == AVCOL_RANGE_JPEG;
  coding.bits = bits_of(AVPixelFormat(frame.format));
  return coding;
}

libav::ScalerPtr make_scaler(AVPixelFormat from, const YCbCrCoding& from_coding, AVPixelFormat to,
                             const YCbCrCoding& to_coding, int width, int height) {
  libav::ScalerPtr scaler(
      sws_getContext(width, height, from, width, height, to,
                     SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP,
                     nullptr, nullptr, nullptr));
  if (!scaler) {
    throw Unsupported(std::string("no conversion of ") + av_get_pix_fmt_name(from) + " to " +
                      av_get_pix_fmt_name(to));
  }
  constexpr int kUnity = 1 << 16;  // contrast and saturation, 16.16
  sws_setColorspaceDetails(scaler.get(), scaler_coefficients(from_coding.matrix),
                           from_coding.full_range, scaler_coefficients(to_coding.matrix),
                           to_coding.full_range, 0, kUnity, kUnity);
  return scaler;
}

Picture RgbConverter::convert(const AVFrame& frame) {
  const std::scoped_lock lock(mutex_);
  const YCbCrCoding coding = coding_of(frame);
  const auto format = AVPixelFormat(frame.format);
  Picture picture(frame.width, frame.height);
  if (layout_of(format) == PixelLayout::kGray) {
    if (coding.bits == 8) {
      convert_gray<std::uint8_t>(frame, coding, picture);
    } else {
      convert_gray<std::uint16_t>(frame, coding, picture);
    }
    return picture;
  }
  if (!scaler_ || width_ != frame.width || height_ != frame.height || format_ != format ||
      coding_ != coding) {
    const YCbCrCoding rgb{coding.matrix, true, 8};
    scaler_ = make_scaler(format, coding, AV_PIX_FMT_RGB24, rgb, frame.width, frame.height);
    width_ = frame.width;
    height_ = frame.height;
    format_ = format;
    coding_ = coding;
  }
  // swscale may write past a row's end to a multiple of its vector size, so it writes into a frame
  // with padded rows.
  const libav::FramePtr rgb = libav::make_frame(AV_PIX_FMT_RGB24, frame.width, frame.height);
  sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, rgb->data, rgb->linesize);
  const std::size_t row = std::size_t(frame.width) * 3;
  for (int y = 0; y < frame.height; ++y) {
    std::memcpy(picture.rgb.data() + std::size_t(y) * row,
                rgb->data[0] + std::ptrdiff_t(y) * rgb->linesize[0], row);
  }
  return picture;
}

}  // namespace afterglow
