// oneDNN, all of it that afterglow uses: one convolution pass as a ready-made primitive, and the
// matrix product. Only onednn.cpp knows the library's API (v2), so that another version is one more
// file.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kernels/backend.hpp"

namespace afterglow {

/// A convolution with its padding spelled out: x(N, H, W, C) * w(KH, KW, C, K) -> y(N, OH, OW, K).
/// Rows and columns past the input count as zero as far as OH and OW reach.
struct ConvolutionShape {
  std::int32_t n = 0, h = 0, w = 0, c = 0;
  std::int32_t oh = 0, ow = 0, k = 0;
  std::int32_t kh = 0, kw = 0, stride = 1, dilation = 1;
  std::int32_t pad_top = 0, pad_left = 0;

  constexpr std::size_t x_size() const { return std::size_t(n) * h * w * c; }
  constexpr std::size_t w_size() const { return std::size_t(kh) * kw * c * k; }
  constexpr std::size_t y_size() const { return std::size_t(n) * oh * ow * k; }

  auto operator<=>(const ConvolutionShape&) const = default;
};

/// The three passes, and the forward whose kernel is given as (KH, KW, K, C).
enum class ConvolutionPass : std::int32_t {
  kForward,
  kForwardTransposed,
  kBackwardData,
  kBackwardWeights
};

/// What a primitive is made for.
struct ConvolutionKey {
  ConvolutionShape shape;
  ConvolutionPass pass = ConvolutionPass::kForward;
  Activation activation = Activation::kNone;
  bool bias = false;
  bool bfloat16 = false;  // the inputs of the pass are rounded to bfloat16 on the way

  auto operator<=>(const ConvolutionKey&) const = default;
};

/// How many times as fast as in float32 oneDNN convolves in bfloat16, by pass; measured.
struct Bfloat16Rates {
  double forward = 0;  // backward data at stride 1, too
  double backward_data = 0;
  double backward_weights = 0;
};

/// This machine's rates: with AMX, or AMD's AVX512_BF16 (Intel's multiplies bfloat16 at half of
/// float32's rate). None where float32 is faster.
std::optional<Bfloat16Rates> bfloat16_rates();

/// The tensors of one call; those that the pass does not use stay null.
struct ConvolutionTensors {
  const float* x = nullptr;   // forward, backward weights
  const float* w = nullptr;   // forward, backward data: the kernel as reorder_kernel leaves it
  const float* b = nullptr;   // forward
  const float* dy = nullptr;  // backward
  float* y = nullptr;         // forward
  float* dx = nullptr;        // backward data
  float* dw = nullptr;        // backward weights
};

/// One pass of one convolution: the primitive, and the reorder of its kernel between (KH, KW, C, K)
/// and the format that the primitive likes best.
class OneDnnConvolution {
 public:
  /// Throws Unsupported when oneDNN has no implementation.
  explicit OneDnnConvolution(const ConvolutionKey& key);
  ~OneDnnConvolution();

  /// Floats of the kernel in the format that forward and backward data take; 0 when that is the
  /// plain one.
  std::size_t kernel_size() const;
  /// That format in words: kernels in equal ones are alike.
  std::string kernel_format() const;
  /// Brings a plain kernel into that format.
  void reorder_kernel(const float* w, float* reordered,
                      const std::function<Buffer(std::size_t)>& allocate) const;

  void run(const ConvolutionTensors& tensors,
           const std::function<Buffer(std::size_t)>& allocate) const;

  /// oneDNN's name of the implementation, such as "brgconv:avx512_core".
  const std::string& implementation() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Sizes of the product c(m, n) = a(m, k) b(k, n).
struct ProductSizes {
  std::int64_t m = 0, n = 0, k = 0;
};

/// A row-major matrix; `transposed`: it lies in memory as its transpose.
struct Matrix {
  const float* data = nullptr;
  bool transposed = false;
};

/// c(m, n) = a(m, k) b(k, n), all row-major and without gaps.
void multiply(const ProductSizes& sizes, Matrix a, Matrix b, float* c);

}  // namespace afterglow
