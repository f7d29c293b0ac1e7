#include "kernels/cpu/convolution.hpp"
#include "kernels/cpu/cpu_backend.hpp"

namespace afterglow {

ConvolutionShape shape_of(const Conv2dGeometry& g) {
  return {g.n,  g.h,  g.w,      g.c,        g.out_h(),   g.out_w(),   g.k,
          g.kh, g.kw, g.stride, g.dilation, g.pad_top(), g.pad_left()};
}

void CpuBackend::conv2d(const Conv2dGeometry& g, Source x, Kernel w, Source b,
                        Activation activation, Destination y) {
  convolutions_->forward(shape_of(g), x, w, b, activation, y);
}

void CpuBackend::conv2d_backward_data(const Conv2dGeometry& g, Source dy, Kernel w,
                                      Destination dx) {
  convolutions_->backward_data(shape_of(g), dy, w, dx);
}

void CpuBackend::conv2d_backward_weights(const Conv2dGeometry& g, Source x, Source dy,
                                         Destination dw, Destination db) {
  convolutions_->backward_weights(shape_of(g), x, dy, dw, db);
}

std::vector<ConvolutionPlan> CpuBackend::convolution_plans() const {
  return convolutions_->plans();
}

}  // namespace afterglow
