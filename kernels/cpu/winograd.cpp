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

/// How a convolution's tiles and channels are cut up.
struct Plan {
  WinogradTiles tiles;
  std::size_t c, k;  // channels padded to whole vectors
  std::size_t panel, panels;
  std::size_t chunk;  // tiles that are worked on at a time
  std::size_t threads = std::size_t(omp_get_max_threads());

  explicit Plan(const WinogradTiles& cut, std::size_t fewest_tiles = 96)
      : tiles(cut),
        c(winograd_padded(std::size_t(tiles.shape.c))),
        k(winograd_padded(std::size_t(tiles.shape.k))),
        panel(product_panel()),
        panels((k + panel - 1) / panel) {
    const std::size_t fitting = shared_chunk_bytes() / tile_bytes() / fewest_tiles * fewest_tiles;
    chunk = std::min(std::max(fitting, fewest_tiles), tiles.count());
  }

  std::size_t tile_bytes() const { return tiles.points() * (c + k) * sizeof(float); }
  std::size_t inputs_size() const { return tiles.points() * chunk * c; }
  std::size_t outputs_size() const { return tiles.points() * chunk * k; }
  std::size_t panel_size() const { return std::size_t(tiles.shape.c) * panel; }
  std::size_t kernel_size() const { return tiles.points() * panels * panel_size(); }
  std::size_t kernel_gradient_size() const {
    return tiles.points() * std::size_t(tiles.shape.c) * k;
  }
};

/// A forward pass. Where the transformed kernel fits into a core's own cache, each thread takes
/// chunks of its own, which never leave that cache; otherwise all threads share each chunk.
struct ForwardPlan : Plan {
  bool own_chunks = false;

  explicit ForwardPlan(const WinogradTiles& cut) : Plan(cut) {
    constexpr double kForTiles = 0.3;  // of that cache (measured)
    const auto fitting = std::size_t(kForTiles * double(own_cache_bytes()) / double(tile_bytes()));
    own_chunks =
        fitting > 0 && winograd_kernel_is_small(tiles) && tiles.count() >= fitting * threads;
    if (own_chunks) chunk = fitting;
  }

  std::size_t chunk_size() const { return inputs_size() + outputs_size(); }
  std::size_t scratch_size() const { return chunk_size() * (own_chunks ? threads : 1); }
};

/// A pass backward to the weights. Each chunk reads and writes the whole transformed gradient, so
/// that more tiles are worth more than the cache holds.
struct GradientPlan : Plan {
  explicit GradientPlan(const WinogradTiles& cut) : Plan(cut, kFewestTiles) {}

 private:
  static constexpr std::size_t kFewestTiles = 256;
};

template <typename Body>
void for_each(std::size_t count, const Body& body) {
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < std::int64_t(count); ++i) body(std::size_t(i));
}

/// Calls body(point, next point, first row, rows) for the products of all points, of `rows` rows
/// each, in blocks of `block`. The next point is the one whose product the same thread takes next
/// if all are as fast; at least `points` where none is left.
template <typename Body>
void for_products(std::size_t points, std::size_t rows, std::size_t block, const Body& body) {
  const std::size_t blocks = (rows + block - 1) / block;
  const auto count = std::int64_t(points * blocks);
  const auto threads = std::size_t(omp_get_max_threads());
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t first = std::size_t(i) % blocks * block;
    body(std::size_t(i) / blocks, (std::size_t(i) + threads) / blocks, first,
         std::min(block, rows - first));
  }
}

/// Calls body(first tile, tiles) for each chunk.
template <typename Body>
void for_chunks(const Plan& plan, const Body& body) {
  for (std::size_t first = 0; first < plan.tiles.count(); first += plan.chunk) {
    body(first, std::min(plan.chunk, plan.tiles.count() - first));
  }
}

}  // namespace

bool is_winograd_shape(const ConvolutionShape& s, std::size_t side) {
  const bool kernel = s.kh == 2 || s.kh == 3 || (s.kh == 5 && side == 6);
  return kernel && s.kw == s.kh && s.stride == 1;
}

bool winograd_kernel_is_small(const WinogradTiles& tiles) {
  constexpr double kForKernel = 0.6;  // of that cache (measured)
  return double(winograd_kernel_size(tiles) * sizeof(float)) <=
         kForKernel * double(own_cache_bytes());
}

std::size_t winograd_kernel_size(const WinogradTiles& tiles) { return Plan(tiles).kernel_size(); }

void winograd_transform_kernel(const WinogradTiles& tiles, const float* w, float* u) {
  const Plan plan(tiles);
  for_each(std::size_t(tiles.shape.c), [&](std::size_t c) {
    winograd_kernel(tiles, c, w, u + c * plan.panel, plan.panels * plan.panel_size(), plan.panel,
                    plan.panel_size());
  });
}

std::size_t winograd_forward_scratch(const WinogradTiles& tiles) {
  return ForwardPlan(tiles).scratch_size();
}

