// Where the CPU backend's buffers live.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>

#include "kernels/backend.hpp"
#include "kernels/free_blocks.hpp"

namespace afterglow {

/// One range of address space, opened to use from below as it fills up, and handed out by best fit;
/// neighbours that are free become one block again. So the memory that the process holds stays
/// close to the peak in use, whatever sizes come and go, and a training step touches pages that the
/// step before touched. Nothing goes back to the system before the pool goes. Thread-safe.
class MemoryPool : public std::enable_shared_from_this<MemoryPool> {
 public:
  /// Throws std::bad_alloc when there is no address space.
  MemoryPool();
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  /// Uninitialised memory aligned to 64 bytes; the pool lives at least as long as it. Throws
  /// std::bad_alloc.
  Buffer allocate(std::size_t bytes);
  MemoryReport report() const;

 private:
  std::size_t take(std::size_t size);
  void put_back(std::size_t offset, std::size_t size);
  void grow(std::size_t size);

  std::byte* base_ = nullptr;
  std::size_t range_ = 0;  // bytes of address space
  mutable std::mutex mutex_;
  FreeBlocks free_;
  MemoryReport report_;
};

}  // namespace afterglow
