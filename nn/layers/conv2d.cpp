#include "nn/layers/conv2d.hpp"

#include <utility>

#include "nn/initializers.hpp"

namespace afterglow {
namespace {

Tensor first_kernel(const std::shared_ptr<Backend>& backend, const Shape& shape, Initial initial,
                    Rng& rng) {
  switch (initial) {
    case Initial::kGlorotUniform:
      return glorot_uniform(backend, shape, rng);
    case Initial::kHeNormal:
      return he_normal(backend, shape, kLeakySlope, rng);
    case Initial::kZero:
      break;
  }
  return Tensor::zeros(backend, shape);
}

}  // namespace

KernelLayer::KernelLayer(std::string name, const std::shared_ptr<Backend>& backend,
                         const Shape& kernel, const Conv2dSpec& spec, Rng& rng)
    : Module(std::move(name)),
      spec_(spec),
      kernel_(add_parameter("kernel", first_kernel(backend, kernel, spec.initial, rng))),
      bias_(add_parameter("bias", Tensor::zeros(backend, {spec.filters}))) {}

Variable KernelLayer::forward(const Variable& x, BatchNorm& norm) const {
  return norm.training() ? norm.forward(forward(x)) : run(x, norm.inference());
}

LayerDescription KernelLayer::description() const {
  return {LayerKind::kConv2d, name(), spec_.filters, spec_.size, spec_.stride, spec_.padding};
}

Conv2d::Conv2d(std::string name, const std::shared_ptr<Backend>& backend, const Conv2dSpec& spec,
               Rng& rng)
    : KernelLayer(std::move(name), backend, {spec.size, spec.size, spec.in, spec.filters}, spec,
                  rng) {}

Variable Conv2d::run(const Variable& x, const ops::InferenceNorm& norm) const {
  return ops::conv2d(x, kernel_, bias_, options(), norm);
}

Variable Conv2d::forward_pooled(const Variable& x) const {
  return ops::conv2d_max_pool(x, kernel_, bias_, options());
}

UpsampleConv2d::UpsampleConv2d(std::string name, const std::shared_ptr<Backend>& backend,
                               const Conv2dSpec& spec, Rng& rng)
    : KernelLayer(std::move(name), backend, {spec.size, spec.size, spec.in, spec.filters}, spec,
                  rng) {}

Variable UpsampleConv2d::run(const Variable& x, const ops::InferenceNorm& norm) const {
  return ops::upsample_conv2d(x, kernel_, bias_, spec_.padding, spec_.activation, spec_.result,
                              norm);
}

UpsampleConvTranspose2d::UpsampleConvTranspose2d(std::string name,
                                                 const std::shared_ptr<Backend>& backend,
                                                 const Conv2dSpec& spec, Rng& rng)
    : KernelLayer(std::move(name), backend, {spec.size + 1, spec.size + 1, spec.filters, spec.in},
                  spec, rng) {}

Variable UpsampleConvTranspose2d::run(const Variable& x, const ops::InferenceNorm& norm) const {
  Variable y = ops::conv_transpose2d(x, kernel_, bias_,
                                     {2, 1, Padding::kValid, spec_.activation, spec_.result});
  const std::int32_t cut = crop();
  y = ops::crop(y, cut, cut, static_cast<std::int32_t>(y.shape()[1]) - 2 * cut,
                static_cast<std::int32_t>(y.shape()[2]) - 2 * cut);
  return norm.gamma ? ops::batch_norm_inference(y, norm) : y;
}

LayerDescription UpsampleConvTranspose2d::description() const {
  return {LayerKind::kConvTranspose2d,
          name(),
          spec_.filters,
          spec_.size + 1,
          /*stride=*/2,
          Padding::kValid,
          crop()};
}

}  // namespace afterglow
