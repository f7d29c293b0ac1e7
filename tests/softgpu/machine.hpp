// What the parts of the software GPU share.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "softgpu/launch.hpp"
#include "softgpu/softgpu.hpp"

namespace softgpu {

/// An allocation in pages of its own:
/// [closed page][guard words | the caller's bytes | guard words][closed page].
struct Block {
  unsigned char* map = nullptr;
  std::size_t map_bytes = 0;
  unsigned char* user = nullptr;
  std::size_t bytes = 0;
  bool pinned = false;
  bool broken = false;  // guard words were overwritten, which has been reported

  bool covers(const void* at, std::size_t count) const;
};

/// Work for the device. Operations form a graph; `after` names earlier ones.
struct Operation {
  const char* what = "";
  std::vector<Access> access{};
  bool everything = false;
  std::function<void()> work{};
  std::vector<long> after{};
  double microseconds = 1;  // that events see
};

/// A recording of one or several streams. Operations name others by their index.
struct Capture {
  CUstream_st* origin = nullptr;  // null when it has ended
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  unsigned long long id = 0;
  bool valid = true;
  std::vector<Operation> nodes;
};

struct Machine {
  std::recursive_mutex mutex;

  std::map<const unsigned char*, Block> blocks;  // by the caller's address
  std::vector<Block> freed;                      // addresses are never used again
  std::size_t device_bytes = 0;
  std::map<Block*, bool> opened;  // while operations run: to whether it may be written

  long next_operation = 1;
  std::map<long, Operation> pending;
  CUstream_st* null_stream = nullptr;
  std::vector<CUstream_st*> streams;  // null_stream first
  std::vector<std::shared_ptr<Capture>> captures;
  unsigned long long next_capture = 1;
  Schedule schedule = Schedule::kLazy;
  std::mt19937 random;
  const char* running = nullptr;  // the operation that runs now
  double microseconds = 0;        // that all operations took

  std::map<const void*, const char*> handles;
  std::vector<std::shared_ptr<void>> graveyard;  // so that no address names two handles
  std::map<std::string, long> counts;
  long calls_made = 0;
  long fail_at = 0;
  std::string failed_call;
  long broken_guards = 0;
  long implicit_syncs = 0;
  cudaError_t fault = cudaSuccess;  // lasts, as a dead context does
  std::string fault_text;
  Devices devices;
  std::vector<Engine> engines = default_engines();
  std::vector<Engine> fallback_engines = default_fallback_engines();
};

/// The one there is; it is never destroyed, since handlers and late destructors use it.
Machine& machine();

/// Stands at the head of every function of the three libraries: locks the machine, counts the call
/// and knows whether it is the one to fail.
class Call {
 public:
  explicit Call(const char* function);
  bool injected() const { return injected_; }
  /// What the call must return at once: no driver, no device, an injected failure, a fault.
  cudaError_t refused(cudaError_t injected_code) const;
  /// What a call that gave something back returns.
  cudaError_t released(cudaError_t injected_code = cudaErrorLaunchFailure) const;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  bool injected_;
};

/// Remembers an error for cudaGetLastError and returns it.
cudaError_t fail(cudaError_t error);
/// The first fault stays; it kills what is queued.
void set_fault(cudaError_t error, const std::string& text);

// Handles of every kind, for live().
void born(const void* handle, const char* kind);
bool alive(const void* handle, const char* kind);
/// False when there is no such live handle.
bool died(const void* handle, const char* kind);

/// Keeps what was destroyed, so that its address stays taken.
template <typename T>
void bury(T* handle) {
  machine().graveyard.push_back(std::shared_ptr<T>(handle));
}

// memory.cpp
Block* find_block(const void* at);
/// Opens the memory of an operation, and that alone. Throws std::runtime_error if an access is not
/// inside one live allocation. What is open stays so until the next operation or close_memory().
class OpenMemory {
 public:
  explicit OpenMemory(const Operation& operation);
  ~OpenMemory();
  OpenMemory(const OpenMemory&) = delete;
  OpenMemory& operator=(const OpenMemory&) = delete;

 private:
  const char* what_;
  std::map<Block*, bool> open_;  // to whether it may be written
};
/// Before the host goes on.
void close_memory();

// streams.cpp
CUstream_st* find_stream(cudaStream_t stream);  // null if there is no such stream
/// Queues an operation on a stream, or records it if the stream is being captured.
cudaError_t enqueue(cudaStream_t stream, Operation operation);
/// Runs what is queued until the operation is done; 0: all of it.
void wait_for(long operation);
/// Makes the host know that an operation, and all it came after, is done.
void host_waited(long operation);

// capture.cpp
/// Ends a capture's hopes: whatever it returns later is an error.
cudaError_t spoil(Capture& capture, cudaError_t error);
/// What a call that is potentially unsafe during capture must return, cudaSuccess if it may go on.
cudaError_t unsafe_call();

// races.cpp
void note_operation(long id, const Operation& operation);
void forget_races();

}  // namespace softgpu

struct CUstream_st {
  bool blocking = false;  // ordered with the legacy null stream
  unsigned flags = 0;
  long last = 0;  // the newest operation
  std::shared_ptr<softgpu::Capture> capture;
  std::vector<long> tail;  // during capture: the nodes that the next one follows
};

struct CUevent_st {
  bool timing = true;
  long operation = 0;            // 0: never recorded
  std::shared_ptr<double> when;  // microseconds
  std::shared_ptr<softgpu::Capture> capture;
  std::vector<long> tail;
};

struct CUgraph_st {
  std::vector<softgpu::Operation> nodes;
};

struct CUgraphExec_st {
  std::vector<softgpu::Operation> nodes;
  long last = 0;  // launches of one executable graph follow one another
};
