#include "data/colour.hpp"

#include <catch2/catch.hpp>

#include "base/random.hpp"

namespace afterglow {
namespace {

// The formulas are a dozen double operations on values up to 65535.
constexpr double kRounding = 1e-9;

// The matrices below are printed with three digits after the point, times at most 255 values of
// 1/255 each: sums of three terms are off by 1.5e-3 at most.
constexpr double kPrintedDigits = 2e-3;

/// BT.601 for 8-bit limited range as ITU-R BT.601-7 prints it, for R, G, B in 0..1.
Triple printed_bt601(double r, double g, double b) {
  return {16 + 65.481 * r + 128.553 * g + 24.966 * b, 128 - 37.797 * r - 74.203 * g + 112 * b,
          128 + 112 * r - 93.786 * g - 18.214 * b};
}

TEST_CASE("BT.601 limited range is the printed matrix") {
  Rng rng(7);
  for (int i = 0; i < 200; ++i) {
    const double r = rng.uniform(), g = rng.uniform(), b = rng.uniform();
    const Triple expected = printed_bt601(r, g, b);
    const Triple coded = rgb_to_ycbcr({255 * r, 255 * g, 255 * b}, {});
    CAPTURE(i, r, g, b);
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(coded[c] == Approx(expected[c]).epsilon(0).margin(kPrintedDigits));
    }
  }
}

TEST_CASE("extremes of every coding lie where the standards put them") {
  struct Row {
    YCbCrCoding coding;
    Triple white, black;
    double blue_cb, red_cr;  // Cb of pure blue and Cr of pure red: the top of the chroma range
  };
  const Row row =
      GENERATE(Row{{Matrix::kBt601, false, 8}, {235, 128, 128}, {16, 128, 128}, 240, 240},
               Row{{Matrix::kBt709, false, 8}, {235, 128, 128}, {16, 128, 128}, 240, 240},
               Row{{Matrix::kBt2020, false, 10}, {940, 512, 512}, {64, 512, 512}, 960, 960},
               Row{{Matrix::kBt709, true, 8}, {255, 128, 128}, {0, 128, 128}, 255.5, 255.5},
               Row{{Matrix::kBt601, true, 10}, {1023, 512, 512}, {0, 512, 512}, 1023.5, 1023.5});
  CAPTURE(matrix_name(row.coding.matrix), row.coding.full_range, row.coding.bits);
  const Triple white = rgb_to_ycbcr({255, 255, 255}, row.coding);
  const Triple black = rgb_to_ycbcr({0, 0, 0}, row.coding);
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(white[c] == Approx(row.white[c]).epsilon(0).margin(kRounding));
    CHECK(black[c] == Approx(row.black[c]).epsilon(0).margin(kRounding));
  }
  CHECK(rgb_to_ycbcr({0, 0, 255}, row.coding)[1] ==
        Approx(row.blue_cb).epsilon(0).margin(kRounding));
  CHECK(rgb_to_ycbcr({255, 0, 0}, row.coding)[2] ==
        Approx(row.red_cr).epsilon(0).margin(kRounding));
}

TEST_CASE("luma weights differ by matrix") {
  const YCbCrCoding full709{Matrix::kBt709, true, 8};
  const YCbCrCoding full2020{Matrix::kBt2020, true, 8};
  CHECK(rgb_to_ycbcr({255, 0, 0}, full709)[0] == Approx(255 * 0.2126));
  CHECK(rgb_to_ycbcr({0, 0, 255}, full709)[0] == Approx(255 * 0.0722));
  CHECK(rgb_to_ycbcr({255, 0, 0}, full2020)[0] == Approx(255 * 0.2627));
  CHECK(rgb_to_ycbcr({0, 0, 255}, full2020)[0] == Approx(255 * 0.0593));
  CHECK(luma(255, 0, 0) == Approx(76.245));
  CHECK(luma(0, 255, 0) == Approx(149.685));
  CHECK(luma(0, 0, 255) == Approx(29.07));
}

TEST_CASE("YCbCr and back is the same colour") {
  Rng rng(11);
  for (const Matrix matrix : {Matrix::kBt601, Matrix::kBt709, Matrix::kBt2020}) {
    for (const bool full : {false, true}) {
      for (const int bits : {8, 10, 16}) {
        const Triple rgb = {rng.uniform(0, 255), rng.uniform(0, 255), rng.uniform(0, 255)};
        const YCbCrCoding coding{matrix, full, bits};
        const Triple back = ycbcr_to_rgb(rgb_to_ycbcr(rgb, coding), coding);
        for (std::size_t c = 0; c < 3; ++c) {
          CHECK(back[c] == Approx(rgb[c]).epsilon(0).margin(kRounding));
        }
      }
    }
  }
}

TEST_CASE("Lab of known colours") {
  // Reference values of scikit-image's rgb2lab, which uses the same white point; its matrix has
  // six digits, hence the tolerance.
  constexpr double kMatrixDigits = 2e-2;
  struct Row {
    Triple rgb, lab;
  };
  const Row row = GENERATE(
      Row{{255, 255, 255}, {100, 0, 0}}, Row{{0, 0, 0}, {0, 0, 0}},
      Row{{255, 0, 0}, {53.2408, 80.0925, 67.2032}}, Row{{0, 255, 0}, {87.7347, -86.1827, 83.1793}},
      Row{{0, 0, 255}, {32.2970, 79.1875, -107.8602}}, Row{{128, 128, 128}, {53.5850, 0, 0}});
  const Triple lab = rgb_to_lab(row.rgb);
  for (std::size_t c = 0; c < 3; ++c) CHECK(lab[c] == Approx(row.lab[c]).margin(kMatrixDigits));
}

TEST_CASE("Lab and back is the same colour, and bytes agree with doubles") {
  // The two printed matrices are inverse to seven digits.
  constexpr double kInverseDigits = 2e-3;
  Rng rng(3);
  for (int i = 0; i < 300; ++i) {
    const auto r = std::uint8_t(rng.below(256)), g = std::uint8_t(rng.below(256)),
               b = std::uint8_t(rng.below(256));
    CAPTURE(i, int(r), int(g), int(b));
    const Triple lab = rgb_to_lab(Triple{double(r), double(g), double(b)});
    CHECK(rgb_to_lab(r, g, b) == lab);
    const Triple back = lab_to_rgb(lab);
    CHECK(back[0] == Approx(r).epsilon(0).margin(kInverseDigits));
    CHECK(back[1] == Approx(g).epsilon(0).margin(kInverseDigits));
    CHECK(back[2] == Approx(b).epsilon(0).margin(kInverseDigits));
  }
}

TEST_CASE("a gray picture has the luma in every channel") {
  Picture picture(2, 1);
  picture.rgb = {255, 0, 0, 10, 200, 30};
  CHECK(gray_picture(picture).rgb == std::vector<std::uint8_t>{76, 76, 76, 124, 124, 124});
}

TEST_CASE("to_byte rounds halves up and clamps") {
  CHECK(to_byte(-3) == 0);
  CHECK(to_byte(0.49) == 0);
  CHECK(to_byte(0.5) == 1);
  CHECK(to_byte(254.5) == 255);
  CHECK(to_byte(256) == 255);
}

}  // namespace
}  // namespace afterglow
