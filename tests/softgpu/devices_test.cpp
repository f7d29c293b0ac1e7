#include <catch2/catch.hpp>
#include <cstring>

#include "softgpu/host.hpp"

using host::check;
using host::error_of;

TEST_CASE("without a driver every library says so", "[softgpu]") {
  softgpu::reset();
  softgpu::set_devices({.driver = false});
  int count = -1, version = -1;
  CHECK(error_of(cudaGetDeviceCount(&count)) == cudaErrorInsufficientDriver);
  CHECK(count == -1);  // left as it was, as the real one does
  void* memory = nullptr;
  CHECK(error_of(cudaMalloc(&memory, 4)) == cudaErrorInsufficientDriver);
  cudaStream_t stream = nullptr;
  CHECK(error_of(cudaStreamCreateWithFlags(&stream, 0)) == cudaErrorInsufficientDriver);
  cudnnHandle_t cudnn = nullptr;
  CHECK(cudnnCreate(&cudnn) == CUDNN_STATUS_NOT_INITIALIZED);
  cublasHandle_t cublas = nullptr;
  CHECK(cublasCreate_v2(&cublas) == CUBLAS_STATUS_NOT_INITIALIZED);
  check(cudaDriverGetVersion(&version));
  CHECK(version == 0);
  cudnnBackendDescriptor_t descriptor = nullptr;  // descriptors need none
  CHECK(cudnnBackendCreateDescriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, &descriptor) ==
        CUDNN_STATUS_SUCCESS);
  check(cudnnBackendDestroyDescriptor(descriptor));
  softgpu::reset();
  static_cast<void>(cudaGetLastError());
  check(cudaGetDeviceCount(&count));
  CHECK(count == 1);
  CHECK(softgpu::live().empty());
}

TEST_CASE("without a device there is none", "[softgpu]") {
  softgpu::reset();
  softgpu::set_devices({.count = 0});
  int count = -1;
  CHECK(error_of(cudaGetDeviceCount(&count)) == cudaErrorNoDevice);
  softgpu::reset();
}

TEST_CASE("a busy device is described, and not given", "[softgpu]") {
  softgpu::reset();
  softgpu::set_devices({.busy = true});
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 0));
  CHECK(error_of(cudaSetDevice(0)) == cudaErrorDevicesUnavailable);
  softgpu::reset();
}

TEST_CASE("devices have the properties they were given", "[softgpu]") {
  softgpu::reset();
  softgpu::set_devices({.count = 2, .major = 7, .minor = 5, .driver_version = 12080});
  int value = 0;
  check(cudaGetDeviceCount(&value));
  CHECK(value == 2);
  check(cudaDriverGetVersion(&value));
  CHECK(value == 12080);
  check(cudaRuntimeGetVersion(&value));
  CHECK(value == CUDART_VERSION);
  check(cudaDeviceGetAttribute(&value, cudaDevAttrComputeCapabilityMajor, 1));
  CHECK(value == 7);
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, 1));
  CHECK(properties.major == 7);
  CHECK(properties.minor == 5);
  CHECK(std::string(properties.name) == "Software GPU 1");
  CHECK(properties.totalGlobalMem == std::size_t{4} << 30);
  char bus[16] = "";
  check(cudaDeviceGetPCIBusId(bus, sizeof bus, 1));
  CHECK(std::string(bus) == "0000:02:00.0");
  check(cudaSetDevice(1));
  check(cudaGetDevice(&value));
  CHECK(value == 1);
  check(cudaSetDevice(0));
  CHECK(error_of(cudaSetDevice(2)) == cudaErrorInvalidDevice);
  CHECK(error_of(cudaGetDeviceProperties(&properties, -1)) == cudaErrorInvalidDevice);
}

TEST_CASE("errors have names and wait in cudaGetLastError", "[softgpu]") {
  softgpu::reset();
  CHECK(std::strcmp(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation") == 0);
  CHECK(std::strcmp(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory") == 0);
  static_cast<void>(cudaSetDevice(9));
  CHECK(cudaPeekAtLastError() == cudaErrorInvalidDevice);
  CHECK(cudaGetLastError() == cudaErrorInvalidDevice);
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("calls are counted by their names", "[softgpu]") {
  softgpu::reset();
  { const host::Device<float> x(4); }
  softgpu::launch(nullptr, {}, false, [] {});
  CHECK(softgpu::calls("cudaMalloc") == 1);
  CHECK(softgpu::calls("cudaFree") == 1);
  CHECK(softgpu::calls("kernel launch") == 1);
  CHECK(softgpu::calls("cudaStreamSynchronize") == 0);
  softgpu::reset();
  CHECK(softgpu::calls("cudaMalloc") == 0);
}
