// Convolution layers: glorot-uniform kernel, zero bias, an activation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/random.hpp"
#include "nn/module.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow {

/// What a convolution layer is made from.
struct Conv2dSpec {
  std::int32_t in = 0;       // channels
  std::int32_t filters = 0;  // output channels
  std::int32_t size = 1;     // the kernel is size x size
  Padding padding = Padding::kValid;
  std::int32_t stride = 1;
  Activation activation = Activation::kRelu;
};

/// A layer with a kernel and a bias, under Keras's names.
class KernelLayer : public Module {
 public:
  virtual Variable forward(const Variable& x) const = 0;

 protected:
  KernelLayer(std::string name, const std::shared_ptr<Backend>& backend, const Shape& kernel,
              std::int32_t filters, Rng& rng);

  Variable kernel_;
  Variable bias_;
};

/// ops::conv2d, and ReLU and a max pool with it.
class Conv2d final : public KernelLayer {
 public:
  Conv2d(std::string name, const std::shared_ptr<Backend>& backend, const Conv2dSpec& spec,
         Rng& rng);
  Variable forward(const Variable& x) const override;
  /// The largest of each 2 x 2 pixels of forward(x): ops::conv2d_max_pool.
  Variable forward_pooled(const Variable& x) const;

 private:
  ops::Conv2dOptions options() const { return {spec_.stride, 1, spec_.padding, spec_.activation}; }

  Conv2dSpec spec_;
};

/// Nearest x2 upsampling and a stride-1 convolution: ops::upsample_conv2d. Weights as of the
/// Conv2d.
class UpsampleConv2d final : public KernelLayer {
 public:
  UpsampleConv2d(std::string name, const std::shared_ptr<Backend>& backend, const Conv2dSpec& spec,
                 Rng& rng);
  Variable forward(const Variable& x) const override;

 private:
  Conv2dSpec spec_;
};

/// The "deconvolution" in place of an UpsampleConv2d of size k: a stride-2 transposed convolution
/// with a trained (k+1) x (k+1) kernel (Keras's Conv2DTranspose layout), cut by k-1 (valid) or
/// (k-1)/2 (same) pixels a side, so that the output has the same size.
class UpsampleConvTranspose2d final : public KernelLayer {
 public:
  UpsampleConvTranspose2d(std::string name, const std::shared_ptr<Backend>& backend,
                          const Conv2dSpec& spec, Rng& rng);
  Variable forward(const Variable& x) const override;

 private:
  Conv2dSpec spec_;
};

}  // namespace afterglow
