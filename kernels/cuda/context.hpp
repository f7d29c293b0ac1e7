// What every operation of the CUDA backend needs: device, stream, handles, memory. Passed, never
// global.
#pragma once

#include <memory>
#include <string>

#include "kernels/cuda/arena.hpp"
#include "kernels/cuda/cudnn_graph.hpp"
#include "kernels/cuda/handles.hpp"
#include "kernels/cuda/kernels.hpp"
#include "kernels/cuda/transfers.hpp"

namespace afterglow::cuda {

/// `count` values of T, uninitialised, for the work that is queued while it lives.
template <typename T>
class Scratch {
 public:
  Scratch(Arena& arena, std::size_t count)
      : buffer_(count == 0 ? Buffer() : arena.allocate(count * sizeof(T))) {}

  /// nullptr for none.
  T* data() const { return reinterpret_cast<T*>(buffer_.data.get()); }

 private:
  Buffer buffer_;
};

class Context {
 public:
  /// Throws Unsupported when the device cannot be used, and says why.
  explicit Context(int device);
  /// Waits for everything queued.
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  int device() const { return device_; }
  /// "NVIDIA H100 80GB HBM3, compute capability 9.0, 79.2 GiB".
  const std::string& description() const { return description_; }
  /// The one stream that everything is queued on. The device becomes the calling thread's.
  cudaStream_t stream() const;
  cudnnHandle_t cudnn() const { return cudnn_.get(); }
  const Descriptor& cudnn_device() const { return cudnn_device_; }
  Transfers& transfers() { return transfers_; }

  /// Where buffers come from now: the recording's own memory while one is made.
  Arena& arena() const { return *arena_; }
  std::shared_ptr<Arena> exchange_arena(std::shared_ptr<Arena> arena);

  template <typename T>
  Scratch<T> scratch(std::size_t count) const {
    return Scratch<T>(*arena_, count);
  }

 private:
  int device_;
  std::string description_;
  StreamHandle stream_;
  CudnnHandle cudnn_;
  Descriptor cudnn_device_;
  Transfers transfers_;
  std::shared_ptr<Arena> arena_;
};

/// Throws CudaError when a kernel since the last call could not be launched; `what` names it.
void check_launch(const char* what);

/// What `info --devices` says of a device. Throws CudaError.
std::string describe(const cudaDeviceProp& properties);
/// Why the device cannot be used; empty when it can.
std::string problem_of(const cudaDeviceProp& properties);

}  // namespace afterglow::cuda
