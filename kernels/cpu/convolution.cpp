#include "kernels/cpu/convolution.hpp"

#include <algorithm>
#include <utility>

#include "kernels/cpu/gemm_convolution.hpp"

namespace afterglow {

namespace {

// Gathering the windows costs in proportion to the pixels, reordering the kernel for oneDNN's
// convolution in proportion to its outputs. The break-even was measured on both networks' layers at
// batch 1 and 16.
bool is_product(const ConvolutionShape& s) {
  constexpr double kPixelsPerOutput = 2.5;
  return double(s.n) * s.oh * s.ow <= kPixelsPerOutput * s.k;
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

}  // namespace

ConvolutionCache::ConvolutionCache(std::function<Buffer(std::size_t)> allocate)
    : allocate_(std::move(allocate)) {}

ConvolutionCache::~ConvolutionCache() = default;

OneDnnConvolution& ConvolutionCache::primitive(const ConvolutionKey& key) {
  std::unique_ptr<OneDnnConvolution>& place = primitives_[key];
  if (!place) place = std::make_unique<OneDnnConvolution>(key);
  return *place;
}

void ConvolutionCache::forward(const ConvolutionShape& s, Source x, Source w, Source b,
                               Activation activation, Destination y) {
  if (is_product(s)) {
    gemm_forward(s, x, w, b, activation, scratch(windows_size(s)).span(), y);
    return;
  }
  ConvolutionTensors tensors;
  tensors.x = x.data();
  tensors.w = w.data();
  if (!b.empty()) tensors.b = b.data();
  tensors.y = y.data();
  primitive({s, ConvolutionPass::kForward, activation, !b.empty()}).run(tensors, allocate_);
}

void ConvolutionCache::backward_data(const ConvolutionShape& s, Source dy, Source w,
                                     Destination dx) {
  if (is_product(s)) {
    gemm_backward_data(s, dy, w, scratch(windows_size(s)).span(), dx);
    return;
  }
  ConvolutionTensors tensors;
  if (s.stride != 1) {
    tensors.dy = dy.data();
    tensors.w = w.data();
    tensors.dx = dx.data();
    primitive({s, ConvolutionPass::kBackwardData}).run(tensors, allocate_);
    return;
  }
  Scratch reversed;
  tensors.w = w.data();
  if (s.kh * s.kw > 1) {
    reversed = scratch(w.size());
    reverse_taps(s, w.data(), reversed.data());
    tensors.w = reversed.data();
  }
  tensors.x = dy.data();
  tensors.y = dx.data();
  primitive({turned(s), ConvolutionPass::kForwardTransposed}).run(tensors, allocate_);
}

void ConvolutionCache::backward_weights(const ConvolutionShape& s, Source x, Source dy,
                                        Destination dw, Destination db) {
  if (is_product(s)) {
    gemm_backward_weights(s, x, dy, scratch(windows_size(s)).span(), dw, db);
    return;
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
