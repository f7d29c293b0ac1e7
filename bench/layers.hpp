// The convolution layers of both networks (Fang & Chaudhri 2019, input 128 x 128), for benchmarks
// and tests.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "kernels/geometry.hpp"

namespace afterglow::bench {

/// The transpose of a convolution: from that one's y to its x.
struct TransposedConv2d {
  Conv2dGeometry of;
};

struct Layer {
  std::string name;
  std::variant<Conv2dGeometry, UpsampleConv2dGeometry, TransposedConv2d> geometry;
  bool trained = true;  // false: frozen, no weight gradient is ever wanted
  int times = 1;        // that both networks together have it
};

inline std::vector<Layer> network_layers(std::int32_t n) {
  constexpr Padding kSame = Padding::kSame, kValid = Padding::kValid;
  const auto conv = [n](std::int32_t size, std::int32_t c, std::int32_t k, std::int32_t ksize,
                        Padding padding, std::int32_t stride = 1) {
    return Conv2dGeometry{n, size, size, c, k, ksize, ksize, stride, 1, padding};
  };
  // `size` is that of the input before upsampling.
  const auto up = [n](std::int32_t size, std::int32_t c, std::int32_t k, std::int32_t ksize,
                      Padding padding) {
    return UpsampleConv2dGeometry{n, size, size, c, k, ksize, padding};
  };
  // In place of an upsampling layer of size `ksize` - 1; what is cut from its border is computed.
  const auto deconv = [n](std::int32_t size, std::int32_t c, std::int32_t k, std::int32_t ksize) {
    const std::int32_t canvas = 2 * (size - 1) + ksize;
    return TransposedConv2d{{n, canvas, canvas, k, c, ksize, ksize, 2, 1, kValid}};
  };
  return {
      {"vgg16/in 1x1 6-3 @128", conv(128, 6, 3, 1, kValid)},
      {"vgg16/c1_1 3x3 3-64 @128", conv(128, 3, 64, 3, kSame), false},
      {"vgg16/c1_2 3x3 64-64 @128", conv(128, 64, 64, 3, kSame), false},
      {"vgg16/c2_1 3x3 64-128 @64", conv(64, 64, 128, 3, kSame), false},
      {"vgg16/c2_2 3x3 128-128 @64", conv(64, 128, 128, 3, kSame), false},
      {"vgg16/c3_1 3x3 128-256 @32", conv(32, 128, 256, 3, kSame), false},
      {"vgg16/c3_2,3 3x3 256-256 @32", conv(32, 256, 256, 3, kSame), false, 2},
      {"vgg16/c4_1 3x3 256-512 @16", conv(16, 256, 512, 3, kSame), false},
      {"vgg16/c4_2,3 3x3 512-512 @16", conv(16, 512, 512, 3, kSame), false, 2},
      {"vgg16/c5_1-3 3x3 512-512 @8", conv(8, 512, 512, 3, kSame), false, 3},
      {"vgg16/d1 1x1 512-256 @4", conv(4, 512, 256, 1, kValid)},
      {"vgg16/d2 up 3x3v 256-384 @4", up(4, 256, 384, 3, kValid)},
      {"vgg16/d3 up 3x3v 384-384 @6", up(6, 384, 384, 3, kValid)},
      {"vgg16/d4 up 5x5v 384-256 @10", up(10, 384, 256, 5, kValid)},
      {"vgg16/d5 up 5x5 256-256 @16", up(16, 256, 256, 5, kSame)},
      {"both/d6,10 up 5x5 256-96 @32", up(32, 256, 96, 5, kSame), true, 2},
      {"both/d7,11 up 5x5 96-3 @64", up(64, 96, 3, 5, kSame), true, 2},
      {"alexnet/1 9x9/2 6-96 @128", conv(128, 6, 96, 9, kValid, 2)},
      {"alexnet/2 5x5 96-256 @29", conv(29, 96, 256, 5, kSame)},
      {"alexnet/3 3x3 256-384 @14", conv(14, 256, 384, 3, kSame)},
      {"alexnet/4 3x3 384-384 @14", conv(14, 384, 384, 3, kSame)},
      {"alexnet/5 3x3 384-256 @14", conv(14, 384, 256, 3, kSame)},
      {"alexnet/6 1x1 256-256 @6", conv(6, 256, 256, 1, kValid)},
      {"alexnet/7 up 3x3v 256-384 @6", up(6, 256, 384, 3, kValid)},
      {"alexnet/8 up 3x3v 384-384 @10", up(10, 384, 384, 3, kValid)},
      {"alexnet/9 up 5x5v 384-256 @18", up(18, 384, 256, 5, kValid)},
      {"vgg16/d2 deconv 4x4 256-384 @4", deconv(4, 256, 384, 4)},
      {"vgg16/d3 deconv 4x4 384-384 @6", deconv(6, 384, 384, 4)},
      {"vgg16/d4 deconv 6x6 384-256 @10", deconv(10, 384, 256, 6)},
      {"vgg16/d5 deconv 6x6 256-256 @16", deconv(16, 256, 256, 6)},
      {"both/d6,10 deconv 6x6 256-96 @32", deconv(32, 256, 96, 6), true, 2},
      {"both/d7,11 deconv 6x6 96-3 @64", deconv(64, 96, 3, 6), true, 2},
      {"alexnet/7 deconv 4x4 256-384 @6", deconv(6, 256, 384, 4)},
      {"alexnet/8 deconv 4x4 384-384 @10", deconv(10, 384, 384, 4)},
      {"alexnet/9 deconv 6x6 384-256 @18", deconv(18, 384, 256, 6)},
  };
}

}  // namespace afterglow::bench
