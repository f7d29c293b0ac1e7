// Nearest x2 upsampling and a k x k convolution as one low-resolution convolution with 4K outputs.
//
// Which taps are summed: UpsampleConv2dGeometry. Output channel (2 py + px) K + k of the
// low-resolution convolution is channel k of pixel (2i + py, 2j + px): a depth to space, which with
// this order moves runs of 2K values.
#include <algorithm>
#include <cstddef>
#include <string>

#include "kernels/cpu/convolution.hpp"
#include "kernels/cpu/cpu_backend.hpp"

namespace afterglow {

namespace {

class SubPixel {
 public:
  explicit SubPixel(const UpsampleConv2dGeometry& g)
      : g_(g),
        c_(g.c),
        k_(g.k),
        ksize_(g.ksize),
        taps_(g.low_taps()),
        low_w_(g.low_w()),
        shape_{g.n,   g.h,   g.w, g.c, g.low_h(),   g.low_w(),  4 * g.k,
               taps_, taps_, 1,   1,   g.low_pad(), g.low_pad()} {}

  const ConvolutionShape& shape() const { return shape_; }

  // w(ksize, ksize, C, K) -> low(taps, taps, C, 4K), each tap added where it reads.
  void sum_kernel(const float* w, float* low) const {
    const std::ptrdiff_t places = std::ptrdiff_t{taps_} * taps_ * c_;
#pragma omp parallel for schedule(static)
    for (std::ptrdiff_t place = 0; place < places; ++place) {
      const int ty = int(place / c_ / taps_), tx = int(place / c_ % taps_);
      const std::ptrdiff_t c = place % c_;
      for (int phase = 0; phase < 4; ++phase) {
        float* to = low + (place * 4 + phase) * k_;
        std::fill_n(to, k_, 0.0F);
        for_taps_at(phase / 2, ty, [&](int a) {
          for_taps_at(phase % 2, tx, [&](int b) {
            const float* from = w + ((a * ksize_ + b) * c_ + c) * k_;
#pragma omp simd
            for (std::ptrdiff_t k = 0; k < k_; ++k) to[k] += from[k];
          });
        });
      }
    }
  }

  // The transpose of sum_kernel: every tap gathers the gradients of the places it was added to.
  void gather_kernel_gradient(const float* low, float* dw) const {
    const std::ptrdiff_t rows = std::ptrdiff_t{ksize_} * ksize_ * c_;
#pragma omp parallel for schedule(static)
    for (std::ptrdiff_t row = 0; row < rows; ++row) {
      const int a = int(row / c_ / ksize_), b = int(row / c_ % ksize_);
      const std::ptrdiff_t c = row % c_;
      float* to = dw + row * k_;
      const float* from[4];
      for (int phase = 0; phase < 4; ++phase) {
        const std::ptrdiff_t place = g_.low_tap(phase / 2, a) * taps_ + g_.low_tap(phase % 2, b);
        from[phase] = low + ((place * c_ + c) * 4 + phase) * k_;
      }
#pragma omp simd
      for (std::ptrdiff_t k = 0; k < k_; ++k)
        to[k] = (from[0][k] + from[1][k]) + (from[2][k] + from[3][k]);
    }
  }

  // low(N, OH/2, OW/2, 4K) -> y(N, OH, OW, K).
  void depth_to_space(const float* low, float* y) const {
    const std::ptrdiff_t run = 2 * k_;
#pragma omp parallel for schedule(static)
    for (std::ptrdiff_t row = 0; row < low_rows(); ++row) {
      for (std::ptrdiff_t py = 0; py < 2; ++py) {
        const float* from = low + row * low_w_ * 2 * run + py * run;
        float* to = y + (row * 2 + py) * low_w_ * run;
        for (std::ptrdiff_t j = 0; j < low_w_; ++j)
          std::copy_n(from + j * 2 * run, run, to + j * run);
      }
    }
  }

  // The reverse of depth_to_space.
  void space_to_depth(const float* y, float* low) const {
    const std::ptrdiff_t run = 2 * k_;
#pragma omp parallel for schedule(static)
    for (std::ptrdiff_t row = 0; row < low_rows(); ++row) {
      for (std::ptrdiff_t py = 0; py < 2; ++py) {
        const float* from = y + (row * 2 + py) * low_w_ * run;
        float* to = low + row * low_w_ * 2 * run + py * run;
        for (std::ptrdiff_t j = 0; j < low_w_; ++j)
          std::copy_n(from + j * run, run, to + j * 2 * run);
      }
    }
  }

