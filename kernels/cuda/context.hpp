// What every operation of the CUDA backend needs: device, stream, handles, memory. Passed, never
// global.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

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
  /// After a call that failed: whether the device goes on. Waits for what is queued.
  bool recovers() const;
  cudnnHandle_t cudnn() const { return cudnn_.get(); }
  const Descriptor& cudnn_device() const { return cudnn_device_; }
  Transfers& transfers() { return transfers_; }

  /// Where buffers of this thread come from now: from the recordings' memory in one that records.
  Arena& arena() const;
  /// Where buffers come from when nothing is recorded.
  Arena& eager_arena() const { return *arena_; }
  /// One for all recordings that live: their replays follow each other on the one stream.
  std::shared_ptr<Arena> arena_for_recordings();
  /// The same while it exists; else nullptr.
  std::shared_ptr<Arena> recordings() const { return for_recordings_.lock(); }
  /// This thread allocates from there until it is told nullptr.
  void record_into(std::shared_ptr<Arena> arena);
  MemoryReport memory() const { return meter_->report(); }

  template <typename T>
  Scratch<T> scratch(std::size_t count) const {
    return Scratch<T>(arena(), count);
  }

 private:
  int device_;
  std::string description_;
  StreamHandle stream_;
  CudnnHandle cudnn_;
  Descriptor cudnn_device_;
  Transfers transfers_;
  std::shared_ptr<MemoryMeter> meter_ = std::make_shared<MemoryMeter>();
  std::shared_ptr<Arena> arena_;
  std::weak_ptr<Arena> for_recordings_;  // goes with the last recording, and what it left behind
  std::shared_ptr<Arena> recording_into_;
  std::atomic<std::thread::id> recording_thread_{};  // others allocate as ever
};

/// Throws CudaError when a kernel since the last call could not be launched; `what` names it.
void check_launch(const char* what);

/// What `info --devices` says of a device. Throws CudaError.
std::string describe(const cudaDeviceProp& properties);
/// Why the device cannot be used; empty when it can.
std::string problem_of(const cudaDeviceProp& properties);

}  // namespace afterglow::cuda
