#include "data/carried_chroma.hpp"

#include <utility>

#include "base/error.hpp"
#include "data/colour.hpp"
#include "data/names.hpp"

namespace afterglow {

Picture CarriedChroma::push(const Picture& own, const VisibleFlow* back) {
  if (back && (own.width != back->flow.width || own.height != back->flow.height ||
               chroma_.size() != back->flow.uv.size())) {
    throw ShapeError("CarriedChroma: a frame of " + size_text(own.width, own.height) +
                     " with a motion of " + size_text(back->flow.width, back->flow.height) +
                     " to the frame before");
  }
  std::vector<float> chroma(own.rgb.size() / 3 * 2);
  Picture picture(own.width, own.height);
  for (int y = 0; y < own.height; ++y) {
    for (int x = 0; x < own.width; ++x) {
      const std::size_t at = std::size_t(y) * std::size_t(own.width) + std::size_t(x);
      const std::uint8_t* const rgb = own.rgb.data() + 3 * at;
      const double gray = luma(rgb[0], rgb[1], rgb[2]);
      double red = rgb[0] - gray, blue = rgb[2] - gray;
      if (back && back->visible[at]) {
        const Neighbours there = follow(back->flow, x, y).value();
        red += kCarriedShare * (there.sample(chroma_, 2, 0) - red);
        blue += kCarriedShare * (there.sample(chroma_, 2, 1) - blue);
      }
      chroma[2 * at] = static_cast<float>(red);
      chroma[2 * at + 1] = static_cast<float>(blue);
      // The luma of (red, green, blue), all less gray, is 0.
      const double green = -luma(red, 0, blue) / luma(0, 1, 0);
      picture.rgb[3 * at] = to_byte(gray + red);
      picture.rgb[3 * at + 1] = to_byte(gray + green);
      picture.rgb[3 * at + 2] = to_byte(gray + blue);
    }
  }
  chroma_ = std::move(chroma);
  return picture;
}

}  // namespace afterglow