  void repeat_bias(const float* b, float* low) const {
    for (int phase = 0; phase < 4; ++phase) std::copy_n(b, k_, low + phase * k_);
  }

 private:
  template <typename F>
  void for_taps_at(int p, int place, F&& f) const {
    for (int a = 0; a < ksize_; ++a)
      if (g_.low_tap(p, a) == place) f(a);
  }

  std::ptrdiff_t low_rows() const { return std::ptrdiff_t{g_.n} * g_.low_h(); }

  UpsampleConv2dGeometry g_;
  std::ptrdiff_t c_, k_;
  std::int32_t ksize_, taps_, low_w_;
  ConvolutionShape shape_;
};

Scratch summed_kernel(ConvolutionCache& convolutions, const SubPixel& sub_pixel, const Kernel& w) {
  const std::string name = "summed " + std::to_string(sub_pixel.shape().kh);
  return convolutions.prepare(w, name, sub_pixel.shape().w_size(),
                              [&](float* to) { sub_pixel.sum_kernel(w.values.data(), to); });
}

}  // namespace

ConvolutionShape shape_of(const UpsampleConv2dGeometry& g) { return SubPixel(g).shape(); }

void CpuBackend::upsample_conv2d(const UpsampleConv2dGeometry& g, Source x, Kernel w,
                                 const Epilogue& epilogue, Destination y) {
  const SubPixel sub_pixel(g);
  const ConvolutionShape& s = sub_pixel.shape();
  const Scratch low_w = summed_kernel(*convolutions_, sub_pixel, w);
  const Source b = epilogue.b;
  const Scratch low_b = convolutions_->scratch(b.empty() ? 0 : std::size_t(s.k));
  if (!b.empty()) sub_pixel.repeat_bias(b.data(), low_b.data());
  const Kernel kernel{low_w.span(), w.prepared};
  ConvolutionOutput output{.b = low_b.span(),
                           .activation = epilogue.activation,
                           .norm = Affine(epilogue.norm, 4),
                           .y = y};
  if (convolutions_->fuses(s, ConvolutionPass::kForward, w.prepared != nullptr,
                           Fusion::kDepthToSpace)) {
    output.fusion = Fusion::kDepthToSpace;
    convolutions_->forward(s, x, kernel, output);
    return;
  }
  const Scratch low_y = convolutions_->scratch(s.y_size());
  output.y = low_y.span();
  convolutions_->forward(s, x, kernel, output);
  sub_pixel.depth_to_space(low_y.data(), y.data());
}

void CpuBackend::upsample_conv2d_backward_data(const UpsampleConv2dGeometry& g, Source dy, Kernel w,
                                               Destination dx) {
  const SubPixel sub_pixel(g);
  const ConvolutionShape& s = sub_pixel.shape();
  const Scratch low_w = summed_kernel(*convolutions_, sub_pixel, w);
  const Kernel kernel{low_w.span(), w.prepared};
  if (convolutions_->fuses(s, ConvolutionPass::kBackwardData, w.prepared != nullptr,
                           Fusion::kDepthToSpace)) {
    convolutions_->backward_data(s, {.dy = dy, .fusion = Fusion::kDepthToSpace}, kernel, dx);
    return;
  }
  const Scratch low_dy = convolutions_->scratch(s.y_size());
  sub_pixel.space_to_depth(dy.data(), low_dy.data());
  convolutions_->backward_data(s, {low_dy.span()}, kernel, dx);
}

void CpuBackend::upsample_conv2d_backward_weights(const UpsampleConv2dGeometry& g, Source x,
                                                  Source dy, Destination dw, Destination db) {
  const SubPixel sub_pixel(g);
  const ConvolutionShape& s = sub_pixel.shape();
  const Scratch low_dw = convolutions_->scratch(s.w_size());
  if (convolutions_->fuses(s, ConvolutionPass::kBackwardWeights, false, Fusion::kDepthToSpace)) {
    convolutions_->backward_weights(s, x, {.dy = dy, .fusion = Fusion::kDepthToSpace},
                                    low_dw.span());
  } else {
    const Scratch low_dy = convolutions_->scratch(s.y_size());
    sub_pixel.space_to_depth(dy.data(), low_dy.data());
    convolutions_->backward_weights(s, x, {low_dy.span()}, low_dw.span());
  }
  sub_pixel.gather_kernel_gradient(low_dw.data(), dw.data());
  if (!db.empty()) sum_rows({std::int64_t{g.n} * g.out_h() * g.out_w(), g.k}, dy, db);
}

}  // namespace afterglow
