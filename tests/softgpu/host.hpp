// A small host program's pieces: handles, copies, kernels. It sees the real headers, as a backend
// does, and of the software GPU only the launch of kernels.
#pragma once

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <cstddef>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "softgpu/launch.hpp"
#include "softgpu/softgpu.hpp"

namespace host {

struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void check(cudaError_t error) {
  if (error != cudaSuccess) throw Error(cudaGetErrorName(error));
}
inline void check(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS) throw Error(cublasGetStatusName(status));
}
inline void check(cudnnStatus_t status) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char why[200] = "";
  cudnnGetLastErrorString(why, sizeof why);
  throw Error(cudnnGetErrorString(status) + std::string(": ") + why);
}

/// A handle that is given back when it goes.
template <typename T, auto kDestroy>
class Handle {
 public:
  Handle() = default;
  explicit Handle(T handle) : handle_(handle) {}
  Handle(Handle&& other) noexcept : handle_(std::exchange(other.handle_, T{})) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Handle() {
    if (handle_ != T{}) static_cast<void>(kDestroy(handle_));
  }
  T get() const { return handle_; }

 private:
  T handle_{};
};

using Stream = Handle<cudaStream_t, cudaStreamDestroy>;
using Event = Handle<cudaEvent_t, cudaEventDestroy>;
using Graph = Handle<cudaGraph_t, cudaGraphDestroy>;
using Executable = Handle<cudaGraphExec_t, cudaGraphExecDestroy>;
using Cudnn = Handle<cudnnHandle_t, cudnnDestroy>;
using Cublas = Handle<cublasHandle_t, cublasDestroy_v2>;

inline Stream make_stream(unsigned flags = cudaStreamNonBlocking) {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, flags));
  return Stream(stream);
}
inline Event make_event(unsigned flags = cudaEventDisableTiming) {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, flags));
  return Event(event);
}
inline Cudnn make_cudnn(cudaStream_t stream) {
  cudnnHandle_t handle = nullptr;
  check(cudnnCreate(&handle));
  Cudnn result(handle);
  check(cudnnSetStream(handle, stream));
  return result;
}
inline Cublas make_cublas(cudaStream_t stream) {
  cublasHandle_t handle = nullptr;
  check(cublasCreate_v2(&handle));
  Cublas result(handle);
  check(cublasSetStream_v2(handle, stream));
  return result;
}

/// An array in device memory or in pinned memory.
template <typename T, bool kPinned>
class Array {
 public:
  explicit Array(std::size_t size) : size_(size) {
    void* data = nullptr;
    if (size > 0) check(allocate(&data, size * sizeof(T)));
    data_ = Memory(data);
  }
  T* get() const { return static_cast<T*>(data_.get()); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }

 private:
  static cudaError_t allocate(void** data, std::size_t bytes) {
    return kPinned ? cudaMallocHost(data, bytes) : cudaMalloc(data, bytes);
  }
  static cudaError_t release(void* data) { return kPinned ? cudaFreeHost(data) : cudaFree(data); }
  using Memory = Handle<void*, release>;
  Memory data_;
  std::size_t size_;
};
template <typename T>
using Device = Array<T, false>;
template <typename T>
using Pinned = Array<T, true>;

template <typename T>
Device<T> to_device(const std::vector<T>& values) {
  Device<T> result(values.size());
  check(cudaMemcpy(result.get(), values.data(), result.bytes(), cudaMemcpyHostToDevice));
  return result;
}
/// Waits for everything first.
template <typename T>
std::vector<T> to_host(const Device<T>& array) {
  std::vector<T> result(array.size());
  check(cudaDeviceSynchronize());
  check(cudaMemcpy(result.data(), array.get(), array.bytes(), cudaMemcpyDeviceToHost));
  return result;
}

inline std::vector<float> random_values(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> distribution(-1, 1);
  std::vector<float> result(size);
  for (float& value : result) value = distribution(random);
  return result;
}

/// A kernel: y += a x.
inline void axpy(float a, const float* x, float* y, std::size_t n, cudaStream_t stream) {
  softgpu::launch(stream, {{x, 1, false}, {y, 1, true}}, false, [=] {
    for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
  });
}

/// What a child process says on stderr while it runs `program`, and how it ends: "signal 11" or
/// "exit 0".
std::string in_child(const std::function<void()>& program);

/// The error of a call, taken from cudaGetLastError too.
inline cudaError_t error_of(cudaError_t error) {
  static_cast<void>(cudaGetLastError());
  return error;
}

}  // namespace host
