// The pretrained image colorizer of Zhang, Isola & Efros 2016, "Colorful Image Colorization" (the
// authors' release v2): from lightness to a distribution over 313 colours.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/layers/batch_norm.hpp"
#include "nn/layers/conv2d.hpp"
#include "nn/module.hpp"

namespace afterglow {

/// The centres (a, b) of the network's colour bins: the 313 points of a grid of 10 in CIE ab that
/// lie in the sRGB gamut, in the order of the authors' pts_in_hull.npy.
const std::array<std::array<float, 2>, 313>& eccv16_bins();

/// Always in inference mode; its weights come from a file (weights/eccv16_file.hpp). They are named
/// conv1_1/kernel ... conv8_313/bias, and of the norms behind the blocks norm1/gamma ...
/// norm7/moving_variance.
class Eccv16 final : public Module {
 public:
  static constexpr std::int32_t kBins = 313;
  /// Pixels of the picture along one side of a pixel of the result, and of what its size must be a
  /// multiple of.
  static constexpr std::int32_t kReduction = 4, kMultiple = 8;
  /// What release v2 multiplies the scores by before their softmax: 1 / T of the annealed mean, T
  /// = 0.38.
  static constexpr float kFactor = 2.606F;

  explicit Eccv16(const std::shared_ptr<Backend>& backend);

  /// The names and shapes of weights(), in their order, of no network in particular.
  static std::vector<std::pair<std::string, Shape>> weight_shapes();

  /// Scores of the bins (N, H / 4, W / 4, 313), float32, from lightness (N, H, W, 1): CIE L - 50.
  /// Throws ShapeError unless H and W are multiples of 8.
  Variable scores(const Variable& lightness);
  /// CIE ab (N, H / 4, W / 4, 2), float32: the mean of the bins' centres under softmax(factor *
  /// scores).
  Variable forward(const Variable& lightness);

  /// Other centres than the built-in ones, (313, 2), and another factor than kFactor.
  void set_centres(const Tensor& centres) { centres_ = centres; }
  void set_factor(float factor) { factor_ = factor; }
  float factor() const { return factor_; }

 private:
  struct Block {
    std::vector<std::unique_ptr<KernelLayer>> convs;
    std::unique_ptr<BatchNorm> norm;  // none behind the last
  };

  std::vector<Block> blocks_;
  Tensor centres_;
  float factor_ = kFactor;
};

}  // namespace afterglow