std::size_t winograd_backward_weights_scratch(const WinogradTiles& tiles) {
  const GradientPlan plan(tiles);
  return plan.kernel_gradient_size() + plan.inputs_size() + plan.outputs_size();
}

void winograd_forward(const WinogradTiles& tiles, const ConvolutionGradient& x, Source u,
                      const ConvolutionOutput& y, Destination scratch) {
  constexpr std::size_t kBlockRows = 256;  // of a product: they read the kernel once
  require_floats({x.dy, x.relu, u, y.b, y.y, scratch});
  const ForwardPlan plan(tiles);
  const std::size_t input_stride = plan.chunk * plan.c, output_stride = plan.chunk * plan.k;
  const auto transform_input = [&](std::size_t tile, float* v) {
    winograd_input(tiles, tile, x, v, input_stride);
  };
  const auto kernel = [&](std::size_t point) {
    return u.data() + point * plan.panels * plan.panel_size();
  };
  const auto product = [&](std::size_t point, std::size_t next, std::size_t row, std::size_t rows,
                           const float* v, float* m) {
    multiply({.rows = rows,
              .depth = std::size_t(tiles.shape.c),
              .columns = plan.k,
              .a = v + point * input_stride + row * plan.c,
              .a_row = plan.c,
              .a_step = 1,
              .b = kernel(point),
              .b_step = plan.panel,
              .b_panel = plan.panel_size(),
              .b_after = next < tiles.points() ? kernel(next) : nullptr,
              .c = m + point * output_stride + row * plan.k,
              .c_row = plan.k});
  };
  const auto transform_output = [&](std::size_t tile, const float* m) {
    winograd_output(tiles, tile, m, output_stride, y);
  };

  if (plan.own_chunks) {
    const auto chunks = std::int64_t((plan.tiles.count() + plan.chunk - 1) / plan.chunk);
#pragma omp parallel for schedule(dynamic) num_threads(int(plan.threads))
    for (std::int64_t i = 0; i < chunks; ++i) {
      const std::size_t first = std::size_t(i) * plan.chunk;
      const std::size_t count = std::min(plan.chunk, plan.tiles.count() - first);
      float* const v = scratch.data() + std::size_t(omp_get_thread_num()) * plan.chunk_size();
      float* const m = v + plan.inputs_size();
      for (std::size_t t = 0; t < count; ++t) transform_input(first + t, v + t * plan.c);
      for (std::size_t point = 0; point < tiles.points(); ++point) {
        product(point, point + 1, 0, count, v, m);
      }
      for (std::size_t t = 0; t < count; ++t) transform_output(first + t, m + t * plan.k);
    }
    return;
  }
  float* const v = scratch.data();
  float* const m = v + plan.inputs_size();
  for_chunks(plan, [&](std::size_t first, std::size_t count) {
    for_each(count, [&](std::size_t t) { transform_input(first + t, v + t * plan.c); });
    for_products(tiles.points(), count, kBlockRows,
                 [&](std::size_t point, std::size_t next, std::size_t row, std::size_t rows) {
                   product(point, next, row, rows, v, m);
                 });
    for_each(count, [&](std::size_t t) { transform_output(first + t, m + t * plan.k); });
  });
}

void winograd_backward_weights(const WinogradTiles& tiles, Source x, const ConvolutionGradient& dy,
                               Destination scratch, Destination dw) {
  constexpr std::size_t kBlockRows = 96;  // of a product
  require_floats({x, dy.dy, scratch, dw});
  const GradientPlan plan(tiles);
  const auto channels = std::size_t(tiles.shape.c);
  float* const gradient = scratch.data();
  float* const inputs = gradient + plan.kernel_gradient_size();
  float* const outputs = inputs + plan.inputs_size();
  const std::size_t input_stride = plan.chunk * plan.c, output_stride = plan.chunk * plan.k;
  const std::size_t gradient_stride = channels * plan.k;
  for_chunks(plan, [&](std::size_t first, std::size_t count) {
    for_each(count, [&](std::size_t t) {
      winograd_input(tiles, first + t, {x}, inputs + t * plan.c, input_stride);
      winograd_output_gradient(tiles, first + t, dy, outputs + t * plan.k, output_stride);
    });
    for_products(tiles.points(), channels, kBlockRows,
                 [&](std::size_t point, std::size_t, std::size_t row, std::size_t rows) {
                   multiply({.rows = rows,
                             .depth = count,
                             .columns = plan.k,
                             .a = inputs + point * input_stride + row,
                             .a_row = 1,
                             .a_step = plan.c,
                             .b = outputs + point * output_stride,
                             .b_step = plan.k,
                             .b_panel = plan.panel,
                             .c = gradient + point * gradient_stride + row * plan.k,
                             .c_row = plan.k,
                             .accumulate = first > 0});
                 });
  });
  for_each(channels, [&](std::size_t c) {
    winograd_kernel_gradient(tiles, c, gradient + c * plan.k, gradient_stride, dw.data());
  });
}

}  // namespace afterglow
