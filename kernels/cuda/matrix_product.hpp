// 1x1 convolutions as products of matrices, by cuBLAS.
#pragma once

#include <cstddef>

#include "kernels/cuda/cudnn_graph.hpp"
#include "kernels/cuda/handles.hpp"

namespace afterglow::cuda {

/// True when each pixel of the result is a product of one pixel of the source: 1x1, stride 1, no
/// padding.
bool is_matrix_product(const CudnnConvolution& convolution);

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
