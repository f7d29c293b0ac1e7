// Geometry is data: plain structs that name an operation's sizes, from which backends make the keys
// of their caches, and which hold the one output-shape formula that every backend uses. All tensors
// are (N, H, W, C), kernels (KH, KW, I, O).
#pragma once

#include <cstddef>
#include <cstdint>

namespace afterglow {

/// TensorFlow's paddings, and Caffe's and PyTorch's. kSame: output = ceil(input / stride), the odd
/// pixel of padding at the bottom/right. kCentred: as many pixels of padding on either side, half
/// of what the window reaches over; for odd windows the same output size.
enum class Padding : std::int32_t { kValid, kSame, kCentred };

/// What a convolution applies to its result before it is stored.
enum class Activation : std::int32_t { kNone, kRelu };

/// Output extent of a window walk. 0 or less means that the window does not fit.
constexpr std::int32_t window_output(std::int32_t in, std::int32_t window, std::int32_t stride,
                                     std::int32_t dilation, Padding padding) {
  const std::int32_t reach = (window - 1) * dilation + 1;
  if (padding == Padding::kSame) return (in + stride - 1) / stride;
  const std::int32_t padded = padding == Padding::kCentred ? in + (reach - 1) / 2 * 2 : in;
  return padded >= reach ? (padded - reach) / stride + 1 : 0;
}

/// Zero pixels in front of the first input pixel (top or left).
constexpr std::int32_t window_pad_before(std::int32_t in, std::int32_t window, std::int32_t stride,
                                         std::int32_t dilation, Padding padding) {
  if (padding == Padding::kValid) return 0;
  if (padding == Padding::kCentred) return (window - 1) * dilation / 2;
  const std::int32_t out = window_output(in, window, stride, dilation, padding);
  const std::int32_t total = (out - 1) * stride + (window - 1) * dilation + 1 - in;
  return total > 0 ? total / 2 : 0;
}

/// y(N, OH, OW, K) = x(N, H, W, C) * w(KH, KW, C, K).
struct Conv2dGeometry {
  std::int32_t n = 0, h = 0, w = 0, c = 0;  // input
  std::int32_t k = 0, kh = 0, kw = 0;       // kernel
  std::int32_t stride = 1, dilation = 1;
  Padding padding = Padding::kValid;

  constexpr std::int32_t out_h() const { return window_output(h, kh, stride, dilation, padding); }
  constexpr std::int32_t out_w() const { return window_output(w, kw, stride, dilation, padding); }
  constexpr std::int32_t pad_top() const {
    return window_pad_before(h, kh, stride, dilation, padding);
  }
  constexpr std::int32_t pad_left() const {
    return window_pad_before(w, kw, stride, dilation, padding);
  }
  constexpr std::size_t x_size() const { return std::size_t(n) * h * w * c; }
  constexpr std::size_t w_size() const { return std::size_t(kh) * kw * c * k; }
  constexpr std::size_t y_size() const { return std::size_t(n) * out_h() * out_w() * k; }
  /// Floating-point operations of any one of the three passes (2 per multiply-add, padding
  /// counted).
  constexpr double flop() const { return 2.0 * double(y_size()) * kh * kw * c; }

  bool operator==(const Conv2dGeometry&) const = default;
};

/// Nearest x2 upsampling followed by a k x k stride-1 convolution (k odd), computed without the
/// upsampled tensor: one low-resolution convolution with 4K outputs and summed kernels, then depth
/// to space. y(N, OH, OW, K) = up2(x(N, H, W, C)) * w(ksize, ksize, C, K).
struct UpsampleConv2dGeometry {
  std::int32_t n = 0, h = 0, w = 0, c = 0;  // input, low resolution
  std::int32_t k = 0, ksize = 0;
  Padding padding = Padding::kValid;

  constexpr std::int32_t out_h() const { return window_output(2 * h, ksize, 1, 1, padding); }
  constexpr std::int32_t out_w() const { return window_output(2 * w, ksize, 1, 1, padding); }
  constexpr std::size_t x_size() const { return std::size_t(n) * h * w * c; }
  constexpr std::size_t w_size() const { return std::size_t(ksize) * ksize * c * k; }
  constexpr std::size_t y_size() const { return std::size_t(n) * out_h() * out_w() * k; }

  // The sub-pixel form. Row 2i + p of the result (p = 0, 1) reads, with tap a, row 2i + p + a - pad
  // of the upsampled input, which is row i + source_offset(p, a) of the input itself. Taps that
  // meet on the same input row are summed into one; columns likewise.
  /// floor((p + a - pad) / 2).
  constexpr std::int32_t source_offset(std::int32_t p, std::int32_t a) const {
    const std::int32_t pad = padding == Padding::kSame ? (ksize - 1) / 2 : 0;
    return (p + a - pad + 2 * pad) / 2 - pad;
  }
  /// Taps of the low-resolution convolution along one axis, and the zero rows before its input.
  constexpr std::int32_t low_taps() const {
    return source_offset(1, ksize - 1) - source_offset(0, 0) + 1;
  }
  constexpr std::int32_t low_pad() const { return -source_offset(0, 0); }
  /// Where tap a of output row parity p falls among the low taps.
  constexpr std::int32_t low_tap(std::int32_t p, std::int32_t a) const {
    return source_offset(p, a) + low_pad();
  }
  constexpr std::int32_t low_h() const { return out_h() / 2; }
  constexpr std::int32_t low_w() const { return out_w() / 2; }

