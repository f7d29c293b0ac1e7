#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {
namespace {

/// Calls body(place in the frames (N, H, W, C), place in their blocks (N, H/2, W/2, 4C)) for every
/// value.
template <typename Body>
void for_each_block(const FrameGeometry& g, const Body& body) {
  // H is even: rows 2 row and 2 row + 1 of all frames make row `row` of all their blocks.
  for_each_index(std::int64_t{g.n} * (g.h / 2), [&](std::int64_t row) {
    const std::int64_t line = std::int64_t{g.w} * g.c;
    for (std::int64_t column = 0; column < g.w / 2; ++column) {
      const std::int64_t frame = 2 * row * line + 2 * column * g.c;
      const std::int64_t block = (row * (g.w / 2) + column) * 4 * g.c;
      for (std::int64_t c = 0; c < g.c; ++c) {
        body(frame + c, block + 4 * c);
        body(frame + g.c + c, block + 4 * c + 1);
        body(frame + line + c, block + 4 * c + 2);
        body(frame + line + g.c + c, block + 4 * c + 3);
      }
    }
  });
}

}  // namespace

void CpuBackend::space_to_depth(const FrameGeometry& g, Source x, Destination y) {
  for_each_block(g, [from = x.data(), to = y.data()](std::int64_t frame, std::int64_t block) {
    to[block] = from[frame];
  });
}

void CpuBackend::depth_to_space(const FrameGeometry& g, Source x, Destination y) {
  for_each_block(g, [from = x.data(), to = y.data()](std::int64_t frame, std::int64_t block) {
    to[frame] = from[block];
  });
}

}  // namespace afterglow
