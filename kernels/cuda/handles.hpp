// Owners of what the CUDA libraries hand out: released when they go, never thrown from.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "kernels/cuda/error.hpp"

namespace afterglow::cuda {

/// Owns one T; a default-constructed T means none. What releasing it reports is of no use to
/// anybody by then.
template <typename T, auto kDestroy>
class UniqueHandle {
 public:
  UniqueHandle() = default;
  explicit UniqueHandle(T handle) : handle_(handle) {}
  UniqueHandle(UniqueHandle&& other) noexcept : handle_(std::exchange(other.handle_, T{})) {}
  UniqueHandle& operator=(UniqueHandle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~UniqueHandle() {
    if (handle_ == T{}) return;
    const auto status = kDestroy(handle_);
    if constexpr (std::is_same_v<decltype(status), const cudaError_t>) (void)dismissed(status);
  }

  T get() const { return handle_; }

 private:
  T handle_{};
};

using StreamHandle = UniqueHandle<cudaStream_t, cudaStreamDestroy>;
using EventHandle = UniqueHandle<cudaEvent_t, cudaEventDestroy>;
using GraphHandle = UniqueHandle<cudaGraph_t, cudaGraphDestroy>;
using GraphExecHandle = UniqueHandle<cudaGraphExec_t, cudaGraphExecDestroy>;
using DeviceMemory = UniqueHandle<void*, cudaFree>;
using PinnedMemory = UniqueHandle<void*, cudaFreeHost>;
using CudnnHandle = UniqueHandle<cudnnHandle_t, cudnnDestroy>;
using CublasHandle = UniqueHandle<cublasHandle_t, cublasDestroy>;
using Descriptor = UniqueHandle<cudnnBackendDescriptor_t, cudnnBackendDestroyDescriptor>;

inline StreamHandle make_stream() {
  cudaStream_t stream = nullptr;
  AFTERGLOW_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return StreamHandle(stream);
}

/// `timed`: for cudaEventElapsedTime.
inline EventHandle make_event(bool timed = false) {
  cudaEvent_t event = nullptr;
  AFTERGLOW_CUDA(
      cudaEventCreateWithFlags(&event, timed ? cudaEventDefault : cudaEventDisableTiming));
  return EventHandle(event);
}

inline DeviceMemory make_device_memory(std::size_t bytes) {
  void* memory = nullptr;
  AFTERGLOW_CUDA(cudaMalloc(&memory, bytes));
  return DeviceMemory(memory);
}

inline PinnedMemory make_pinned(std::size_t bytes) {
  void* memory = nullptr;
  AFTERGLOW_CUDA(cudaMallocHost(&memory, bytes));
  return PinnedMemory(memory);
}

inline CudnnHandle make_cudnn() {
  cudnnHandle_t handle = nullptr;
  AFTERGLOW_CUDA(cudnnCreate(&handle));
  return CudnnHandle(handle);
}

inline Descriptor make_descriptor(cudnnBackendDescriptorType_t type) {
  cudnnBackendDescriptor_t descriptor = nullptr;
  AFTERGLOW_CUDA(cudnnBackendCreateDescriptor(type, &descriptor));
  return Descriptor(descriptor);
}

}  // namespace afterglow::cuda
