// What both networks end in: convolution, ReLU, nearest x2, batch norm, again and again, and a last
// convolution to RGB.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nn/layers/batch_norm.hpp"
#include "nn/layers/conv2d.hpp"
#include "nn/models/colorization_model.hpp"

namespace afterglow {

/// Keras's automatic names: "conv2d", "conv2d_1", ...
class LayerNames {
 public:
  std::string next_conv() { return numbered("conv2d", convs_++); }
  std::string next_transpose() { return numbered("conv2d_transpose", transposes_++); }
  std::string next_norm() { return numbered("batch_normalization", norms_++); }

 private:
  static std::string numbered(const std::string& stem, int count) {
    return count == 0 ? stem : stem + "_" + std::to_string(count);
  }

  int convs_ = 0;
  int transposes_ = 0;
  int norms_ = 0;
};

/// One row of the networks' tables.
struct DecoderRow {
  std::int32_t filters;
  std::int32_t size;
  Padding padding;
};

/// The upsampling decoder. Each upsample stands behind its batch norm and inside the next
/// convolution (docs/numerics.md).
class UpsamplingDecoder final {
 public:
  UpsamplingDecoder(const std::shared_ptr<Backend>& backend, const ModelSpec& model,
                    std::int32_t channels, const std::vector<DecoderRow>& rows, LayerNames& names,
                    Rng& rng);

  Variable forward(Variable x) const;
  /// The layers in order, for the network to register.
  std::vector<Module*> layers() const;
  const std::vector<std::unique_ptr<BatchNorm>>& norms() const { return norms_; }
  /// Adds the rows of its definition.
  void describe(std::vector<LayerDescription>& rows) const;

 private:
  bool upsamples_;  // else transposed convolutions do
  std::vector<std::unique_ptr<KernelLayer>> convs_;
  std::vector<std::unique_ptr<BatchNorm>> norms_;  // one fewer: none behind the last
};

}  // namespace afterglow
