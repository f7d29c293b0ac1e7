#include "kernels/cpu/convolution.hpp"
#include "kernels/cpu/cpu_backend.hpp"

namespace afterglow {

ConvolutionShape shape_of(const Conv2dGeometry& g) {
  return {g.n,  g.h,  g.w,      g.c,        g.out_h(),   g.out_w(),   g.k,
          g.kh, g.kw, g.stride, g.dilation, g.pad_top(), g.pad_left()};
}

void CpuBackend::conv2d(const Conv2dGeometry& g, Source x, Kernel w, const Epilogue& epilogue,
                        Destination y) {
  convolutions_->forward(
      shape_of(g), x, w,
      {.b = epilogue.b, .activation = epilogue.activation, .norm = Affine(epilogue.norm), .y = y});
}

void CpuBackend::conv2d_backward_data(const Conv2dGeometry& g, Source dy, Source relu, Kernel w,
                                      Destination dx) {
  const ConvolutionShape s = shape_of(g);
  const bool constant = w.prepared != nullptr;
  if (relu.empty() ||
      convolutions_->fuses(s, ConvolutionPass::kBackwardData, constant, Fusion::kNone)) {
    convolutions_->backward_data(s, {.dy = dy, .relu = relu}, w, dx);
    return;
  }
  const Scratch masked = convolutions_->scratch(g.y_size());
  relu_backward(relu, dy, masked.span());
  convolutions_->backward_data(s, {masked.span()}, w, dx);
}

void CpuBackend::conv2d_backward_weights(const Conv2dGeometry& g, Source x, Source dy,
                                         Destination dw, Destination db) {
  convolutions_->backward_weights(shape_of(g), x, {dy}, dw);
  if (!db.empty()) sum_rows({std::int64_t{g.n} * g.out_h() * g.out_w(), g.k}, dy, db);
}

void CpuBackend::conv2d_max_pool(const Conv2dGeometry& g, Source x, Kernel w, Source b,
                                 Destination y, std::span<std::uint8_t> winners) {
  const ConvolutionShape s = shape_of(g);
  if (convolutions_->fuses(s, ConvolutionPass::kForward, w.prepared != nullptr, Fusion::kMaxPool)) {
    convolutions_->forward(s, x, w,
                           {.b = b, .y = y, .fusion = Fusion::kMaxPool, .winners = winners});
    return;
  }
  const Scratch whole = convolutions_->scratch(g.y_size());
  convolutions_->forward(s, x, w, {.b = b, .activation = Activation::kRelu, .y = whole.span()});
  max_pool2d(pooled(g), whole.span(), y, winners);
}

void CpuBackend::conv2d_max_pool_backward_data(const Conv2dGeometry& g, Source dy,
                                               std::span<const std::uint8_t> winners, Kernel w,
                                               Destination dx) {
  const ConvolutionShape s = shape_of(g);
  if (convolutions_->fuses(s, ConvolutionPass::kBackwardData, w.prepared != nullptr,
                           Fusion::kMaxPool)) {
    convolutions_->backward_data(s, {.dy = dy, .fusion = Fusion::kMaxPool, .winners = winners}, w,
                                 dx);
    return;
  }
  const Scratch whole = convolutions_->scratch(g.y_size());
  max_pool2d_backward(pooled(g), dy, winners, whole.span());
  convolutions_->backward_data(s, {whole.span()}, w, dx);
}

std::vector<ConvolutionPlan> CpuBackend::convolution_plans() const {
  return convolutions_->plans();
}

}  // namespace afterglow
