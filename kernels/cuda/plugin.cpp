// The plug-in's door.
#include "kernels/cuda/cuda_backend.hpp"
#include "kernels/cuda/libraries.hpp"
#include "kernels/cuda_plugin.hpp"

namespace afterglow::cuda {
namespace {

/// Which driver there is, and what this was built with.
std::string too_old_driver() {
  int driver = 0;
  const bool known = dismissed(cudaDriverGetVersion(&driver)) == cudaSuccess && driver > 0;
  const auto dotted = [](int version) {
    return std::to_string(version / 1000) + '.' + std::to_string(version / 10 % 100);
  };
  return "the NVIDIA driver is older than CUDA " + dotted(CUDART_VERSION) + " needs" +
         (known ? ": it is of CUDA " + dotted(driver) : "");
}

/// Throws Unsupported, with the reason, when there are none.
int device_count() {
  int count = 0;
  const cudaError_t status = dismissed(cudaGetDeviceCount(&count));
  if (status == cudaErrorInsufficientDriver) {
    throw Unsupported(too_old_driver());
  }
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) {
    throw Unsupported("there is no CUDA device");
  }
  if (status != cudaSuccess) throw Unsupported(cudaGetErrorString(status));
  return count;
}

/// Makes what every backend needs. Whatever fails so early, fails because the device or a library
/// cannot be used: busy in another process, without memory, broken. Throws Unsupported.
template <typename T, typename... Arguments>
std::shared_ptr<T> opened(const Arguments&... arguments) {
  const std::string problem = problem_of_cudnn();
  if (!problem.empty()) throw Unsupported(problem);
  try {
    return std::make_shared<T>(arguments...);
  } catch (const CudaError& error) {
    throw Unsupported(std::string("it cannot be opened: ") + error.what());
  }
}

std::vector<CudaDevice> devices() {
  std::vector<CudaDevice> result;
  const int count = device_count();
  for (int device = 0; device < count; ++device) {
    cudaDeviceProp properties{};
    const cudaError_t status = dismissed(cudaGetDeviceProperties(&properties, device));
    if (status != cudaSuccess) {
      result.push_back({"a device that tells nothing of itself", cudaGetErrorString(status)});
      continue;
    }
    result.push_back({describe(properties), ""});
    try {
      (void)opened<Context>(device);
    } catch (const Unsupported& reason) {
      result.back().problem = reason.what();
    }
  }
  return result;
}

std::shared_ptr<Backend> open(int index, Precision precision, bool graphs) {
  const int count = device_count();
  if (index < 0 || index >= count) {
    throw Unsupported("there are " + std::to_string(count) + " CUDA devices, counted from 0");
  }
  return opened<CudaBackend>(index, precision, graphs);
}

}  // namespace
}  // namespace afterglow::cuda

extern "C" [[gnu::visibility("default")]] const afterglow::CudaPlugin* afterglow_cuda_plugin() {
  static const afterglow::CudaPlugin plugin{afterglow::kCudaPluginVersion,
                                            &afterglow::cuda::devices, &afterglow::cuda::open};
  return &plugin;
}
