// 1x1 convolutions as products of matrices, by cuBLAS.
#pragma once

#include <cstddef>

#include "kernels/cuda/cudnn_graph.hpp"
#include "kernels/cuda/handles.hpp"

namespace afterglow::cuda {

/// True when each pixel of the result is a product of one pixel of the source: 1x1, stride 1, no
/// padding.
bool is_matrix_product(const CudnnConvolution& convolution);

/// What a convolution's result is stored as. A gradient of bfloat16's kernel is float32 where
/// cuBLAS makes it; cuDNN (9.19) has no plan that does, so that elsewhere it is rounded to bfloat16
/// once, when its float32 sums are complete.
inline bool has_float32_result(const CudnnConvolution& convolution) {
  return convolution.operands != Operands::kBfloat16 ||
         (convolution.pass == Pass::kBackwardWeights && is_matrix_product(convolution));
}

class MatrixProducts {
 public:
  /// Bytes of device memory that cuBLAS is given once and for all, so that it allocates none of
  /// its own, also inside of a graph.
  static constexpr std::size_t kWorkspace = std::size_t{32} << 20;

  explicit MatrixProducts(cudaStream_t stream);

  /// Queues the convolution, without bias and activation, in the roles of CudnnPlan::execute.
  void run(const CudnnConvolution& convolution, const void* a, const void* b, void* out,
           void* workspace) const;

 private:
  CublasHandle cublas_;
};

}  // namespace afterglow::cuda
