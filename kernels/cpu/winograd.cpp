#include "kernels/cpu/winograd.hpp"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "kernels/cpu/panel_product.hpp"

namespace afterglow {

namespace {

/// What the system says of a cache's size, or what is common.
std::size_t cache_bytes(int name, std::size_t common) {
  const long bytes = sysconf(name);
  return bytes > 0 ? std::size_t(bytes) : common;
}

/// Bytes that a chunk's transformed tiles may take, so that they are still in the cache of all
/// cores when they are read again.
std::size_t shared_chunk_bytes() {
  constexpr std::size_t kLeast = std::size_t{2} << 20, kMost = std::size_t{12} << 20;
  static const std::size_t bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, 2 * kMost);
  return std::clamp(bytes / 2, kLeast, kMost);
}

/// Bytes of a core's own cache.
std::size_t own_cache_bytes() {
  static const std::size_t bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, std::size_t{1} << 20);
  return bytes;
}

/// Throws Unsupported unless all are float32: here, since what is thrown in a tile may not leave a
/// thread of OpenMP's.
void require_floats(std::initializer_list<Source> operands) {
  for (const Source operand : operands) (void)operand.data();
}

constexpr std::size_t kLine = 16;  // floats of a cache line

/// From point to point of whatever is transformed, `floats` each: an odd number of cache lines, so
/// that the points of a tile do not fall on the same few sets of a cache.
std::size_t stride_of(std::size_t floats) { return floats | kLine; }

/// Rows that a product computes at a time.
constexpr std::size_t kRows = 6;

std::size_t quotient_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// How a convolution's tiles and channels are cut up.
struct Plan {
  WinogradTiles tiles;
  std::size_t c, k;  // channels padded to whole vectors
  std::size_t panel, panels;
  std::size_t chunk;  // tiles that are worked on at a time
  std::size_t threads = std::size_t(omp_get_max_threads());

  explicit Plan(const WinogradTiles& cut, std::size_t fewest_tiles = 96)
      : tiles(cut),
        c(winograd_padded(inputs())),
        k(winograd_padded(outputs())),
        panel(product_panel()),
        panels(quotient_up(k, panel)) {
    const std::size_t tile_bytes = tiles.points() * (c + k) * sizeof(float);
    const std::size_t fitting = shared_chunk_bytes() / tile_bytes / fewest_tiles * fewest_tiles;
    chunk = std::min(std::max(fitting, fewest_tiles), tiles.count());
  }

  std::size_t inputs() const { return std::size_t(tiles.shape.c); }
  std::size_t outputs() const { return std::size_t(tiles.shape.k); }
  std::size_t taps() const { return std::size_t(tiles.shape.kh * tiles.shape.kw); }
};

/// How the threads share a forward pass.
enum class Order {
  kSharedChunks,  // all take the inputs of a chunk, then its products, then its outputs
  kOwnChunks,     // each takes chunks of its own from inputs to outputs
  kLate,          // all take the inputs of a chunk; then each takes panels of the kernel
};

/// A forward pass: `width` outputs from `depth` inputs at a time.
struct ForwardPlan : Plan {
  std::size_t width, depth;
  bool fits_own_cache = false;
  Order order = Order::kSharedChunks;

  explicit ForwardPlan(const WinogradTiles& cut) : Plan(cut), width(k), depth(c) {
    const double own = double(own_cache_bytes()) / double(tiles.points() * sizeof(float));
    tiles.late ? cut_late(own) : cut_for_own_chunks(own);
  }

  std::size_t depths() const { return quotient_up(c, depth); }
  std::size_t widths() const { return quotient_up(k, width); }

  // The prepared kernel comes in panels of outputs. Each has for each point, or late for each
  // input, what the products or the transform read in order.
  std::size_t kernel_point() const { return stride_of(inputs() * panel); }
  std::size_t kernel_panel() const {
    return tiles.late ? inputs() * taps() * panel : tiles.points() * kernel_point();
  }
  std::size_t kernel_size() const { return panels * kernel_panel(); }