  /// The convolution as written, on the upsampled input.
  constexpr Conv2dGeometry as_written() const {
    return {n, 2 * h, 2 * w, c, k, ksize, ksize, 1, 1, padding};
  }

  bool operator==(const UpsampleConv2dGeometry&) const = default;
};

/// A pooling window walk over x(N, H, W, C), as TensorFlow pads (padding never counts in a mean).
struct Pool2dGeometry {
  std::int32_t n = 0, h = 0, w = 0, c = 0;
  std::int32_t window = 2, stride = 2;
  Padding padding = Padding::kValid;
  bool relu = false;  // of a max pool: it pools what a ReLU makes of x

  constexpr std::int32_t out_h() const { return window_output(h, window, stride, 1, padding); }
  constexpr std::int32_t out_w() const { return window_output(w, window, stride, 1, padding); }
  constexpr std::size_t x_size() const { return std::size_t(n) * h * w * c; }
  constexpr std::size_t y_size() const { return std::size_t(n) * out_h() * out_w() * c; }

  // The winners of a max pool: per value of y, its place in its window (row * window + column), or
  // no_winner(). As few bits as the places need, the first channel in a byte's lowest; every pixel
  // begins a byte. Not a single bit: four channels, the fewest that a thread takes, fill bytes.
  /// With `relu`: of a window that has no gradient, nothing being above 0 in it, or a NaN.
  constexpr std::int32_t no_winner() const { return window * window; }
  /// 2, 4 or 8.
  constexpr std::int32_t winner_bits() const {
    const std::int32_t states = window * window + (relu ? 1 : 0);
    return states <= 4 ? 2 : states <= 16 ? 4 : 8;
  }
  constexpr std::int32_t winner_bytes_a_pixel() const { return (c * winner_bits() + 7) / 8; }
  constexpr std::size_t winners_size() const {
    return std::size_t(n) * out_h() * out_w() * winner_bytes_a_pixel();
  }

  bool operator==(const Pool2dGeometry&) const = default;
};

/// The 2 x 2 windows of conv2d_max_pool over the result of a convolution.
constexpr Pool2dGeometry pooled(const Conv2dGeometry& g) {
  return {g.n, g.out_h(), g.out_w(), g.k, 2, 2, Padding::kValid, true};
}

/// Anything per channel: rows = N*H*W pixels of `channels` contiguous values.
struct ChannelGeometry {
  std::int64_t rows = 0;
  std::int32_t channels = 0;

  constexpr std::size_t size() const { return std::size_t(rows) * std::size_t(channels); }

  bool operator==(const ChannelGeometry&) const = default;
};

/// Rows of `bins` scores, whose softmax weights the centres(bins, outputs); 1 to 4 outputs.
struct SoftmaxMeanGeometry {
  static constexpr std::int32_t kMostOutputs = 4;

  std::int64_t rows = 0;
  std::int32_t bins = 0, outputs = 0;

  constexpr std::size_t x_size() const { return std::size_t(rows) * std::size_t(bins); }
  constexpr std::size_t y_size() const { return std::size_t(rows) * std::size_t(outputs); }

  bool operator==(const SoftmaxMeanGeometry&) const = default;
};

/// A rectangle cut out of x(N, H, W, C).
struct CropGeometry {
  std::int32_t n = 0, h = 0, w = 0, c = 0;
  std::int32_t top = 0, left = 0, height = 0, width = 0;

  constexpr std::size_t x_size() const { return std::size_t(n) * h * w * c; }
  constexpr std::size_t y_size() const { return std::size_t(n) * height * width * c; }

  bool operator==(const CropGeometry&) const = default;
};

/// Whole frames (N, H, W, C).
struct FrameGeometry {
  std::int32_t n = 0, h = 0, w = 0, c = 0;

  constexpr std::size_t size() const { return std::size_t(n) * h * w * c; }

  bool operator==(const FrameGeometry&) const = default;
};

/// Frames of the temporal loss, p and y (N, H, W, C), and the region of interest that counts (all
/// of it by default).
struct TemporalMseGeometry {
  std::int32_t n = 0, h = 0, w = 0, c = 0;
  std::int32_t roi_top = 0, roi_left = 0, roi_height = 0, roi_width = 0;

  constexpr std::size_t size() const { return std::size_t(n) * h * w * c; }
  /// Values of one frame that count in the means.
  constexpr std::size_t roi_size() const { return std::size_t(roi_height) * roi_width * c; }

  bool operator==(const TemporalMseGeometry&) const = default;
};

}  // namespace afterglow
