// Failing calls of the CUDA libraries become exceptions here, with the call's text, file and line.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include "base/error.hpp"

namespace afterglow::cuda {

/// A call of the CUDA runtime, cuBLAS or cuDNN failed.
class CudaError : public RunError {
 public:
  using RunError::RunError;
};

/// `status`, of a call that is dealt with by whoever made it. The runtime forgets it, which would
/// have the next launch blamed for it.
cudaError_t dismissed(cudaError_t status);

// Throw CudaError unless the status is success.
void check(cudaError_t status, const char* call, const char* file, int line);
void check(cublasStatus_t status, const char* call, const char* file, int line);
void check(cudnnStatus_t status, const char* call, const char* file, int line);

}  // namespace afterglow::cuda

/// Every call of a CUDA library but for those that release something, and those whose failure has
/// another way out.
#define AFTERGLOW_CUDA(call) ::afterglow::cuda::check((call), #call, __FILE__, __LINE__)
