#include "data/steady_planes.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "data/colour.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

void require_even(int width, int height) {
  if (width % 2 == 0 && height % 2 == 0) return;
  throw ShapeError("pictures of " + size_text(width, height) + " have no half size");
}

Triple lab_at(const Picture& picture, std::size_t pixel) {
  const std::uint8_t* rgb = picture.rgb.data() + 3 * pixel;
  return rgb_to_lab(rgb[0], rgb[1], rgb[2]);
}

}  // namespace

SteadySize steady_size(int width, int height, int long_side) {
  const double scale = std::min(1.0, static_cast<double>(long_side) / std::max({width, height, 1}));
  const auto rounded = [scale](int side) {
    constexpr int kMultiple = 16;
    return std::max(2 * kMultiple,
                    static_cast<int>(std::lround(side * scale / kMultiple)) * kMultiple);
  };
  return {rounded(width), rounded(height)};
}

SteadyPlanes steady_planes(const Picture& light, const Picture& colours) {
  if (light.width != colours.width || light.height != colours.height) {
    throw ShapeError("colours of " + size_text(colours.width, colours.height) +
                     " for a picture of " + size_text(light.width, light.height));
  }
  require_even(light.width, light.height);
  SteadyPlanes planes{light.width / 2, light.height / 2, {}, {}, {}};
  const bool same = &light == &colours;
  const auto stride = static_cast<std::size_t>(light.width);
  for (int y = 0; y < planes.height; ++y) {
    for (int x = 0; x < planes.width; ++x) {
      const std::size_t corner = 2 * (static_cast<std::size_t>(y) * stride + std::size_t(x));
      float sum = 0;
      double a = 0, b = 0;
      for (const std::size_t at : {corner, corner + 1, corner + stride, corner + stride + 1}) {
        const Triple lab = lab_at(light, at);
        const Triple colour = same ? lab : lab_at(colours, at);
        planes.luma.push_back(static_cast<float>(lab[0]) / kSteadyUnit - 1);
        sum += planes.luma.back();
        a += colour[1];
        b += colour[2];
      }
      planes.lightness.push_back(sum / 4);
      planes.chroma.push_back(static_cast<float>(a / 4) / kSteadyUnit);
      planes.chroma.push_back(static_cast<float>(b / 4) / kSteadyUnit);
    }
  }
  return planes;
}

Flow halved_flow(const Flow& flow) {
  require_even(flow.width, flow.height);
  Flow half(flow.width / 2, flow.height / 2);
  const auto stride = static_cast<std::size_t>(flow.width);
  std::size_t to = 0;
  for (std::size_t y = 0; y < std::size_t(half.height); ++y) {
    for (std::size_t x = 0; x < std::size_t(half.width); ++x) {
      const std::size_t corner = 2 * (y * stride + x);
      for (std::size_t c = 0; c < 2; ++c, ++to) {
        const float* from = flow.uv.data() + 2 * corner + c;
        half.uv[to] = (from[0] + from[2] + from[2 * stride] + from[2 * stride + 2]) / 8;
      }
    }
  }
  return half;
}

}  // namespace afterglow
