#include "data/colour_carrier.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

constexpr float kLightChange = 12;                   // CIE L
constexpr float kWayBack = 0.5F, kWayShare = 0.02F;  // squared pixels, and of the way's square

/// Cells of the grid, and what lies between two of them; x and y go by shares of the frame.
constexpr std::array<int, 4> kCells{5, 7, 22, 10};
constexpr float kLightStep = 5;       // CIE L
constexpr float kTextureStep = 0.5F;  // of log(1 + deviation of L)
/// Pixels' worth of the next coarser colours in a cell.
constexpr float kCoarse = 0.1F;

void require_fit(bool fits, const std::string& what) {
  if (!fits) throw ShapeError("colours carried: " + what);
}

std::size_t pixels_of(const LightPlane& light) {
  return std::size_t(light.width) * std::size_t(light.height);
}

void require_size(const LightPlane& light, const CarriedColours& colours) {
  require_fit(light.lightness.size() == pixels_of(light) && pixels_of(light) > 0 &&
                  colours.confidence.size() == pixels_of(light) &&
                  colours.ab.size() == 2 * pixels_of(light),
              "they do not fit a frame of " + size_text(light.width, light.height));
}

/// The four samples round a place, and their weights.
struct Bilinear {
  std::array<std::size_t, 4> at{};
  std::array<float, 4> weight{};

  Bilinear(float x, float y, int width, int height) {
    const float left = std::floor(x), top = std::floor(y);
    const float fx = x - left, fy = y - top;
    const auto column = [&](int k) { return std::clamp(static_cast<int>(left) + k, 0, width - 1); };
    const auto row = [&](int k) { return std::clamp(static_cast<int>(top) + k, 0, height - 1); };
    for (int k = 0; k < 4; ++k) {
      const int dx = k % 2, dy = k / 2;
      at[std::size_t(k)] = std::size_t(row(dy)) * std::size_t(width) + std::size_t(column(dx));
      weight[std::size_t(k)] = (dx == 1 ? fx : 1 - fx) * (dy == 1 ? fy : 1 - fy);
    }
  }

  template <typename Value>
  float mean(Value&& value) const {
    float sum = 0;
    for (std::size_t k = 0; k < 4; ++k) sum += weight[k] * value(at[k]);
    return sum;
  }
};

/// log(1 + standard deviation of L) over 3 x 3 pixels.
std::vector<float> textures(const LightPlane& light) {
  std::vector<float> result(pixels_of(light));
  const int w = light.width, h = light.height;
  std::size_t i = 0;
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x, ++i) {
      float sum = 0, squares = 0;
      for (int dy = -1; dy <= 1; ++dy) {
        const int row = std::clamp(y + dy, 0, h - 1);
        for (int dx = -1; dx <= 1; ++dx) {
          const int column = std::clamp(x + dx, 0, w - 1);
          const float l = light.lightness[std::size_t(row) * std::size_t(w) + std::size_t(column)];
          sum += l;
          squares += l * l;
        }
      }
      const float mean = sum / 9;
      result[i] = std::log1p(std::sqrt(std::max(0.0F, squares / 9 - mean * mean)));
    }
  }
  return result;
}

/// The cells round a pixel along each axis: the lower one, and the upper one's share.
struct GridPlace {
  std::array<int, 4> low{};
  std::array<float, 4> share{};

  GridPlace(const LightPlane& light, int x, int y, float lightness, float texture) {
    const std::array<float, 4> place{
        static_cast<float>(x) / static_cast<float>(std::max(light.width - 1, 1)) *
            static_cast<float>(kCells[0] - 1),
        static_cast<float>(y) / static_cast<float>(std::max(light.height - 1, 1)) *
            static_cast<float>(kCells[1] - 1),
        lightness / kLightStep, texture / kTextureStep};
    for (std::size_t d = 0; d < 4; ++d) {
      const float inside = std::clamp(place[d], 0.0F, static_cast<float>(kCells[d] - 1));
      low[d] = std::min(static_cast<int>(inside), kCells[d] - 2);
      share[d] = inside - static_cast<float>(low[d]);
    }
  }

  /// Calls visit(index, weight) for the cells round the place, of the axes from `first` on.
  template <typename Visit>
  void cells(std::size_t first, Visit&& visit) const {
    const std::size_t axes = 4 - first;
    for (std::size_t corner = 0; corner < std::size_t{1} << axes; ++corner) {
      std::size_t index = 0;
      float weight = 1;
      for (std::size_t d = first; d < 4; ++d) {
        const bool upper = (corner >> (d - first) & 1U) != 0;
        index = index * std::size_t(kCells[d]) + std::size_t(low[d] + (upper ? 1 : 0));
        weight *= upper ? share[d] : 1 - share[d];
      }
      visit(index, weight);
    }
  }
};

/// Sums under [1 2 1] along every axis of a grid.
template <typename Cell>
std::vector<Cell> blurred(std::vector<Cell> cells, std::size_t first) {
  std::size_t stride = 1;
  for (std::size_t d = 4; d-- > first;) {
    const auto count = std::size_t(kCells[d]);
    std::vector<Cell> result(cells.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t at = i / stride % count;
      const auto add = [&](const Cell& cell, float weight) {
        result[i].a += weight * cell.a;
        result[i].b += weight * cell.b;
        result[i].weight += weight * cell.weight;
      };
      add(cells[i], 0.5F);
      if (at > 0) add(cells[i - stride], 0.25F);
      if (at + 1 < count) add(cells[i + stride], 0.25F);
    }
    cells = std::move(result);
    stride *= count;
  }
  return cells;
}

}  // namespace

