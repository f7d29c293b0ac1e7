#include "data/warp_error.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "data/names.hpp"

namespace afterglow {
namespace {

constexpr float kLargestKnown = 1e9F;  // Middlebury's rule
constexpr double kRgbUnit = 255, kAbUnit = 110;

struct Step {
  double u = 0, v = 0;
  double squared() const { return u * u + v * v; }
};

std::size_t place_of(const Flow& flow, int x, int y) {
  return std::size_t(y) * std::size_t(flow.width) + std::size_t(x);
}

Step step_at(const Flow& flow, std::size_t at) { return {flow.uv[2 * at], flow.uv[2 * at + 1]}; }

bool is_known(const Flow& flow, std::size_t at) {
  // Not "above": a file may hold NaN.
  return std::abs(flow.uv[2 * at]) <= kLargestKnown &&
         std::abs(flow.uv[2 * at + 1]) <= kLargestKnown;
}

/// The neighbours of a point in the picture.
Neighbours neighbours(const Flow& flow, double x, double y) {
  const int left = static_cast<int>(x), top = static_cast<int>(y);
  const int right = std::min(left + 1, flow.width - 1), bottom = std::min(top + 1, flow.height - 1);
  const double u = x - left, v = y - top;
  return {{place_of(flow, left, top), place_of(flow, right, top), place_of(flow, left, bottom),
           place_of(flow, right, bottom)},
          {(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v}};
}

/// The squared gradient of both components.
double squared_gradient(const Flow& flow, int x, int y) {
  const Step here = step_at(flow, place_of(flow, x, y));
  double sum = 0;
  for (const auto& [right, down] : {std::pair{1, 0}, std::pair{0, 1}}) {
    if (x + right == flow.width || y + down == flow.height) continue;
    const Step there = step_at(flow, place_of(flow, x + right, y + down));
    sum += Step{there.u - here.u, there.v - here.v}.squared();
  }
  return sum;
}

bool is_visible(const Flow& there, const Flow& back, int x, int y) {
  const std::optional<Neighbours> goal = follow(there, x, y);
  if (!goal) return false;
  for (std::size_t i = 0; i < goal->at.size(); ++i) {
    if (goal->share[i] > 0 && !is_known(back, goal->at[i])) return false;
  }
  const Step way = step_at(there, place_of(there, x, y));
  const Step way_back{goal->sample(back.uv, 2, 0), goal->sample(back.uv, 2, 1)};
  const double missed = Step{way.u + way_back.u, way.v + way_back.v}.squared();
  if (missed > 0.01 * (way.squared() + way_back.squared()) + 0.5) return false;
  return squared_gradient(there, x, y) <= 0.01 * way.squared() + 0.002;
}

template <std::size_t kChannels, typename Values>
std::optional<double> masked_error(const Values& now, const Values& next, const VisibleFlow& motion,
                                   double unit) {
  const Flow& flow = motion.flow;
  if (now.size() != flow.uv.size() / 2 * kChannels || next.size() != now.size()) {
    throw ShapeError("warp_error: a flow of " + size_text(flow.width, flow.height) +
                     " beside pictures of another size");
  }
  double sum = 0;
  std::int64_t count = 0;
  for (int y = 0; y < flow.height; ++y) {
    for (int x = 0; x < flow.width; ++x) {
      const std::size_t at = place_of(flow, x, y);
      if (!motion.visible[at]) continue;
      const Step way = step_at(flow, at);
      const Neighbours goal = neighbours(flow, x + way.u, y + way.v);
      for (std::size_t c = 0; c < kChannels; ++c) {
        const double error =
            static_cast<double>(now[at * kChannels + c]) - goal.sample(next, kChannels, c);
        sum += error * error;
      }
      ++count;
    }
  }
  if (count == 0) return std::nullopt;
  return sum / (unit * unit * static_cast<double>(count));
}

}  // namespace

std::optional<Neighbours> follow(const Flow& flow, int x, int y) {
  const std::size_t at = place_of(flow, x, y);
  if (!is_known(flow, at)) return std::nullopt;
  const Step way = step_at(flow, at);
  const double goal_x = x + way.u, goal_y = y + way.v;
  if (goal_x < 0 || goal_y < 0 || goal_x > flow.width - 1 || goal_y > flow.height - 1) {
    return std::nullopt;
  }
  return neighbours(flow, goal_x, goal_y);
}

VisibleFlow visible_flow(Flow there, const Flow& back) {
  if (there.width != back.width || there.height != back.height) {
    throw ShapeError("visible_flow: a flow of " + size_text(there.width, there.height) +
                     " and one back of " + size_text(back.width, back.height));
  }
  VisibleFlow motion{std::move(there), {}};
  motion.visible.reserve(back.uv.size() / 2);
  for (int y = 0; y < back.height; ++y) {
    for (int x = 0; x < back.width; ++x) {
      motion.visible.push_back(is_visible(motion.flow, back, x, y));
    }
  }
  return motion;
}

std::optional<double> warp_error(const Picture& now, const Picture& next,
                                 const VisibleFlow& motion) {
  return masked_error<3>(now.rgb, next.rgb, motion, kRgbUnit);
}

std::optional<double> warp_error(const LabChroma& now, const LabChroma& next,
                                 const VisibleFlow& motion) {
  return masked_error<2>(now.ab, next.ab, motion, kAbUnit);
}

}  // namespace afterglow
