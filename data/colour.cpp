#include "data/colour.hpp"

#include <algorithm>
#include <cmath>

namespace afterglow {
namespace {

struct LumaWeights {
  double red, blue;
};

LumaWeights luma_weights(Matrix matrix) {
  switch (matrix) {
    case Matrix::kBt709:
      return {0.2126, 0.0722};
    case Matrix::kBt2020:
      return {0.2627, 0.0593};
    case Matrix::kBt601:
      break;
  }
  return {0.299, 0.114};
}

/// Coded value = offset + scale * component, where luma runs over 0..255 and chroma over -127.5..
/// 127.5.
struct CodedRange {
  double luma_scale, luma_offset, chroma_scale, chroma_offset;
};

CodedRange coded_range(const YCbCrCoding& coding) {
  const double unit = std::ldexp(1.0, coding.bits - 8);
  const double centre = 128 * unit;
  if (coding.full_range) {
    const double scale = (256 * unit - 1) / 255;
    return {scale, 0, scale, centre};
  }
  return {219 * unit / 255, 16 * unit, 224 * unit / 255, centre};
}

/// The factors of a conversion that is affine.
template <typename Conversion>
ColourMap map_of(const Conversion& convert) {
  const Triple origin = convert({0, 0, 0});
  ColourMap map{};
  for (std::size_t x = 0; x < 3; ++x) {
    Triple unit{};
    unit[x] = 1;
    const Triple there = convert(unit);
    for (std::size_t y = 0; y < 3; ++y) map.scale[y][x] = static_cast<float>(there[y] - origin[y]);
  }
  for (std::size_t y = 0; y < 3; ++y) map.offset[y] = static_cast<float>(origin[y]);
  return map;
}

double srgb_to_linear(double coded) {  // 0..1
  const double size = std::abs(coded);
  const double linear = size <= 0.04045 ? size / 12.92 : std::pow((size + 0.055) / 1.055, 2.4);
  return std::copysign(linear, coded);
}

double linear_to_srgb(double linear) {
  const double size = std::abs(linear);
  const double coded = size <= 0.0031308 ? size * 12.92 : 1.055 * std::pow(size, 1 / 2.4) - 0.055;
  return std::copysign(coded, linear);
}

constexpr Triple kWhite = {0.95047, 1.0, 1.08883};
constexpr double kLabDelta = 6.0 / 29.0;

double lab_curve(double t) {
  return t > kLabDelta * kLabDelta * kLabDelta ? std::cbrt(t)
                                               : t / (3 * kLabDelta * kLabDelta) + 4.0 / 29.0;
}

double inverse_lab_curve(double f) {
  return f > kLabDelta ? f * f * f : 3 * kLabDelta * kLabDelta * (f - 4.0 / 29.0);
}

Triple linear_to_lab(const Triple& rgb) {
  const double x = 0.4124564 * rgb[0] + 0.3575761 * rgb[1] + 0.1804375 * rgb[2];
  const double y = 0.2126729 * rgb[0] + 0.7151522 * rgb[1] + 0.0721750 * rgb[2];
  const double z = 0.0193339 * rgb[0] + 0.1191920 * rgb[1] + 0.9503041 * rgb[2];
  const double fx = lab_curve(x / kWhite[0]);
  const double fy = lab_curve(y / kWhite[1]);
  const double fz = lab_curve(z / kWhite[2]);
  return {116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)};
}

}  // namespace

std::string matrix_name(Matrix matrix) {
  switch (matrix) {
    case Matrix::kBt709:
      return "bt709";
    case Matrix::kBt2020:
      return "bt2020";
    case Matrix::kBt601:
      break;
  }
  return "bt601";
}

Triple rgb_to_ycbcr(const Triple& rgb, const YCbCrCoding& coding) {
  const auto [kr, kb] = luma_weights(coding.matrix);
  const CodedRange range = coded_range(coding);
  const double y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
  const double cb = (rgb[2] - y) / (2 * (1 - kb));
  const double cr = (rgb[0] - y) / (2 * (1 - kr));
  return {range.luma_offset + range.luma_scale * y, range.chroma_offset + range.chroma_scale * cb,
          range.chroma_offset + range.chroma_scale * cr};
}

Triple ycbcr_to_rgb(const Triple& ycbcr, const YCbCrCoding& coding) {
  const auto [kr, kb] = luma_weights(coding.matrix);
  const CodedRange range = coded_range(coding);
  const double y = (ycbcr[0] - range.luma_offset) / range.luma_scale;
  const double red = y + 2 * (1 - kr) * (ycbcr[2] - range.chroma_offset) / range.chroma_scale;
  const double blue = y + 2 * (1 - kb) * (ycbcr[1] - range.chroma_offset) / range.chroma_scale;
  return {red, (y - kr * red - kb * blue) / (1 - kr - kb), blue};
}

ColourMap map_to_ycbcr(const YCbCrCoding& coding) {
  return map_of([&](const Triple& rgb) { return rgb_to_ycbcr(rgb, coding); });
}

ColourMap map_to_rgb(const YCbCrCoding& coding) {
  return map_of([&](const Triple& ycbcr) { return ycbcr_to_rgb(ycbcr, coding); });
}

double luma(double red, double green, double blue) {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

Picture gray_picture(const Picture& picture) {
  Picture gray(picture.width, picture.height);
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const std::uint8_t value =
        to_byte(luma(picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]));
    std::fill_n(gray.rgb.begin() + std::ptrdiff_t(i), 3, value);
  }
  return gray;
}

const std::array<double, 256>& linear_light() {
  static const std::array<double, 256> table = [] {
    std::array<double, 256> values{};
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = srgb_to_linear(double(i) / 255);
    return values;
  }();
  return table;
}

Triple rgb_to_lab(const Triple& rgb) {
  return linear_to_lab(
      {srgb_to_linear(rgb[0] / 255), srgb_to_linear(rgb[1] / 255), srgb_to_linear(rgb[2] / 255)});
}

Triple rgb_to_lab(std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  const std::array<double, 256>& linear = linear_light();
  return linear_to_lab({linear[red], linear[green], linear[blue]});
}

Triple lab_to_rgb(const Triple& lab) {
  const double fy = (lab[0] + 16) / 116;
  const double x = kWhite[0] * inverse_lab_curve(fy + lab[1] / 500);
  const double y = kWhite[1] * inverse_lab_curve(fy);
  const double z = kWhite[2] * inverse_lab_curve(fy - lab[2] / 200);
  return {255 * linear_to_srgb(3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
          255 * linear_to_srgb(-0.9692660 * x + 1.8760108 * y + 0.0415560 * z),
          255 * linear_to_srgb(0.0556434 * x - 0.2040259 * y + 1.0572252 * z)};
}

std::uint8_t to_byte(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::floor(value + 0.5), 0.0, 255.0));
}

}  // namespace afterglow
