// The plug-in's door.
#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda_plugin.hpp"

namespace afterglow::cuda {
namespace {

/// Throws Unsupported, with the reason, when there are none.
int device_count() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaErrorInsufficientDriver) {
    throw Unsupported("the NVIDIA driver is older than CUDA " +
                      std::to_string(CUDART_VERSION / 1000) + " needs");
  }
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) {
    throw Unsupported("there is no CUDA device");
  }
  if (status != cudaSuccess) throw Unsupported(cudaGetErrorString(status));
  return count;
}

std::vector<CudaDevice> devices() {
  std::vector<CudaDevice> result;
  const int count = device_count();
  for (int device = 0; device < count; ++device) {
    cudaDeviceProp properties{};
    AFTERGLOW_CUDA(cudaGetDeviceProperties(&properties, device));
    result.push_back({describe(properties), problem_of(properties)});
  }
  return result;
}

std::shared_ptr<Backend> open(int index, Precision precision, bool graphs) {
  const int count = device_count();
  if (index >= count) {
    throw Unsupported("there are " + std::to_string(count) + " CUDA devices, counted from 0");
  }
  return std::make_shared<CudaBackend>(index, precision, graphs);
}

}  // namespace
}  // namespace afterglow::cuda

extern "C" [[gnu::visibility("default")]] const afterglow::CudaPlugin* afterglow_cuda_plugin() {
  static const afterglow::CudaPlugin plugin{afterglow::kCudaPluginVersion,
                                            &afterglow::cuda::devices, &afterglow::cuda::open};
  return &plugin;
}
