#include "support/oracle_pool.hpp"

#include <cmath>

namespace afterglow::oracle {

namespace {

// TensorFlow's "same": as many outputs as strides begin in the input, the smaller half of the
// padding in front.
int padding_before(int in, const Pool2dGeometry& g) {
  if (g.padding == Padding::kValid) return 0;
  const int out = int(std::ceil(double(in) / g.stride));
  const int missing = (out - 1) * g.stride + g.window - in;
  return missing > 0 ? missing / 2 : 0;
}

int outputs(int in, const Pool2dGeometry& g) {
  if (g.padding == Padding::kSame) return int(std::ceil(double(in) / g.stride));
  int count = 0;
  while (count * g.stride + g.window <= in) ++count;
  return count;
}

std::size_t at(int n, int row, int column, int channel, int h, int w, int c) {
  return ((std::size_t(n) * h + row) * w + column) * c + channel;
}

// Calls start(y) and then f(y, x, place) for each tap that is not padding, for every output.
template <typename Start, typename F>
void walk(const Pool2dGeometry& g, Start&& start, F&& f) {
  const int out_h = outputs(g.h, g), out_w = outputs(g.w, g);
  const int top = padding_before(g.h, g), left = padding_before(g.w, g);
  for (int n = 0; n < g.n; ++n)
    for (int oh = 0; oh < out_h; ++oh)
      for (int ow = 0; ow < out_w; ++ow)
        for (int c = 0; c < g.c; ++c) {
          const std::size_t y = at(n, oh, ow, c, out_h, out_w, g.c);
          start(y);
          for (int i = 0; i < g.window; ++i)
            for (int j = 0; j < g.window; ++j) {
              const int row = oh * g.stride + i - top, column = ow * g.stride + j - left;
              if (row < 0 || row >= g.h || column < 0 || column >= g.w) continue;
              f(y, at(n, row, column, c, g.h, g.w, g.c), i * g.window + j);
            }
        }
}

std::size_t output_size(const Pool2dGeometry& g) {
  return std::size_t(g.n) * outputs(g.h, g) * outputs(g.w, g) * g.c;
}

// How many values each window holds.
Doubles counts(const Pool2dGeometry& g) {
  Doubles count(output_size(g));
  walk(
      g, [](std::size_t) {}, [&](std::size_t y, std::size_t, int) { ++count[y]; });
  return count;
}

// Which value of x won each window.
std::vector<std::size_t> winners(const Pool2dGeometry& g, const Doubles& x, MaxPool& result) {
  std::vector<std::size_t> winner(output_size(g));
  bool first = true;
  result = {Doubles(winner.size()), std::vector<int>(winner.size())};
  walk(
      g, [&](std::size_t) { first = true; },
      [&](std::size_t y, std::size_t from, int place) {
        if (!first && x[from] <= result.y[y]) return;
        first = false;
        result.y[y] = x[from];
        result.argmax[y] = place;
        winner[y] = from;
      });
  return winner;
}

}  // namespace

MaxPool max_pool2d(const Pool2dGeometry& g, const Doubles& x) {
  MaxPool result;
  winners(g, x, result);
  for (std::size_t i = 0; g.relu && i < result.y.size(); ++i) {
    if (result.y[i] > 0) continue;
    result.y[i] = 0;
    result.argmax[i] = g.window * g.window;
  }
  return result;
}

Doubles max_pool2d_backward(const Pool2dGeometry& g, const Doubles& x, const Doubles& dy) {
  MaxPool best;
  const auto winner = winners(g, x, best);
  Doubles dx(x.size());
  for (std::size_t y = 0; y < dy.size(); ++y) {
    if (!g.relu || best.y[y] > 0) dx[winner[y]] += dy[y];
  }
  return dx;
}

std::vector<std::uint8_t> packed(const std::vector<int>& argmax, int channels, int different) {
  const int bits = different <= 4 ? 2 : different <= 16 ? 4 : 8;
  std::vector<std::uint8_t> bytes;
  for (std::size_t first = 0; first < argmax.size(); first += std::size_t(channels)) {
    std::vector<bool> pixel;
    for (int c = 0; c < channels; ++c) {
      for (int bit = 0; bit < bits; ++bit) {
        pixel.push_back((argmax[first + std::size_t(c)] >> bit) % 2 == 1);
      }
    }
    pixel.resize((pixel.size() + 7) / 8 * 8);
    for (std::size_t byte = 0; byte < pixel.size(); byte += 8) {
      int value = 0;
      for (int bit = 7; bit >= 0; --bit) value = 2 * value + int(pixel[byte + std::size_t(bit)]);
      bytes.push_back(std::uint8_t(value));
    }
  }
  return bytes;
}

Doubles avg_pool2d(const Pool2dGeometry& g, const Doubles& x) {
  const Doubles count = counts(g);
  Doubles y(count.size());
  walk(
      g, [](std::size_t) {},
      [&](std::size_t to, std::size_t from, int) { y[to] += x[from] / count[to]; });
  return y;
}

Doubles avg_pool2d_backward(const Pool2dGeometry& g, const Doubles& dy) {
  const Doubles count = counts(g);
  Doubles dx(std::size_t(g.n) * g.h * g.w * g.c);
  walk(
      g, [](std::size_t) {},
      [&](std::size_t from, std::size_t to, int) { dx[to] += dy[from] / count[from]; });
  return dx;
}

Doubles upsample_nearest(int n, int h, int w, int c, const Doubles& x) {
  Doubles y;
  for (int frame = 0; frame < n; ++frame)
    for (int row = 0; row < 2 * h; ++row)
      for (int column = 0; column < 2 * w; ++column)
        for (int k = 0; k < c; ++k) y.push_back(x[at(frame, row / 2, column / 2, k, h, w, c)]);
  return y;
}

Doubles upsample_nearest_backward(int n, int h, int w, int c, const Doubles& dy) {
  Doubles dx(std::size_t(n) * h * w * c);
  std::size_t i = 0;
  for (int frame = 0; frame < n; ++frame)
    for (int row = 0; row < 2 * h; ++row)
      for (int column = 0; column < 2 * w; ++column)
        for (int k = 0; k < c; ++k) dx[at(frame, row / 2, column / 2, k, h, w, c)] += dy[i++];
  return dx;
}

}  // namespace afterglow::oracle
