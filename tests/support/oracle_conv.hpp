// Convolutions in double, as they are written in the books: plain loop nests that share nothing
// with the kernels, not even the padding formula.
#pragma once

#include <vector>

#include "kernels/geometry.hpp"

namespace afterglow::oracle {

using Doubles = std::vector<double>;

/// y(N, OH, OW, K). `b` may be empty.
Doubles conv2d(const Conv2dGeometry& g, const Doubles& x, const Doubles& w, const Doubles& b,
               Activation activation);
/// dx(N, H, W, C).
Doubles conv2d_backward_data(const Conv2dGeometry& g, const Doubles& dy, const Doubles& w);
/// dw(KH, KW, C, K).
Doubles conv2d_backward_weights(const Conv2dGeometry& g, const Doubles& x, const Doubles& dy);
/// db(K): the sum of dy over all pixels.
Doubles conv2d_backward_bias(const Conv2dGeometry& g, const Doubles& dy);

/// Nearest x2 upsampling, then conv2d: the upsampled tensor is really made.
Doubles upsample_conv2d(const UpsampleConv2dGeometry& g, const Doubles& x, const Doubles& w,
                        const Doubles& b, Activation activation);
Doubles upsample_conv2d_backward_data(const UpsampleConv2dGeometry& g, const Doubles& dy,
                                      const Doubles& w);
Doubles upsample_conv2d_backward_weights(const UpsampleConv2dGeometry& g, const Doubles& x,
                                         const Doubles& dy);

}  // namespace afterglow::oracle
