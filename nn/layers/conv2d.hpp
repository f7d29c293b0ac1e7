// Convolution layers: a random kernel, zero bias, an activation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/random.hpp"
#include "nn/layer_description.hpp"
#include "nn/layers/batch_norm.hpp"
#include "nn/module.hpp"
#include "nn/ops/ops.hpp"

namespace afterglow {

/// How a layer's kernel begins.
enum class Initial { kGlorotUniform, kHeNormal, kZero };

/// The slope of the leaky ReLU that kHeNormal reckons with.
inline constexpr float kLeakySlope = 0.1F;

/// What a convolution layer is made from.
struct Conv2dSpec {
  std::int32_t in = 0;       // channels
  std::int32_t filters = 0;  // output channels
  std::int32_t size = 1;     // the kernel is size x size
  Padding padding = Padding::kValid;
  std::int32_t stride = 1;
  Activation activation = Activation::kRelu;
  ops::Result result = ops::Result::kActivation;
  std::int32_t dilation = 1;
  Initial initial = Initial::kGlorotUniform;
};

/// A layer with a kernel and a bias, under Keras's names.
class KernelLayer : public Module {
 public:
  Variable forward(const Variable& x) const { return run(x, {}); }
  /// norm.forward(forward(x)), in one at inference.
  Variable forward(const Variable& x, BatchNorm& norm) const;
  /// The convolution alone, without an upsample before it and the activation after it.
  virtual LayerDescription description() const;

 protected:
  virtual Variable run(const Variable& x, const ops::InferenceNorm& norm) const = 0;

  KernelLayer(std::string name, const std::shared_ptr<Backend>& backend, const Shape& kernel,
              const Conv2dSpec& spec, Rng& rng);

  Conv2dSpec spec_;

  Variable kernel_;
  Variable bias_;
};

/// ops::conv2d, and ReLU and a max pool with it.
class Conv2d final : public KernelLayer {
 public:
  Conv2d(std::string name, const std::shared_ptr<Backend>& backend, const Conv2dSpec& spec,
         Rng& rng);
  /// The largest of each 2 x 2 pixels of forward(x): ops::conv2d_max_pool.
  Variable forward_pooled(const Variable& x) const;

 private:
  Variable run(const Variable& x, const ops::InferenceNorm& norm) const override;
  ops::Conv2dOptions options() const {
    return {spec_.stride, spec_.dilation, spec_.padding, spec_.activation, spec_.result};
  }
};

/// Nearest x2 upsampling and a stride-1 convolution: ops::upsample_conv2d. Weights as of the
/// Conv2d.
class UpsampleConv2d final : public KernelLayer {
 public:
  UpsampleConv2d(std::string name, const std::shared_ptr<Backend>& backend, const Conv2dSpec& spec,
                 Rng& rng);

 private:
  Variable run(const Variable& x, const ops::InferenceNorm& norm) const override;
};

/// The "deconvolution" in place of an UpsampleConv2d of size k: a stride-2 transposed convolution
/// with a trained (k+1) x (k+1) kernel (Keras's Conv2DTranspose layout), cut by k-1 (valid) or
/// (k-1)/2 (same) pixels a side, so that the output has the same size.
class UpsampleConvTranspose2d final : public KernelLayer {
 public:
  UpsampleConvTranspose2d(std::string name, const std::shared_ptr<Backend>& backend,
                          const Conv2dSpec& spec, Rng& rng);
  LayerDescription description() const override;

 private:
  Variable run(const Variable& x, const ops::InferenceNorm& norm) const override;
  std::int32_t crop() const {
    return spec_.padding == Padding::kValid ? spec_.size - 1 : (spec_.size - 1) / 2;
  }
};

}  // namespace afterglow