  // From point to point of transformed inputs, of products, and of a late panel of the kernel.
  std::size_t input_stride() const { return stride_of(chunk * depth); }
  std::size_t product_stride() const { return stride_of(chunk * width); }
  std::size_t late_stride() const { return stride_of(depth * panel); }
  std::size_t inputs_size() const { return depths() * tiles.points() * input_stride(); }
  std::size_t products_size() const { return tiles.points() * product_stride(); }
  std::size_t late_size() const { return tiles.late ? tiles.points() * late_stride() : 0; }
  std::size_t scratch_size() const {
    return (order == Order::kOwnChunks ? threads : 1) * inputs_size() +
           (order == Order::kSharedChunks ? 1 : threads) * (products_size() + late_size());
  }

 private:
  // Both cut for a core's own cache, which holds `own` floats of each point.

  /// A late panel and its products stay there; the inputs stay in the cache of all cores.
  void cut_late(double own) {
    constexpr double kForKernel = 0.3, kForAll = 0.9;  // of that cache (measured)
    constexpr std::size_t kDeepest = 64;
    order = Order::kLate;
    width = panel;
    const auto fitting = std::size_t(kForKernel * own / double(width));
    depth = std::clamp(fitting / kWinogradChannels * kWinogradChannels, kWinogradChannels,
                       std::min(kDeepest, c));
    const double products_fit = kForAll * own / double(width) - double(depth);  // tiles
    const double inputs_fit =
        double(shared_chunk_bytes()) / double(tiles.points() * c * sizeof(float));
    const auto most = std::size_t(std::max(std::min(products_fit, inputs_fit), double(kRows)));
    const std::size_t blocks = quotient_up(tiles.count(), kRows);
    chunk = std::min(quotient_up(blocks, quotient_up(blocks, most / kRows)) * kRows, tiles.count());
  }

  /// Where there are enough tiles for all threads, which pass through that cache in chunks large
  /// enough that reading the whole kernel for each from the cache of all cores takes less time than
  /// the products.
  void cut_for_own_chunks(double own) {
    constexpr double kForTiles = 0.65;                            // of that cache (measured)
    constexpr std::size_t kLargestKernel = std::size_t{5} << 20;  // bytes
    constexpr std::size_t kWidth = 64;
    const std::size_t columns = std::max(std::min(kWidth, k) / panel * panel, panel);
    const auto most = std::size_t(kForTiles * own / double(c + columns));
    const std::size_t fewest = panel > 16 ? 20 : 12;  // the wider a vector, the faster a product
    if (most < fewest || kernel_size() * sizeof(float) > kLargestKernel) return;
    const auto for_threads = [&](std::size_t count) {  // as many chunks for each, at least two
      const std::size_t rounds = std::max<std::size_t>(quotient_up(tiles.count(), most * count), 2);
      return quotient_up(tiles.count(), rounds * count);
    };
    fits_own_cache = for_threads(1) >= fewest;
    if (for_threads(threads) < fewest) return;
    order = Order::kOwnChunks;
    chunk = for_threads(threads);
    width = columns;
  }
};

/// A pass backward to the weights. Each chunk reads and writes the whole transformed gradient, so
/// that more tiles are worth more than the cache holds.
struct GradientPlan : Plan {
  explicit GradientPlan(const WinogradTiles& cut) : Plan(cut, kFewestTiles) {}

  std::size_t input_stride() const { return stride_of(chunk * c); }
  std::size_t output_stride() const { return stride_of(chunk * k); }
  std::size_t kernel_stride() const { return stride_of(inputs() * k); }

 private:
  static constexpr std::size_t kFewestTiles = 256;
};

template <typename Body>
void for_each(std::size_t count, const Body& body) {
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < std::int64_t(count); ++i) body(std::size_t(i));
}

/// Calls body(i, thread) for each i, which may take different times.
template <typename Body>
void for_each_uneven(std::size_t count, const Body& body) {
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t i = 0; i < std::int64_t(count); ++i) {
    body(std::size_t(i), std::size_t(omp_get_thread_num()));
  }
}

/// Calls body(point, next point, first row, rows) for the products of all points, of `rows` rows
/// each, in blocks of `block`. The next point is the one whose product the same thread takes next
/// if all are as fast; at least `points` where none is left.
template <typename Body>
void for_products(std::size_t points, std::size_t rows, std::size_t block, const Body& body) {
  const std::size_t blocks = quotient_up(rows, block);
  const auto threads = std::size_t(omp_get_max_threads());
  for_each_uneven(points * blocks, [&](std::size_t i, std::size_t) {
    const std::size_t first = i % blocks * block;
    body(i / blocks, (i + threads) / blocks, first, std::min(block, rows - first));
  });
}

