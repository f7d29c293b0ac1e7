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

/// What all arenas of a backend amount to together. Thread-safe.
class MemoryMeter {
 public:
  void reserve(std::size_t bytes);
  void give_back(std::size_t bytes);
  void use(std::size_t bytes);
  void free(std::size_t bytes);
  MemoryReport report() const;

 private:
  mutable std::mutex mutex_;
  MemoryReport report_;
};

/// What an arena's memory is for.
enum class ArenaUse {
  kEagerWork,  // segments that nobody uses may go back to the driver
  /// Graphs read and write it at every replay, also where no buffer lies: no segment goes back as
  /// long as the arena lives, and all that was ever handed out at once counts as in use.
  kRecordings,
};

/// Device memory in segments, handed out by best fit and kept for reuse. Reuse is ordered by the
/// backend's one stream: a block may be handed out again while the work that used it still waits,
/// because what uses it next waits behind that. So may, from one recording to the next, a block
/// that the first one's replays use. Thread-safe.
///
/// With AFTERGLOW_CUDA_ARENA=off in the environment every buffer of eager work is an allocation of
/// the driver's of exactly its size, freed before the next: slow, for tools that watch those.
class Arena : public std::enable_shared_from_this<Arena> {
 public:
  Arena(int device, ArenaUse use, std::shared_ptr<MemoryMeter> meter);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Uninitialised memory aligned to 512 bytes; the arena lives at least as long as it. Throws
  /// RunError when the device has none left, of kEagerWork with free segments given back first.
  Buffer allocate(std::size_t bytes);
  /// Gives segments that nobody uses back to the driver. Only for kEagerWork, and not from a thread
  /// whose stream is being captured.
  void give_back_free_segments();
  /// Whether the buffer came from here.
  bool owns(const Buffer& buffer) const;

 private:
  struct Segment {
    DeviceMemory memory;
    std::size_t size = 0;
  };

  std::size_t take(std::size_t size);
  void grow(std::size_t size);
  void forget_free_segments();
  std::byte* address(std::size_t start) const;

  int device_;
  ArenaUse use_;
  bool in_segments_;
  std::shared_ptr<MemoryMeter> meter_;
  mutable std::mutex mutex_;
  // Segments stand one behind the other, with gaps, in a range of numbers of their own, so that
  // blocks of different segments never look like neighbours.
  std::map<std::size_t, Segment> segments_;  // start -> where it really lies
  std::size_t next_start_ = 0;
  FreeBlocks free_;
  std::size_t reserved_ = 0, in_use_ = 0, most_in_use_ = 0;
};

}  // namespace afterglow::cuda
