#include "kernels/cpu/convolution.hpp"

#include <algorithm>
#include <utility>

namespace afterglow {

namespace {

// Below this many pixels the kernel weighs more than the picture: oneDNN's backward data, which
// reads it as it is, beats turning it first (measured on both networks' layers).
constexpr std::int64_t kFewPixels = 1024;

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

bool runs_turned(const ConvolutionShape& s) {
  return s.stride == 1 && std::int64_t{s.n} * s.h * s.w > kFewPixels;
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
  ConvolutionTensors tensors;
  tensors.x = x.data();
  tensors.w = w.data();
  if (!b.empty()) tensors.b = b.data();
  tensors.y = y.data();
  primitive({s, ConvolutionPass::kForward, activation, !b.empty()}).run(tensors, allocate_);
}

void ConvolutionCache::backward_data(const ConvolutionShape& s, Source dy, Source w,
                                     Destination dx) {
  ConvolutionTensors tensors;
  if (!runs_turned(s)) {
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

std::vector<std::string> ConvolutionCache::implementations() const {
  std::vector<std::string> names;
  for (const auto& [key, primitive] : primitives_) names.push_back(primitive->implementation());
  return names;
}

}  // namespace afterglow
