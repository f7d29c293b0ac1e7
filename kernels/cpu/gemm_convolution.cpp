#include "kernels/cpu/gemm_convolution.hpp"

#include <omp.h>

#include <algorithm>
#include <cstddef>
#include <limits>

#include "kernels/cpu/panel_product.hpp"
#include "kernels/cpu/strips.hpp"

namespace afterglow {

namespace {

using Index = std::ptrdiff_t;

std::int64_t pixels(const ConvolutionShape& s) { return std::int64_t{s.n} * s.oh * s.ow; }

// Every window of x as one row.
void gather_windows(const ConvolutionShape& s, const float* x, float* windows) {
  const Index count = pixels(s);
#pragma omp parallel for schedule(static)
  for (Index pixel = 0; pixel < count; ++pixel) {
    const Index n = pixel / (s.oh * s.ow), oy = pixel / s.ow % s.oh, ox = pixel % s.ow;
    float* to = windows + pixel * window_size(s);
    for (Index ty = 0; ty < s.kh; ++ty) {
      const Index y = oy * s.stride + ty * s.dilation - s.pad_top;
      for (Index tx = 0; tx < s.kw; ++tx, to += s.c) {
        const Index column = ox * s.stride + tx * s.dilation - s.pad_left;
        if (y < 0 || y >= s.h || column < 0 || column >= s.w) {
          std::fill_n(to, s.c, 0.0F);
        } else {
          std::copy_n(x + ((n * s.h + y) * s.w + column) * s.c, s.c, to);
        }
      }
    }
  }
}

// The output that reads input `at` through tap `tap`, or -1.
Index reader(Index at, Index tap, Index pad, Index outputs, const ConvolutionShape& s) {
  const Index reach = at + pad - tap * s.dilation;
  if (reach < 0 || reach % s.stride != 0 || reach / s.stride >= outputs) return -1;
  return reach / s.stride;
}

// The transpose of gather_windows. Each input pixel sums over the windows that hold it, tap by tap,
// so that the order is the same for any number of threads.
void scatter_windows(const ConvolutionShape& s, const float* windows, float* dx) {
  const Index count = Index{s.n} * s.h * s.w;
#pragma omp parallel for schedule(static)
  for (Index pixel = 0; pixel < count; ++pixel) {
    const Index n = pixel / (s.h * s.w), y = pixel / s.w % s.h, column = pixel % s.w;
    float* to = dx + pixel * s.c;
    std::fill_n(to, s.c, 0.0F);
    for (Index ty = 0; ty < s.kh; ++ty) {
      const Index oy = reader(y, ty, s.pad_top, s.oh, s);
      for (Index tx = 0; tx < s.kw && oy >= 0; ++tx) {
        const Index ox = reader(column, tx, s.pad_left, s.ow, s);
        if (ox < 0) continue;
        const float* from =
            windows + ((n * s.oh + oy) * s.ow + ox) * window_size(s) + (ty * s.kw + tx) * s.c;
#pragma omp simd
        for (Index c = 0; c < s.c; ++c) to[c] += from[c];
      }
    }
  }
}

// A 1 x 1 kernel's windows are the picture itself.
bool is_pointwise(const ConvolutionShape& s) {
  return s.kh == 1 && s.kw == 1 && s.stride == 1 && s.pad_top == 0 && s.pad_left == 0 &&
         s.oh == s.h && s.ow == s.w;
}

// The windows of x, gathered where they are not x itself.
const float* window_rows(const ConvolutionShape& s, Source x, Destination windows) {
  if (is_pointwise(s)) return x.data();
  gather_windows(s, x.data(), windows.data());
  return windows.data();
}

// y = activation(y + b); a NaN stays one.
void finish(const ConvolutionShape& s, Source b, Activation activation, float* y) {
  const Index count = pixels(s), channels = s.k;
  const float floor =
      activation == Activation::kRelu ? 0.0F : -std::numeric_limits<float>::infinity();
  // Here, since what data() throws may not leave a thread of OpenMP's.
  const float* const bias = b.empty() ? nullptr : b.data();
#pragma omp parallel for schedule(static)
  for (Index pixel = 0; pixel < count; ++pixel) {
    float* to = y + pixel * channels;
    for (Index k = 0; bias != nullptr && k < channels; ++k) to[k] += bias[k];
    for (Index k = 0; k < channels; ++k) to[k] = floor > to[k] ? floor : to[k];
  }
}

}  // namespace

std::int64_t window_size(const ConvolutionShape& s) { return std::int64_t{s.kh} * s.kw * s.c; }

std::size_t windows_size(const ConvolutionShape& s) {
  return is_pointwise(s) ? 0 : std::size_t(pixels(s) * window_size(s));
}

void gemm_forward(const ConvolutionShape& s, Source x, Source w, Source b, Activation activation,
                  Destination windows, Destination y) {
  const float* const rows = window_rows(s, x, windows);
  multiply({pixels(s), s.k, window_size(s)}, {rows, false}, {w.data(), false}, y.data());
  if (!b.empty() || activation != Activation::kNone) finish(s, b, activation, y.data());
}

void gemm_forward_packed(const ConvolutionShape& s, Source x, Source packed, Source b,
                         Activation activation, Destination windows, Destination y) {
  const float* const rows = window_rows(s, x, windows);
  const auto depth = std::size_t(window_size(s)), columns = std::size_t(s.k);
  const std::size_t panel = product_panel(), panels = (columns + panel - 1) / panel;
  const auto threads = std::size_t(omp_get_max_threads());
  // A thread's panels are neighbours: the product fetches each while it uses the one before.
  for_each_index(std::int64_t(threads), [&](std::int64_t i) {
    const auto thread = std::size_t(i);
    const std::size_t first = panels * thread / threads * panel;
    const std::size_t last = std::min(panels * (thread + 1) / threads * panel, columns);
    if (first >= last) return;
    multiply({.rows = std::size_t(pixels(s)),
              .depth = depth,
              .columns = last - first,
              .a = rows,
              .a_row = depth,
              .b = packed.data() + first * depth,
              .b_step = panel,
              .b_panel = panel * depth,
              .c = y.data() + first,
              .c_row = columns});
  });
  if (!b.empty() || activation != Activation::kNone) finish(s, b, activation, y.data());
}

void gemm_backward_data(const ConvolutionShape& s, Source dy, Source w, Destination windows,
                        Destination dx) {
  float* rows = is_pointwise(s) ? dx.data() : windows.data();
  multiply({pixels(s), window_size(s), s.k}, {dy.data(), false}, {w.data(), true}, rows);
  if (!is_pointwise(s)) scatter_windows(s, rows, dx.data());
}

void gemm_backward_weights(const ConvolutionShape& s, Source x, Source dy, Destination windows,
                           Destination dw) {
  const float* const rows = window_rows(s, x, windows);
  multiply({window_size(s), s.k, pixels(s)}, {rows, true}, {dy.data(), false}, dw.data());
}

}  // namespace afterglow
