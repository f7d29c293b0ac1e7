// Where the CUDA backend's buffers live.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "kernels/backend.hpp"
#include "kernels/cuda/handles.hpp"
#include "kernels/free_blocks.hpp"

namespace afterglow::cuda {

/// Device memory in segments, handed out by best fit and kept for reuse. Reuse is ordered by the
/// backend's one stream: a block may be handed out again while the work that used it still waits,
/// because what uses it next waits behind that. Thread-safe.
class Arena : public std::enable_shared_from_this<Arena> {
 public:
  explicit Arena(int device) : device_(device) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Uninitialised memory aligned to 512 bytes; the arena lives at least as long as it. Throws
  /// RunError when the device has none left, with free segments given back first.
  Buffer allocate(std::size_t bytes);
  MemoryReport report() const;

 private:
  struct Segment {
    DeviceMemory memory;
    std::size_t size = 0;
  };

  std::size_t take(std::size_t size);
  void grow(std::size_t size);
  void give_back_free_segments();
  std::byte* address(std::size_t start) const;

  int device_;
  mutable std::mutex mutex_;
  // Segments stand one behind the other, with gaps, in a range of numbers of their own, so that
  // blocks of different segments never look like neighbours.
  std::map<std::size_t, Segment> segments_;  // start -> where it really lies
  std::size_t next_start_ = 0;
  FreeBlocks free_;
  MemoryReport report_;
};

}  // namespace afterglow::cuda
