// The VGG16-based network: 21,783,396 weights, of which 7,065,438 are trained
// (with transposed convolutions 25,579,460 and 10,861,502); the encoder is frozen.
#pragma once

#include <memory>
#include <vector>

#include "nn/models/decoder.hpp"

namespace afterglow {

/// The convolutional part of VGG16 (Simonyan & Zisserman 2014): 13 3x3 convolutions with ReLU, 5
/// max pools.
class Vgg16Encoder final : public Module {
 public:
  Vgg16Encoder(const std::shared_ptr<Backend>& backend, std::int32_t narrow, Rng& rng);
  /// (N, 128, 128, 3) -> (N, 4, 4, 512 / narrow).
  Variable forward(Variable x) const;
  void describe(std::vector<LayerDescription>& rows) const;

 private:
  std::vector<std::vector<std::unique_ptr<Conv2d>>> blocks_;
};

class Vgg16 final : public ColorizationModel {
 public:
  Vgg16(const std::shared_ptr<Backend>& backend, const ModelSpec& spec, Rng& rng);

  void set_norm_momentum(float momentum) override;
  std::vector<LayerDescription> describe() const override;

 protected:
  Variable run(const Variable& x) override;

 private:
  std::unique_ptr<Conv2d> entry_;
  std::unique_ptr<BatchNorm> entry_norm_;
  std::unique_ptr<Vgg16Encoder> encoder_;
  std::unique_ptr<UpsamplingDecoder> decoder_;
};

}  // namespace afterglow