/// Calls body(first tile, tiles) for each chunk.
template <typename Body>
void for_chunks(const Plan& plan, const Body& body) {
  for (std::size_t first = 0; first < plan.tiles.count(); first += plan.chunk) {
    body(first, std::min(plan.chunk, plan.tiles.count() - first));
  }
}

/// A forward pass. The tiles of a chunk have their transformed inputs in v,
/// by blocks of inputs, points and tiles, and their products in m, by points and tiles.
class ForwardPass {
 public:
  ForwardPass(const WinogradTiles& tiles, const ConvolutionGradient& x, const float* u,
              const ConvolutionOutput& y)
      : plan_(tiles), x_(x), u_(u), y_(y) {}

  void run(float* scratch) const {
    switch (plan_.order) {
      case Order::kSharedChunks:
        return run_shared_chunks(scratch);
      case Order::kOwnChunks:
        return run_own_chunks(scratch);
      case Order::kLate:
        return run_late(scratch);
    }
  }

 private:
  void run_shared_chunks(float* v) const {
    constexpr std::size_t kBlockRows = 256;  // of a product: they read the kernel once
    const ChannelRange channels{0, plan_.k};
    float* const m = v + plan_.inputs_size();
    for_chunks(plan_, [&](std::size_t first, std::size_t count) {
      for_each(count, [&](std::size_t t) { transform_input(first, t, v); });
      for_products(plan_.tiles.points(), count, kBlockRows,
                   [&](std::size_t point, std::size_t next, std::size_t row, std::size_t rows) {
                     const float* const after =
                         next < plan_.tiles.points() ? kernel(channels, next) : nullptr;
                     multiply_points(point, 1, after, row, rows, channels, v, m);
                   });
      for_each(count, [&](std::size_t t) { transform_output(first, t, channels, m); });
    });
  }

  void run_own_chunks(float* scratch) const {
    const std::size_t thread_size = plan_.inputs_size() + plan_.products_size();
    const std::size_t chunks = quotient_up(plan_.tiles.count(), plan_.chunk);
    for_each_uneven(chunks, [&](std::size_t i, std::size_t thread) {
      float* const v = scratch + thread * thread_size;
      float* const m = v + plan_.inputs_size();
      const std::size_t first = i * plan_.chunk;
      const std::size_t count = std::min(plan_.chunk, plan_.tiles.count() - first);
      for (std::size_t t = 0; t < count; ++t) transform_input(first, t, v);
      for (std::size_t w = 0; w < plan_.widths(); ++w) {
        const float* const after = kernel(outputs((w + 1) % plan_.widths()), 0);
        multiply_points(0, plan_.tiles.points(), after, 0, count, outputs(w), v, m);
        for (std::size_t t = 0; t < count; ++t) transform_output(first, t, outputs(w), m);
      }
    });
  }

  /// Panels go part by part from the transform of the kernel to the products, and then to their
  /// outputs. Where they are fewer than threads, several take the same one, each for some of the
  /// tiles.
  void run_late(float* v) const {
    const std::size_t shares = std::max(plan_.threads / plan_.widths(), 1UL);
    for_chunks(plan_, [&](std::size_t first, std::size_t count) {
      for_each(count, [&](std::size_t t) { transform_input(first, t, v); });
      const std::size_t rows = quotient_up(quotient_up(count, kRows), shares) * kRows;
      for_each_uneven(
          plan_.widths() * quotient_up(count, rows), [&](std::size_t i, std::size_t thread) {
            float* const m =
                v + plan_.inputs_size() + thread * (plan_.products_size() + plan_.late_size());
            const std::size_t w = i % plan_.widths(), row = i / plan_.widths() * rows;
            run_late_panel(first, row, std::min(rows, count - row), w, v, m);
          });
    });
  }

