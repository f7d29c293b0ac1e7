#include "kernels/cpu/convolution.hpp"

#include <algorithm>
#include <utility>

#include "kernels/cpu/gemm_convolution.hpp"
#include "kernels/cpu/strips.hpp"
#include "kernels/cpu/winograd.hpp"

namespace afterglow {

namespace {

// Gathering the windows costs in proportion to the pixels, reordering the kernel for oneDNN's
// convolution in proportion to its outputs. The break-even was measured on both networks' layers at
// batch 1 and 16.
bool is_product(const ConvolutionShape& s) {
  constexpr double kPixelsPerOutput = 2.5;
  return double(s.n) * s.oh * s.ow <= kPixelsPerOutput * s.k;
}

// Winograd's transforms of the pictures are worth it when each value is used for many channels,
// that of the kernel when it is used for many tiles (measured likewise).
bool is_winograd(const ConvolutionShape& s, ConvolutionPass pass) {
  constexpr std::int32_t kFewestChannels = 32;
  const std::int64_t fewest_tiles = pass == ConvolutionPass::kBackwardWeights ? 16 : 32;
  if (!is_winograd_shape(s) || std::min(s.c, s.k) < kFewestChannels) return false;
  return std::int64_t{s.n} * ((s.oh + 3) / 4) * ((s.ow + 3) / 4) >= fewest_tiles;
}

// The convolution that carries dy back to dx at stride 1.
ConvolutionShape turned(const ConvolutionShape& s) {
  return {s.n,
          s.oh,
          s.ow,
          s.k,
          s.h,
          s.w,
          s.c,
          s.kh,
          s.kw,
          1,
          s.dilation,
          (s.kh - 1) * s.dilation - s.pad_top,
          (s.kw - 1) * s.dilation - s.pad_left};
}

// The taps in reverse order; each tap's (C, K) matrix stays as it is.
void reverse_taps(const ConvolutionShape& s, const float* w, float* reversed) {
  const std::ptrdiff_t taps = s.kh * s.kw, rows = taps * s.c;
#pragma omp parallel for schedule(static)
  for (std::ptrdiff_t row = 0; row < rows; ++row) {
    const std::ptrdiff_t tap = row / s.c, c = row % s.c;
    std::copy_n(w + row * s.k, s.k, reversed + ((taps - 1 - tap) * s.c + c) * s.k);
  }
}

// kernel (3, 3, C, K) -> turned (3, 3, K, C): by 180 degrees, and its channels exchanged.
void turn_kernel(const ConvolutionShape& s, const float* w, float* turned) {
  constexpr std::ptrdiff_t kBlock = 16;  // outputs: a cache line of w, as many rows written
  const std::ptrdiff_t taps = s.kh * s.kw, blocks = (s.k + kBlock - 1) / kBlock;
#pragma omp parallel for schedule(static)
  for (std::ptrdiff_t i = 0; i < taps * blocks; ++i) {
    const std::ptrdiff_t tap = i / blocks, first = i % blocks * kBlock;
    const std::ptrdiff_t count = std::min(kBlock, s.k - first);
    const float* const from = w + (taps - 1 - tap) * s.c * s.k + first;
    float* const to = turned + (tap * s.k + first) * s.c;
    for (std::ptrdiff_t c = 0; c < s.c; ++c) {
      for (std::ptrdiff_t k = 0; k < count; ++k) to[k * s.c + c] = from[c * s.k + k];
    }
  }
}

}  // namespace

ConvolutionAlgorithm choose_algorithm(const ConvolutionShape& s, ConvolutionPass pass) {
  // Backward data at stride 1 is a forward convolution.
  const bool forward = pass != ConvolutionPass::kBackwardWeights;
  const ConvolutionShape run =
      pass == ConvolutionPass::kBackwardData && s.stride == 1 ? turned(s) : s;
  if (is_winograd(run, forward ? ConvolutionPass::kForward : pass)) {
    return ConvolutionAlgorithm::kWinograd;
  }
  return is_product(s) ? ConvolutionAlgorithm::kProduct : ConvolutionAlgorithm::kDirect;
}

ConvolutionCache::ConvolutionCache(std::function<Buffer(std::size_t)> allocate)
    : allocate_(std::move(allocate)) {}

ConvolutionCache::~ConvolutionCache() = default;

OneDnnConvolution& ConvolutionCache::primitive(const ConvolutionKey& key) {
  std::unique_ptr<OneDnnConvolution>& place = primitives_[key];
  if (!place) place = std::make_unique<OneDnnConvolution>(key);
  return *place;
}

void ConvolutionCache::run_direct(const ConvolutionKey& key, Source src, const Kernel& w, Source b,
                                  Destination dst) {
  const OneDnnConvolution& convolution = primitive(key);
  ConvolutionTensors tensors;
  tensors.w = w.values.data();
  Scratch reordered;
  if (convolution.kernel_size() > 0) {
    const ConvolutionShape& s = key.shape;  // the format may differ from one to the next
    const std::string name = "direct " + std::to_string(int(key.pass)) + ' ' + std::to_string(s.n) +
                             'x' + std::to_string(s.h) + 'x' + std::to_string(s.w);
    reordered = prepare(w, name, convolution.kernel_size(), [&](float* to) {
      convolution.reorder_kernel(w.values.data(), to, allocate_);
    });
    tensors.w = reordered.data();
  }
  (key.pass == ConvolutionPass::kBackwardData ? tensors.dy : tensors.x) = src.data();
  (key.pass == ConvolutionPass::kBackwardData ? tensors.dx : tensors.y) = dst.data();
  if (!b.empty()) tensors.b = b.data();
  convolution.run(tensors, allocate_);
}

void ConvolutionCache::forward(const ConvolutionShape& s, Source x, Kernel w, Source b,
                               Activation activation, Destination y) {
  switch (choose_algorithm(s, ConvolutionPass::kForward)) {
    case ConvolutionAlgorithm::kWinograd: {
      const Scratch u = prepare(w, "winograd", winograd_kernel_size(s), [&](float* to) {
        winograd_transform_kernel(s, w.values.data(), to);
      });
      winograd_forward(s, x, u.span(), b, activation, scratch(winograd_forward_scratch(s)).span(),
                       y);
      return;
    }
    case ConvolutionAlgorithm::kProduct:
      gemm_forward(s, x, w.values, b, activation, scratch(windows_size(s)).span(), y);
      return;
    case ConvolutionAlgorithm::kDirect:
      run_direct({s, ConvolutionPass::kForward, activation, !b.empty()}, x, w, b, y);
      return;
  }
}

void ConvolutionCache::backward_data(const ConvolutionShape& s, Source dy, Kernel w,
                                     Destination dx) {
  switch (choose_algorithm(s, ConvolutionPass::kBackwardData)) {
    case ConvolutionAlgorithm::kWinograd: {
      const ConvolutionShape run = turned(s);
      const Scratch u = prepare(w, "winograd turned", winograd_kernel_size(run), [&](float* to) {
        const Scratch kernel = scratch(w.values.size());
        turn_kernel(s, w.values.data(), kernel.data());
        winograd_transform_kernel(run, kernel.data(), to);
      });
      winograd_forward(run, dy, u.span(), {}, Activation::kNone,
                       scratch(winograd_forward_scratch(run)).span(), dx);
      return;
    }
    case ConvolutionAlgorithm::kProduct:
      gemm_backward_data(s, dy, w.values, scratch(windows_size(s)).span(), dx);
      return;
    case ConvolutionAlgorithm::kDirect:
      break;
  }
  if (s.stride != 1) {
    run_direct({s, ConvolutionPass::kBackwardData}, dy, w, {}, dx);
    return;
  }
  const ConvolutionKey key{turned(s), ConvolutionPass::kForwardTransposed};
  if (s.kh * s.kw == 1) {
    run_direct(key, dy, w, {}, dx);
    return;
  }
  const Scratch reversed = prepare(w, "reversed", w.values.size(),
                                   [&](float* to) { reverse_taps(s, w.values.data(), to); });
  run_direct(key, dy, {reversed.span(), w.prepared}, {}, dx);
}

void ConvolutionCache::backward_weights(const ConvolutionShape& s, Source x, Source dy,
                                        Destination dw, Destination db) {
  switch (choose_algorithm(s, ConvolutionPass::kBackwardWeights)) {
    case ConvolutionAlgorithm::kWinograd:
      winograd_backward_weights(s, x, dy, scratch(winograd_backward_weights_scratch(s)).span(), dw);
      if (!db.empty()) sum_channel_rows({std::int64_t{s.n} * s.oh * s.ow, s.k}, dy, db);
      return;
    case ConvolutionAlgorithm::kProduct:
      gemm_backward_weights(s, x, dy, scratch(windows_size(s)).span(), dw, db);
      return;
    case ConvolutionAlgorithm::kDirect:
      break;
  }
  ConvolutionTensors tensors;
  tensors.x = x.data();
  tensors.dy = dy.data();
  tensors.dw = dw.data();
  if (!db.empty()) tensors.db = db.data();
  primitive({s, ConvolutionPass::kBackwardWeights, Activation::kNone, !db.empty()})
      .run(tensors, allocate_);
}

Scratch ConvolutionCache::scratch(std::size_t count) const {
  return Scratch(allocate_(count * sizeof(float)), count);
}

}  // namespace afterglow
