// How an operation gets onto the software GPU: for the stand-ins and for kernel launches. No CUDA
// header is needed here, since kernels compiled as C++ bring their own dim3.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

struct CUstream_st;

namespace softgpu {

/// Memory that an operation touches. Its whole allocation is open while the operation runs.
struct Access {
  const void* at = nullptr;
  std::size_t bytes = 0;
  bool write = false;
};

/// Queues a kernel. `everything`: an argument may hide pointers, so that all memory is open for it.
/// What goes wrong waits in cudaGetLastError.
void launch(CUstream_st* stream, std::vector<Access> access, bool everything,
            std::function<void()> run);

}  // namespace softgpu
