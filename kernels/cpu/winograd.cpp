#include "kernels/cpu/winograd.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/winograd_product.hpp"
#include "kernels/cpu/winograd_transforms.hpp"

namespace afterglow {

namespace {

constexpr std::size_t kBlockRows = 96;  // rows of a product that one thread takes at a time

/// Bytes that the transformed tiles of a chunk may take, so that they are still in the last-level
/// cache when they are read again.
std::size_t chunk_bytes() {
  constexpr std::size_t kLeast = std::size_t{2} << 20, kMost = std::size_t{12} << 20;
  const long last = sysconf(_SC_LEVEL3_CACHE_SIZE);
  return std::clamp(std::size_t(std::max(last, 0L)) / 2, kLeast, kMost);
}

/// How a convolution's tiles and channels are cut up.
struct Plan {
  WinogradTiles tiles;
  std::size_t c, k;   // channels padded to whole vectors
  std::size_t chunk;  // tiles that are worked on at a time
  std::size_t panel, panels;

  explicit Plan(const ConvolutionShape& s)
      : tiles(s),
        c(winograd_padded(std::size_t(s.c))),
        k(winograd_padded(std::size_t(s.k))),
        panel(winograd_panel()),
        panels((k + panel - 1) / panel) {
    const std::size_t tile_bytes = kWinogradPoints * (c + k) * sizeof(float);
    const std::size_t fitting = chunk_bytes() / tile_bytes / kBlockRows * kBlockRows;
    chunk = std::min(std::max(fitting, kBlockRows), tiles.count());
  }

  std::size_t inputs_size() const { return kWinogradPoints * chunk * c; }
  std::size_t outputs_size() const { return kWinogradPoints * chunk * k; }
  std::size_t panel_size() const { return std::size_t(tiles.shape.c) * panel; }
  std::size_t kernel_size() const { return kWinogradPoints * panels * panel_size(); }
  std::size_t kernel_gradient_size() const {
    return kWinogradPoints * std::size_t(tiles.shape.c) * k;
  }
};

template <typename Body>
void for_each(std::size_t count, const Body& body) {
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < std::int64_t(count); ++i) body(std::size_t(i));
}

/// Calls body(point, first row, rows) for the 36 products of `rows` rows, in blocks.
template <typename Body>
void for_products(std::size_t rows, const Body& body) {
  const std::size_t blocks = (rows + kBlockRows - 1) / kBlockRows;
  const auto count = std::int64_t(kWinogradPoints * blocks);
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t first = std::size_t(i) % blocks * kBlockRows;
    body(std::size_t(i) / blocks, first, std::min(kBlockRows, rows - first));
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

bool is_winograd_shape(const ConvolutionShape& s) {
  return s.kh == 3 && s.kw == 3 && s.stride == 1 && s.dilation == 1;
}

std::size_t winograd_kernel_size(const ConvolutionShape& s) { return Plan(s).kernel_size(); }

void winograd_transform_kernel(const ConvolutionShape& s, const float* w, float* u) {
  const Plan plan(s);
  for_each(std::size_t(s.c), [&](std::size_t c) {
    winograd_kernel(s, c, w, u + c * plan.panel, plan.panels * plan.panel_size(), plan.panel,
                    plan.panel_size());
  });
}

std::size_t winograd_forward_scratch(const ConvolutionShape& s) {
  const Plan plan(s);
  return plan.inputs_size() + plan.outputs_size();
}

std::size_t winograd_backward_weights_scratch(const ConvolutionShape& s) {
  const Plan plan(s);
  return plan.kernel_gradient_size() + plan.inputs_size() + plan.outputs_size();
}

void winograd_forward(const ConvolutionShape& s, Source x, Source u, Source b,
                      Activation activation, Destination scratch, Destination y) {
  const Plan plan(s);
  float* const inputs = scratch.data();
  float* const outputs = inputs + plan.inputs_size();
  const std::size_t input_stride = plan.chunk * plan.c, output_stride = plan.chunk * plan.k;
  const std::size_t kernel_stride = plan.panels * plan.panel_size();
  const float* const bias = b.empty() ? nullptr : b.data();
  for_chunks(plan, [&](std::size_t first, std::size_t count) {
    for_each(count, [&](std::size_t t) {
      winograd_input(plan.tiles, first + t, x.data(), inputs + t * plan.c, input_stride);
    });
    for_products(count, [&](std::size_t point, std::size_t row, std::size_t rows) {
      multiply({.rows = rows,
                .depth = std::size_t(s.c),
                .columns = plan.k,
                .a = inputs + point * input_stride + row * plan.c,
                .a_row = plan.c,
                .a_step = 1,
                .b = u.data() + point * kernel_stride,
                .b_step = plan.panel,
                .b_panel = plan.panel_size(),
                .c = outputs + point * output_stride + row * plan.k,
                .c_row = plan.k});
    });
    for_each(count, [&](std::size_t t) {
      winograd_output(plan.tiles, first + t, outputs + t * plan.k, output_stride, bias, activation,
                      y.data());
    });
  });
}

void winograd_backward_weights(const ConvolutionShape& s, Source x, Source dy, Destination scratch,
                               Destination dw) {
  const Plan plan(s);
  float* const gradient = scratch.data();
  float* const inputs = gradient + plan.kernel_gradient_size();
  float* const outputs = inputs + plan.inputs_size();
  const std::size_t input_stride = plan.chunk * plan.c, output_stride = plan.chunk * plan.k;
  const std::size_t gradient_stride = std::size_t(s.c) * plan.k;
  for_chunks(plan, [&](std::size_t first, std::size_t count) {
    for_each(count, [&](std::size_t t) {
      winograd_input(plan.tiles, first + t, x.data(), inputs + t * plan.c, input_stride);
      winograd_output_gradient(plan.tiles, first + t, dy.data(), outputs + t * plan.k,
                               output_stride);
    });
    for_products(std::size_t(s.c), [&](std::size_t point, std::size_t row, std::size_t rows) {
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
  for_each(std::size_t(s.c), [&](std::size_t c) {
    winograd_kernel_gradient(s, c, gradient + c * plan.k, gradient_stride, dw.data());
  });
}

}  // namespace afterglow
