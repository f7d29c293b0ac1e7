// How threads share rows of channels: every thread keeps to its channels and walks down the rows,
// so that what belongs to a channel stays in registers, and a block reads whole stretches of
// memory.
#pragma once

#include <cstdint>

#include "kernels/cuda/vectors.cuh"
#include "kernels/geometry.hpp"

namespace afterglow::cuda {

/// blockIdx.x counts stretches of rows, blockIdx.y blocks of groups of kWidth channels.
template <int kWidth>
struct RowWalk {
  std::int64_t first_row, row_step;
  std::int32_t group;      // of kWidth channels
  std::int32_t in_block;   // of the groups of this block
  std::int32_t row_lane;   // of the rows that the block reads at once
  std::int32_t width;      // groups that a block reads of a row
  std::int32_t row_lanes;  // rows that a block reads at once
  bool active;

  __device__ explicit RowWalk(std::int32_t channels) {
    const std::int32_t groups = channels / kWidth;
    width = groups < kThreads ? groups : kThreads;
    row_lanes = kThreads / width;
    const auto thread = static_cast<std::int32_t>(threadIdx.x);
    row_lane = thread / width;
    in_block = thread % width;
    group = static_cast<std::int32_t>(blockIdx.y) * kThreads + in_block;
    active = row_lane < row_lanes && group < groups;
    first_row = std::int64_t{blockIdx.x} * row_lanes + row_lane;
    row_step = std::int64_t{gridDim.x} * row_lanes;
  }

  __device__ std::int32_t channel() const { return group * kWidth; }
};

/// The grid: `rows_each` rows for every thread where there are so many, `most` stretches at most;
/// none without channels.
template <int kWidth>
dim3 row_grid(const ChannelGeometry& g, std::int64_t rows_each, std::int64_t most) {
  if (g.channels == 0) return {0, 0};
  const std::int32_t groups = g.channels / kWidth;
  const std::int32_t lanes = kThreads / (groups < kThreads ? groups : kThreads);
  const std::int64_t stretches = (g.rows + lanes * rows_each - 1) / (lanes * rows_each);
  return {static_cast<unsigned>(stretches < most ? stretches : most),
          static_cast<unsigned>((groups + kThreads - 1) / kThreads)};
}

/// Calls f with the width (as std::integral_constant) that channels and alignment allow.
template <typename T, typename F, typename... Pointers>
void with_row_width(const ChannelGeometry& g, const F& f, const Pointers*... pointers) {
  constexpr int kWide = kWidthOf<T>;
  if (g.channels % kWide == 0 && (... && is_aligned<kWide>(pointers))) {
    f(std::integral_constant<int, kWide>());
  } else {
    f(std::integral_constant<int, 1>());
  }
}

}  // namespace afterglow::cuda
