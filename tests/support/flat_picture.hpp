// A picture of one colour.
#pragma once

#include <cstddef>
#include <cstdint>

#include "data/picture.hpp"

namespace afterglow::test {

inline Picture flat(int width, int height, int red, int green, int blue) {
  Picture picture(width, height);
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    picture.rgb[i] = static_cast<std::uint8_t>(red);
    picture.rgb[i + 1] = static_cast<std::uint8_t>(green);
    picture.rgb[i + 2] = static_cast<std::uint8_t>(blue);
  }
  return picture;
}

}  // namespace afterglow::test
