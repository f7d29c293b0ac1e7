#include "support/oracle_conv.hpp"

#include <algorithm>
#include <cstddef>

namespace afterglow::oracle {

namespace {

using Index = std::ptrdiff_t;

// One direction of a window walk, by TensorFlow's documentation of its paddings; kCentred as
// PyTorch's Conv2d with a padding of half the window's reach.
struct Line {
  Index in, window, stride, dilation, out = 0, before = 0;

  Line(Index in_size, Index window_size, Index step, Index gap, Padding padding)
      : in(in_size), window(window_size), stride(step), dilation(gap) {
    const Index reach = window * dilation - dilation + 1;
    if (padding != Padding::kSame) {
      if (padding == Padding::kCentred) before = (reach - 1) / 2;
      while (out * stride + reach <= in + 2 * before) ++out;
      return;
    }
    while (out * stride < in) ++out;
    const Index needed = (out - 1) * stride + reach;
    if (needed > in) before = (needed - in) / 2;
  }

  // Input index that tap `t` of output `o` reads; out of range in the padding.
  Index source(Index o, Index t) const { return o * stride + t * dilation - before; }
};

// Calls f(x pixel, w tap, y pixel) for every product of pixels that is not with padding.
template <typename F>
void for_products(const Conv2dGeometry& g, F&& f) {
  const Line rows(g.h, g.kh, g.stride, g.dilation, g.padding);
  const Line columns(g.w, g.kw, g.stride, g.dilation, g.padding);
  for (Index n = 0; n < g.n; ++n)
    for (Index oy = 0; oy < rows.out; ++oy)
      for (Index ox = 0; ox < columns.out; ++ox)
        for (Index ty = 0; ty < g.kh; ++ty)
          for (Index tx = 0; tx < g.kw; ++tx) {
            const Index iy = rows.source(oy, ty), ix = columns.source(ox, tx);
            if (iy < 0 || iy >= g.h || ix < 0 || ix >= g.w) continue;
            f((n * g.h + iy) * g.w + ix, ty * g.kw + tx, (n * rows.out + oy) * columns.out + ox);
          }
}

Doubles upsampled(const UpsampleConv2dGeometry& g, const Doubles& x) {
  Doubles big(4 * x.size());
  for (Index n = 0; n < g.n; ++n)
    for (Index i = 0; i < 2 * g.h; ++i)
      for (Index j = 0; j < 2 * g.w; ++j)
        for (Index c = 0; c < g.c; ++c)
          big[std::size_t(((n * 2 * g.h + i) * 2 * g.w + j) * g.c + c)] =
              x[std::size_t(((n * g.h + i / 2) * g.w + j / 2) * g.c + c)];
  return big;
}

}  // namespace

Doubles conv2d(const Conv2dGeometry& g, const Doubles& x, const Doubles& w, const Doubles& b,
               Activation activation) {
  Doubles y(g.y_size(), 0.0);
  for (std::size_t i = 0; i < y.size() && !b.empty(); ++i) y[i] = b[i % b.size()];
  for_products(g, [&](Index xp, Index tap, Index yp) {
    double* to = y.data() + yp * g.k;
    for (Index c = 0; c < g.c; ++c) {
      const double value = x[std::size_t(xp * g.c + c)];
      const double* row = w.data() + (tap * g.c + c) * g.k;
      for (Index k = 0; k < g.k; ++k) to[k] += value * row[k];
    }
  });
  if (activation == Activation::kRelu)
    for (double& value : y) value = std::max(value, 0.0);
  return y;
}

Doubles conv2d_backward_data(const Conv2dGeometry& g, const Doubles& dy, const Doubles& w) {
  Doubles dx(g.x_size(), 0.0);
  for_products(g, [&](Index xp, Index tap, Index yp) {
    const double* from = dy.data() + yp * g.k;
    for (Index c = 0; c < g.c; ++c) {
      const double* row = w.data() + (tap * g.c + c) * g.k;
      double sum = 0;
      for (Index k = 0; k < g.k; ++k) sum += from[k] * row[k];
      dx[std::size_t(xp * g.c + c)] += sum;
    }
  });
  return dx;
}

Doubles conv2d_backward_weights(const Conv2dGeometry& g, const Doubles& x, const Doubles& dy) {
  Doubles dw(g.w_size(), 0.0);
  for_products(g, [&](Index xp, Index tap, Index yp) {
    const double* from = dy.data() + yp * g.k;
    for (Index c = 0; c < g.c; ++c) {
      const double value = x[std::size_t(xp * g.c + c)];
      double* row = dw.data() + (tap * g.c + c) * g.k;
      for (Index k = 0; k < g.k; ++k) row[k] += value * from[k];
    }
  });
  return dw;
}

Doubles conv2d_backward_bias(const Conv2dGeometry& g, const Doubles& dy) {
  Doubles db(std::size_t(g.k), 0.0);
  for (std::size_t i = 0; i < dy.size(); ++i) db[i % db.size()] += dy[i];
  return db;
}

Doubles upsample_conv2d(const UpsampleConv2dGeometry& g, const Doubles& x, const Doubles& w,
                        const Doubles& b, Activation activation) {
  return conv2d(g.as_written(), upsampled(g, x), w, b, activation);
}

Doubles upsample_conv2d_backward_data(const UpsampleConv2dGeometry& g, const Doubles& dy,
                                      const Doubles& w) {
  const Doubles big = conv2d_backward_data(g.as_written(), dy, w);
  Doubles dx(g.x_size(), 0.0);
  for (Index n = 0; n < g.n; ++n)
    for (Index i = 0; i < 2 * g.h; ++i)
      for (Index j = 0; j < 2 * g.w; ++j)
        for (Index c = 0; c < g.c; ++c)
          dx[std::size_t(((n * g.h + i / 2) * g.w + j / 2) * g.c + c)] +=
              big[std::size_t(((n * 2 * g.h + i) * 2 * g.w + j) * g.c + c)];
  return dx;
}

Doubles upsample_conv2d_backward_weights(const UpsampleConv2dGeometry& g, const Doubles& x,
                                         const Doubles& dy) {
  return conv2d_backward_weights(g.as_written(), upsampled(g, x), dy);
}

}  // namespace afterglow::oracle