CarriedColours carry(const CarriedColours& colours, const FrameStep& step) {
  const LightPlane &from = step.from, &to = step.to;
  require_size(from, colours);
  require_fit(
      to.width == from.width && to.height == from.height && to.lightness.size() == pixels_of(to),
      "two frames of other sizes");
  for (const Flow* flow : {&step.motion, &step.back}) {
    require_fit(flow->width == to.width && flow->height == to.height,
                "motion of " + size_text(flow->width, flow->height) + " for frames of " +
                    size_text(to.width, to.height));
  }
  CarriedColours result{std::vector<float>(colours.ab.size()),
                        std::vector<float>(colours.confidence.size())};
  std::size_t i = 0;
  for (int y = 0; y < to.height; ++y) {
    for (int x = 0; x < to.width; ++x, ++i) {
      const float u = step.motion.uv[2 * i], v = step.motion.uv[2 * i + 1];
      const float fx = static_cast<float>(x) + u, fy = static_cast<float>(y) + v;
      if (!(fx >= -0.5F && fy >= -0.5F && fx <= static_cast<float>(to.width) - 0.5F &&
            fy <= static_cast<float>(to.height) - 0.5F)) {
        continue;
      }
      const Bilinear place(fx, fy, to.width, to.height);
      const float known = place.mean([&](std::size_t at) { return colours.confidence[at]; });
      if (known <= 0) continue;
      for (std::size_t c = 0; c < 2; ++c) {
        result.ab[2 * i + c] = place.mean([&](std::size_t at) {
          return colours.confidence[at] * colours.ab[2 * at + c];
        }) / known;
      }
      const float change =
          place.mean([&](std::size_t at) { return from.lightness[at]; }) - to.lightness[i];
      const float missed_u = u + place.mean([&](std::size_t at) { return step.back.uv[2 * at]; });
      const float missed_v =
          v + place.mean([&](std::size_t at) { return step.back.uv[2 * at + 1]; });
      const float missed =
          (missed_u * missed_u + missed_v * missed_v) / (kWayBack + kWayShare * (u * u + v * v));
      result.confidence[i] =
          known * std::exp(-(change * change) / (kLightChange * kLightChange) - missed);
    }
  }
  return result;
}

ColourGrid::ColourGrid() : cells_(std::size_t{kCells[0]} * kCells[1] * kCells[2] * kCells[3]) {}

void ColourGrid::add(const LightPlane& light, const CarriedColours& colours) {
  require_size(light, colours);
  const std::vector<float> texture = textures(light);
  std::size_t i = 0;
  for (int y = 0; y < light.height; ++y) {
    for (int x = 0; x < light.width; ++x, ++i) {
      const float known = colours.confidence[i];
      GridPlace(light, x, y, light.lightness[i], texture[i])
          .cells(0, [&](std::size_t cell, float share) {
            const float weight = share * known;
            cells_[cell].a += weight * colours.ab[2 * i];
            cells_[cell].b += weight * colours.ab[2 * i + 1];
            cells_[cell].weight += weight;
          });
    }
  }
}

std::vector<float> ColourGrid::colours(const LightPlane& light) const {
  require_fit(pixels_of(light) > 0 && light.lightness.size() == pixels_of(light),
              "a frame without light");
  const std::size_t anywhere = std::size_t{kCells[2]} * kCells[3];
  std::vector<Cell> coarse(anywhere);
  Cell all;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    for (Cell* sum : {&coarse[i % anywhere], &all}) {
      sum->a += cells_[i].a;
      sum->b += cells_[i].b;
      sum->weight += cells_[i].weight;
    }
  }
  std::vector<float> result(2 * pixels_of(light));
  if (all.weight <= 0) return result;
  const float mean_a = all.a / all.weight, mean_b = all.b / all.weight;
  const std::vector<Cell> fine = blurred(cells_, 0);
  coarse = blurred(std::move(coarse), 2);
  const std::vector<float> texture = textures(light);
  std::size_t i = 0;
  for (int y = 0; y < light.height; ++y) {
    for (int x = 0; x < light.width; ++x, ++i) {
      const GridPlace place(light, x, y, light.lightness[i], texture[i]);
      Cell sum{kCoarse * mean_a, kCoarse * mean_b, kCoarse};
      const auto add = [&sum](const Cell& cell, float share) {
        sum.a += share * cell.a;
        sum.b += share * cell.b;
        sum.weight += share * cell.weight;
      };
      place.cells(2, [&](std::size_t cell, float share) { add(coarse[cell], share); });
      sum = {kCoarse * sum.a / sum.weight, kCoarse * sum.b / sum.weight, kCoarse};
      place.cells(0, [&](std::size_t cell, float share) { add(fine[cell], share); });
      result[2 * i] = sum.a / sum.weight;
      result[2 * i + 1] = sum.b / sum.weight;
    }
  }
  return result;
}

}  // namespace afterglow
