// What the program and libafterglow_cuda.so say to each other. The plug-in is opened at run time,
// so that one program runs with a GPU, without a driver, and without any CUDA library.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.hpp"

namespace afterglow {

/// Both sides must be of one build: raised whenever Backend or this file changes.
inline constexpr int kCudaPluginVersion = 2;

struct CudaDevice {
  std::string description;  // "NVIDIA H100 80GB HBM3, compute capability 9.0, 79.2 GiB"
  std::string problem;      // why it is not usable; empty when it is
};

struct CudaPlugin {
  int version = kCudaPluginVersion;
  /// The devices in CUDA's order. Throws Unsupported, with the reason, when there are none or when
  /// there is no fitting driver.
  std::vector<CudaDevice> (*devices)() = nullptr;
  /// Throws Unsupported, with the reason, when the device cannot be used.
  std::shared_ptr<Backend> (*open)(int index, Precision precision, bool graphs) = nullptr;
};

/// The plug-in's only symbol, of C linkage: `const CudaPlugin* afterglow_cuda_plugin()`.
inline constexpr const char* kCudaPluginSymbol = "afterglow_cuda_plugin";

}  // namespace afterglow
