// Chooses, remembers and runs the plan of each convolution.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "kernels/cuda/context.hpp"
#include "kernels/cuda/cudnn_graph.hpp"
#include "kernels/cuda/matrix_product.hpp"
#include "kernels/cuda/plan_store.hpp"

namespace afterglow::cuda {

/// Device memory of a convolution, in the roles of CudnnPlan::execute. `bias` is (K) of the
/// operands' type for a fused plan; `bias_values` the same in float32 for a kernel of its own.
struct ConvolutionMemory {
  const void* a = nullptr;
  const void* b = nullptr;
  const void* bias = nullptr;
  const float* bias_values = nullptr;
  void* out = nullptr;
};

class Convolutions {
 public:
  explicit Convolutions(Context& context);

  /// Queues the convolution. At its first time, everything that can compute it is tried on this
  /// very memory (`out` is overwritten again and again) and the fastest is kept; what fails is left
  /// out. Throws Unsupported when nothing deterministic can, and the last failure when all failed.
  void run(const CudnnConvolution& convolution, const ConvolutionMemory& memory);

  /// All convolutions run so far, in that order.
  std::vector<ConvolutionPlan> plans() const;

 private:
  /// A way to compute a convolution. For cuDNN with a plan.
  struct Way {
    PlanChoice choice;
    CudnnPlan plan;
  };
  struct Chosen {
    Way way;
    std::size_t order = 0;  // among those run
  };

  /// What was remembered, if it still exists; else the fastest of all ways.
  Way choose(const CudnnConvolution& convolution, const ConvolutionMemory& memory);
  /// Nothing when it no longer exists.
  std::optional<Way> way(const CudnnConvolution& convolution, const PlanChoice& known) const;
  std::vector<Way> ways(const CudnnConvolution& convolution) const;
  std::vector<Way> ways(const CudnnConvolution& convolution, Method method) const;
  void execute(const CudnnConvolution& convolution, const ConvolutionMemory& memory,
               const Way& way);
  /// Of one call among several that follow each other, where it is short; after one to warm up.
  double microseconds(const std::function<void()>& work);
  double microseconds(const std::function<void()>& work, int calls);

  Context& context_;
  MatrixProducts products_;
  PlanStore store_;
  std::map<CudnnConvolution, Chosen> chosen_;
};

}  // namespace afterglow::cuda
