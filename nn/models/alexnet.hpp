// The AlexNet-based network: 9,127,971 weights, of which 9,122,467 are trained
// (with transposed convolutions 12,203,139 and 12,197,635).
#pragma once

#include <memory>
#include <vector>

#include "nn/models/decoder.hpp"

namespace afterglow {

class Alexnet final : public ColorizationModel {
 public:
  Alexnet(const std::shared_ptr<Backend>& backend, const ModelSpec& spec, Rng& rng);

  void set_norm_momentum(float momentum) override;
  std::vector<LayerDescription> describe() const override;

 protected:
  Variable run(const Variable& x) override;

 private:
  /// Convolution, ReLU, perhaps average pooling 3/2, batch norm.
  struct Block {
    std::unique_ptr<Conv2d> conv;
    bool pool;
    std::unique_ptr<BatchNorm> norm;
  };

  std::vector<Block> encoder_;
  std::unique_ptr<UpsamplingDecoder> decoder_;
};

}  // namespace afterglow
