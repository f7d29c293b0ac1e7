// What networks on the CUDA backend are compared with.
#pragma once

#include <memory>

#include "base/error.hpp"
#include "kernels/cuda/cuda_backend.hpp"

namespace afterglow::test {

/// The CPU backend; in a build without it, the device itself in float32 and kernel by kernel, which
/// the parity suite compares with the oracles.
inline std::shared_ptr<Backend> reference_backend() {
  try {
    return make_cpu_backend();
  } catch (const Unsupported&) {
    return std::make_shared<cuda::CudaBackend>(0, Precision::kFloat32, false);
  }
}

}  // namespace afterglow::test