  /// The outputs of panel w for `rows` tiles of the chunk from `row` on.
  void run_late_panel(std::size_t first, std::size_t row, std::size_t rows, std::size_t w,
                      const float* v, float* m) const {
    const WinogradTiles& tiles = plan_.tiles;
    float* const late = m + plan_.products_size();
    for (std::size_t d = 0; d < plan_.depths(); ++d) {
      const bool last = d + 1 == plan_.depths();
      transform_kernel(w, d, last ? late_taps(w + plan_.threads, 0) : late_taps(w, d + 1), late);
      multiply({.rows = rows,
                .depth = depth(d),
                .columns = outputs(w).count,
                .a = input(v, d, 0, row),
                .a_row = plan_.depth,
                .b = late,
                .b_step = plan_.panel,
                .c = m,
                .c_row = outputs(w).count,
                .accumulate = d > 0,
                .count = tiles.points(),
                .a_next = plan_.input_stride(),
                .b_next = plan_.late_stride(),
                .c_next = plan_.product_stride()});
    }
    for (std::size_t t = 0; t < rows; ++t) transform_output(first + row, t, outputs(w), m);
  }

  ChannelRange outputs(std::size_t w) const {
    return {w * plan_.width, std::min(plan_.width, plan_.k - w * plan_.width)};
  }

  /// Inputs of block d.
  std::size_t depth(std::size_t d) const {
    return std::min(plan_.depth, plan_.inputs() - d * plan_.depth);
  }

  template <typename Float>
  Float* input(Float* v, std::size_t d, std::size_t point, std::size_t t) const {
    return v + (d * plan_.tiles.points() + point) * plan_.input_stride() + t * plan_.depth;
  }

  void transform_input(std::size_t first, std::size_t t, float* v) const {
    for (std::size_t d = 0; d < plan_.depths(); ++d) {
      const std::size_t c = d * plan_.depth;
      winograd_input(plan_.tiles, first + t, {c, std::min(plan_.depth, plan_.c - c)}, x_,
                     input(v, d, 0, t), plan_.input_stride());
    }
  }

  void transform_output(std::size_t first, std::size_t t, const ChannelRange& channels,
                        const float* m) const {
    winograd_output(plan_.tiles, first + t, channels, m + t * channels.count,
                    plan_.product_stride(), y_);
  }

  const float* kernel(const ChannelRange& channels, std::size_t point) const {
    return u_ + channels.first / plan_.panel * plan_.kernel_panel() + point * plan_.kernel_point();
  }

  /// Products of all inputs for some points.
  void multiply_points(std::size_t point, std::size_t points, const float* after, std::size_t row,
                       std::size_t rows, const ChannelRange& channels, const float* v,
                       float* m) const {
    multiply({.rows = rows,
              .depth = plan_.inputs(),
              .columns = channels.count,
              .a = input(v, 0, point, row),
              .a_row = plan_.depth,
              .b = kernel(channels, point),
              .b_step = plan_.panel,
              .b_panel = plan_.kernel_panel(),
              .b_after = after,
              .c = m + point * plan_.product_stride() + row * channels.count,
              .c_row = channels.count,
              .count = points,
              .a_next = plan_.input_stride(),
              .b_next = plan_.kernel_point(),
              .c_next = plan_.product_stride()});
  }

  /// Where the taps of panel w for block d of the inputs begin; null where there is no such panel.
  const float* late_taps(std::size_t w, std::size_t d) const {
    if (w >= plan_.widths()) return nullptr;
    return u_ + w * plan_.kernel_panel() + d * plan_.depth * plan_.taps() * plan_.panel;
  }

  /// Transforms block d of the inputs in panel w, and fetches the one whose taps begin at `next`,
  /// unless it is null.
  void transform_kernel(std::size_t w, std::size_t d, const float* next, float* late) const {
    const std::size_t input = plan_.taps() * plan_.panel;
    const float* const from = late_taps(w, d);
    for (std::size_t i = 0; i < depth(d); ++i) {
      for (std::size_t value = 0; next != nullptr && value < input; value += kLine) {
        __builtin_prefetch(next + i * input + value, 0, 2);
      }
      winograd_kernel(plan_.tiles, {from + i * input, plan_.panel, plan_.panel}, plan_.panel,
                      late + i * plan_.panel, plan_.late_stride());
    }
  }

