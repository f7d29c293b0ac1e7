// Elementwise, layout and optimizer functions in double.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/geometry.hpp"

namespace afterglow::oracle {

using Doubles = std::vector<double>;

Doubles relu(const Doubles& x);
Doubles relu_backward(const Doubles& y, const Doubles& dy);
Doubles blend(const Doubles& x, double factor, double t, const Doubles& y);

Doubles concat_channels(std::size_t rows, std::size_t c0, std::size_t c1, const Doubles& x0,
                        const Doubles& x1);
/// Channels [first, first + count) of x(rows, channels).
Doubles take_channels(std::size_t rows, std::size_t channels, std::size_t first, std::size_t count,
                      const Doubles& x);
Doubles crop(const CropGeometry& g, const Doubles& x);
Doubles crop_backward(const CropGeometry& g, const Doubles& dy);

/// The mean of the centres(bins, outputs) under the softmax of each row.
Doubles softmax_mean(const SoftmaxMeanGeometry& g, double factor, const Doubles& x,
                     const Doubles& centres);
Doubles softmax_mean_backward(const SoftmaxMeanGeometry& g, double factor, const Doubles& x,
                              const Doubles& centres, const Doubles& dy);

/// The sum of each channel over the rows.
Doubles sum_rows(const ChannelGeometry& g, const Doubles& x);
Doubles add_bias(const ChannelGeometry& g, const Doubles& b, Activation activation,
                 const Doubles& y);

/// Keras's Adam, with AdamW's decay; t counts from 1.
struct Adam {
  double learning_rate, beta1, beta2, epsilon;
  Doubles parameter, m, v;
  double weight_decay = 0;

  void step(int t, const Doubles& gradient);
};

}  // namespace afterglow::oracle
