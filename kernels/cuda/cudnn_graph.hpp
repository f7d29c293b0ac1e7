// cuDNN's graph (backend) API, in one room: what a convolution is to cuDNN, and the plans it
// offers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/cuda/handles.hpp"
#include "kernels/geometry.hpp"
#include "kernels/values.hpp"

namespace afterglow::cuda {

enum class Pass : std::int32_t { kForward, kBackwardData, kBackwardWeights };

/// What the tensors of a convolution hold. Sums are always float32.
enum class Operands : std::int32_t {
  kFloat32,   // multiplied as they are
  kTf32,      // float32, rounded to 11 bits by the tensor cores
  kBfloat16,  // channels must be multiples of 8, or cuDNN copies behind our backs
};

/// One pass of a convolution with nothing left to choose: y(N, OH, OW, K) = x(N, H, W, C) *
/// w(K, KH, KW, C), and for kForward activation(y + b). Zero rows and columns before the input
/// explicitly, those behind it so many that the output has its size. Tensors lie channels-last.
struct CudnnConvolution {
  Pass pass = Pass::kForward;
  Operands operands = Operands::kFloat32;
  bool bias = false, relu = false;  // kForward; ReLU only behind a bias
  std::int32_t n = 0, h = 0, w = 0, c = 0;
  std::int32_t oh = 0, ow = 0, k = 0;
  std::int32_t kh = 0, kw = 0;
  std::int32_t stride = 1, dilation = 1;
  std::int32_t pad_top = 0, pad_left = 0;

  auto operator<=>(const CudnnConvolution&) const = default;

  /// "3x3 64-128, 16 of 64x64": what convolution_plans() calls it.
  std::string name() const;
  /// All of it, in one word without spaces: the key of the cache of plans.
  std::string key() const;
};

/// What values multiplied so are stored as.
constexpr ValueType type_of(Operands operands) {
  return operands == Operands::kBfloat16 ? ValueType::kBfloat16 : ValueType::kFloat32;
}

/// Channels of a tensor of the operands' type.
constexpr std::int32_t padded_channels(std::int32_t channels, Operands operands) {
  return padded_channels(channels, type_of(operands));
}

/// A pass as cuDNN computes it, without bias and activation.
CudnnConvolution cudnn_convolution(const Conv2dGeometry& g, Operands operands, Pass pass);
/// The low-resolution convolution of the sub-pixel form, with 4K outputs.
CudnnConvolution cudnn_convolution(const UpsampleConv2dGeometry& g, Operands operands, Pass pass);

/// What a plan was made for: a device at hand, or one described in JSON that is not.
Descriptor device_properties(cudnnHandle_t handle);
Descriptor device_properties(const std::string& json);

/// A way to carry out a convolution.
class CudnnPlan {
 public:
  /// Memory that execute() needs besides the operands.
  std::size_t workspace() const { return workspace_; }
  /// Where cuDNN's heuristics have it: how find_plan() finds it again.
  std::size_t place() const { return place_; }
  /// cuDNN's number of the engine.
  std::int64_t engine() const { return engine_; }
  /// "tensor cores, winograd, compiled at run time"; empty for none of these.
  const std::string& notes() const { return notes_; }

  /// Queues the convolution on the handle's stream. kForward: a = x, b = w, bias or nullptr, out =
  /// y. kBackwardData: a = dy, b = w, out = dx. kBackwardWeights: a = x, b = dy, out = dw.
  void execute(cudnnHandle_t handle, const void* a, const void* b, const void* bias, void* out,
               void* workspace) const;

 private:
  friend class PlanMaker;
  std::shared_ptr<const std::vector<Descriptor>> graph_;  // what the plan was made from
  Descriptor plan_;
  std::size_t workspace_ = 0;
  std::size_t place_ = 0;
  std::int64_t engine_ = 0;
  std::string notes_;
  bool has_bias_ = false;
};

/// Up to `most` plans in the order in which cuDNN's heuristics prefer them: deterministic ones
/// only, with a workspace of up to `workspace` bytes, and without tensor cores for kFloat32. Empty
/// when cuDNN knows none.
std::vector<CudnnPlan> find_plans(const CudnnConvolution& convolution, const Descriptor& device,
                                  std::size_t workspace, std::size_t most);

/// The one of them that had this place and this engine, without making the others; nothing when
/// that is no longer so.
std::optional<CudnnPlan> find_plan(const CudnnConvolution& convolution, const Descriptor& device,
                                   std::size_t workspace, std::size_t place, std::int64_t engine);

}  // namespace afterglow::cuda