  ForwardPlan plan_;
  const ConvolutionGradient& x_;
  const float* u_;
  const ConvolutionOutput& y_;
};

}  // namespace

bool is_winograd_shape(const ConvolutionShape& s, std::size_t side) {
  const bool kernel = s.kh == 2 || s.kh == 3 || (s.kh == 5 && side == 6);
  return kernel && s.kw == s.kh && s.stride == 1;
}

bool winograd_fits_own_cache(const WinogradTiles& tiles) {
  return ForwardPlan(tiles).fits_own_cache;
}

std::size_t winograd_chunks(const WinogradTiles& tiles) {
  return quotient_up(tiles.count(), ForwardPlan(tiles).chunk);
}

std::size_t winograd_kernel_size(const WinogradTiles& tiles) {
  return ForwardPlan(tiles).kernel_size();
}

void winograd_prepare_kernel(const WinogradTiles& tiles, const float* w, float* u) {
  const ForwardPlan plan(tiles);
  for_each(plan.inputs(), [&](std::size_t c) {
    for (std::size_t p = 0; p < plan.panels; ++p) {
      const std::size_t k = p * plan.panel;
      const KernelPanel from{w + c * plan.outputs() + k, plan.inputs() * plan.outputs(),
                             std::min(plan.panel, plan.outputs() - std::min(k, plan.outputs()))};
      float* const to = u + p * plan.kernel_panel();
      if (!tiles.late) {
        winograd_kernel(tiles, from, plan.panel, to + c * plan.panel, plan.kernel_point());
        continue;
      }
      for (std::size_t tap = 0; tap < plan.taps(); ++tap) {
        float* const row = to + (c * plan.taps() + tap) * plan.panel;
        std::copy_n(from.first + tap * from.tap_stride, from.columns, row);
        std::fill(row + from.columns, row + plan.panel, 0.0F);
      }
    }
  });
}

std::size_t winograd_forward_scratch(const WinogradTiles& tiles) {
  return ForwardPlan(tiles).scratch_size();
}

std::size_t winograd_backward_weights_scratch(const WinogradTiles& tiles) {
  const GradientPlan plan(tiles);
  return tiles.points() * (plan.input_stride() + plan.output_stride() + plan.kernel_stride());
}

void winograd_forward(const WinogradTiles& tiles, const ConvolutionGradient& x, Source u,
                      const ConvolutionOutput& y, Destination scratch) {
  require_floats({x.dy, x.relu, u, y.b, y.y, scratch});
  ForwardPass(tiles, x, u.data(), y).run(scratch.data());
}

void winograd_backward_weights(const WinogradTiles& tiles, Source x, const ConvolutionGradient& dy,
                               Destination scratch, Destination dw) {
  constexpr std::size_t kBlockRows = 96;  // of a product
  require_floats({x, dy.dy, scratch, dw});
  const GradientPlan plan(tiles);
  float* const gradient = scratch.data();
  float* const inputs = gradient + tiles.points() * plan.kernel_stride();
  float* const outputs = inputs + tiles.points() * plan.input_stride();
  for_chunks(plan, [&](std::size_t first, std::size_t count) {
    for_each(count, [&](std::size_t t) {
      winograd_input(tiles, first + t, {0, plan.c}, {x}, inputs + t * plan.c, plan.input_stride());
      winograd_output_gradient(tiles, first + t, dy, outputs + t * plan.k, plan.output_stride());
    });
    for_products(tiles.points(), plan.inputs(), kBlockRows,
                 [&](std::size_t point, std::size_t, std::size_t row, std::size_t rows) {
                   multiply({.rows = rows,
                             .depth = count,
                             .columns = plan.k,
                             .a = inputs + point * plan.input_stride() + row,
                             .a_row = 1,
                             .a_step = plan.c,
                             .b = outputs + point * plan.output_stride(),
                             .b_step = plan.k,
                             .b_panel = plan.panel,
                             .c = gradient + point * plan.kernel_stride() + row * plan.k,
                             .c_row = plan.k,
                             .accumulate = first > 0});
                 });
  });
  for_each(plan.inputs(), [&](std::size_t c) {
    winograd_kernel_gradient(tiles, c, gradient + c * plan.k, plan.kernel_stride(), dw.data());
  });
}

}  // namespace afterglow
