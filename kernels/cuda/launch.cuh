// The only <<<>>> of the house. A .cu file is otherwise plain C++ and CUDA's own words, so that the
// host compiler can build it against tests/simt.
#pragma once

#if defined(__CUDACC__)
#include <cuda_runtime.h>

namespace afterglow::cuda {

/// Queues a kernel. What it could not launch is reported by the next cudaGetLastError.
template <typename... P, typename... A>
void launch(void (*kernel)(P...), dim3 grid, dim3 block, cudaStream_t stream, A... arguments) {
  kernel<<<grid, block, 0, stream>>>(arguments...);
}

}  // namespace afterglow::cuda
#elif !defined(AFTERGLOW_SIMT)
#error "kernels/cuda is compiled by nvcc, or by the host compiler against tests/simt"
#endif
