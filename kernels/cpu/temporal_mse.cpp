// The temporal loss in one pass: columns of a few hundred values walk through the frames, so that p
// of the previous, current and next frame stay in the first-level cache and every value is read
// from memory once.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/temporal_mse.cpp"
#include "kernels/temporal_mse.hpp"

#include <hwy/cache_control.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/simd.hpp"

// One column's values in one frame, and its sums; the same for every instruction set.
#ifndef AFTERGLOW_TEMPORAL_MSE_COLUMN
#define AFTERGLOW_TEMPORAL_MSE_COLUMN
namespace afterglow {

struct TemporalMseColumn {
  const float* p;
  const float* y;
  const float* previous;  // p itself where there is none
  const float* next;      // p itself where there is none
  float* gradient;        // null: not wanted
  std::size_t size;
  float fidelity_scale;
  float temporal_scale;
  bool stream;  // the gradient is too large for the cache: write past it
};

struct TemporalMseSums {
  double fidelity = 0;
  double temporal = 0;
};

}  // namespace afterglow
#endif

HWY_BEFORE_NAMESPACE();
namespace afterglow::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

TemporalMseSums temporal_mse_column(const TemporalMseColumn& column) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto fidelity_scale = hn::Set(d, column.fidelity_scale);
  const auto temporal_scale = hn::Set(d, column.temporal_scale);
  auto fidelity = hn::Zero(d);
  auto temporal = hn::Zero(d);
  const bool stream =
      column.stream &&
      reinterpret_cast<std::uintptr_t>(column.gradient) % (lanes * sizeof(float)) == 0;
  std::size_t i = 0;
  for (; i + lanes <= column.size; i += lanes) {
    // .raw is the compiler's own vector type, whose operators the formula uses.
    const auto term =
        temporal_mse_term(hn::LoadU(d, column.p + i).raw, hn::LoadU(d, column.y + i).raw,
                          hn::LoadU(d, column.previous + i).raw, hn::LoadU(d, column.next + i).raw,
                          fidelity_scale.raw, temporal_scale.raw);
    fidelity.raw = fidelity.raw + term.fidelity;
    temporal.raw = temporal.raw + term.temporal;
    if (column.gradient == nullptr) continue;
    const hn::Vec<decltype(d)> gradient{term.gradient};
    if (stream) {
      hn::Stream(gradient, d, column.gradient + i);
    } else {
      hn::StoreU(gradient, d, column.gradient + i);
    }
  }
  TemporalMseSums sums{static_cast<double>(hn::GetLane(hn::SumOfLanes(d, fidelity))),
                       static_cast<double>(hn::GetLane(hn::SumOfLanes(d, temporal)))};
  for (; i < column.size; ++i) {
    const auto term =
        temporal_mse_term(column.p[i], column.y[i], column.previous[i], column.next[i],
                          column.fidelity_scale, column.temporal_scale);
    sums.fidelity += static_cast<double>(term.fidelity);
    sums.temporal += static_cast<double>(term.temporal);
    if (column.gradient != nullptr) column.gradient[i] = term.gradient;
  }
  return sums;
}

}  // namespace afterglow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <array>
#include <vector>

#include "kernels/cpu/cpu_backend.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {
namespace {

HWY_EXPORT(temporal_mse_column);

/// Values of a column: six of them (p thrice, y, perhaps as bytes too, gradient) fit in 32 KiB.
constexpr std::size_t kColumn = 1024;
/// Frames a column walks through before another thread may take over.
constexpr std::int64_t kFrames = 32;
/// A gradient larger than this is written past the caches.
constexpr std::size_t kStreamBytes = std::size_t{64} << 20;

}  // namespace

void CpuBackend::temporal_mse(const TemporalMseGeometry& g, float beta, Source p, Source y,
                              std::span<const std::uint8_t> clip_starts, Destination gradient,
                              TemporalMseValue* value) {
  const double values = static_cast<double>(g.n) * static_cast<double>(g.roi_size());
  const auto fidelity_scale = static_cast<float>(2.0 * static_cast<double>(beta) / values);
  const auto temporal_scale = static_cast<float>(2.0 * (1.0 - static_cast<double>(beta)) / values);
  const bool whole = g.roi_height == g.h && g.roi_width == g.w;
  if (!whole && !gradient.empty()) fill(gradient, 0.0F);

  // A frame's region is one run of values when it is the whole frame, else one run a row.
  const std::size_t frame = g.size() / static_cast<std::size_t>(g.n);
  const std::size_t run =
      whole ? frame : static_cast<std::size_t>(g.roi_width) * static_cast<std::size_t>(g.c);
  const std::int64_t runs = whole ? 1 : g.roi_height;
  const auto run_start = [&](std::int64_t index) {
    return whole ? std::size_t{0}
                 : (static_cast<std::size_t>(g.roi_top + index) * static_cast<std::size_t>(g.w) +
                    static_cast<std::size_t>(g.roi_left)) *
                       static_cast<std::size_t>(g.c);
  };
  const auto columns = static_cast<std::int64_t>((run + kColumn - 1) / kColumn);
  const std::int64_t chunks = (g.n + kFrames - 1) / kFrames;

  const auto column_kernel = HWY_DYNAMIC_DISPATCH(temporal_mse_column);
  const auto starts_clip = [&](std::int64_t i) {
    return i == 0 || i >= g.n || clip_starts[static_cast<std::size_t>(i)] != 0;
  };
  const bool bytes = y.type() == ValueType::kUint8;
  const auto* target_bytes = bytes ? static_cast<const std::uint8_t*>(y.memory()) : nullptr;
  const float* targets = bytes ? nullptr : y.data();
  std::vector<TemporalMseSums> sums(static_cast<std::size_t>(chunks * runs * columns));
  for_each_index(static_cast<std::int64_t>(sums.size()), [&](std::int64_t index) {
    const std::int64_t chunk = index / (runs * columns);
    const std::size_t in_run = static_cast<std::size_t>(index % columns) * kColumn;
    const std::size_t offset = run_start(index / columns % runs) + in_run;
    TemporalMseSums& sum = sums[static_cast<std::size_t>(index)];
    std::array<float, kColumn> widened;
    for (std::int64_t i = chunk * kFrames; i < std::min<std::int64_t>((chunk + 1) * kFrames, g.n);
         ++i) {
      const std::size_t at = static_cast<std::size_t>(i) * frame + offset;
      const std::size_t size = std::min(kColumn, run - in_run);
      const float* current = p.data() + at;
      const float* target = targets == nullptr ? widened.data() : targets + at;
      if (targets == nullptr) std::copy_n(target_bytes + at, size, widened.begin());
      const TemporalMseSums part =
          column_kernel({current, target, starts_clip(i) ? current : current - frame,
                         starts_clip(i + 1) ? current : current + frame,
                         gradient.empty() ? nullptr : gradient.data() + at, size, fidelity_scale,
                         temporal_scale, gradient.size_bytes() > kStreamBytes});
      sum.fidelity += part.fidelity;
      sum.temporal += part.temporal;
    }
    hwy::FlushStream();
  });

  TemporalMseValue result;
  for (const TemporalMseSums& sum : sums) {
    result.fidelity += sum.fidelity;
    result.temporal += sum.temporal;
  }
  result.fidelity /= values;
  result.temporal /= values;
  result.loss = static_cast<double>(beta) * result.fidelity +
                (1.0 - static_cast<double>(beta)) * result.temporal;
  *value = result;
}

}  // namespace afterglow
#endif
