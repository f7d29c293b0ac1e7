// Memory that is kept for the next step: a training step asks for the same sizes again and again,
// and fresh pages from the system cost more than the arithmetic of a small layer.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "kernels/backend.hpp"

namespace afterglow {

/// Thread-safe. Made by std::make_shared: every buffer holds the pool.
class MemoryPool : public std::enable_shared_from_this<MemoryPool> {
 public:
  MemoryPool() = default;
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  /// At least `bytes`, aligned to 64. Throws std::bad_alloc.
  Buffer allocate(std::size_t bytes);
  MemoryReport report() const;

 private:
  void give_back(std::byte* data, std::size_t capacity);
  /// Returns free blocks to the system, the largest first, until no more than `limit` bytes are
  /// reserved.
  void trim(std::size_t limit);

  mutable std::mutex mutex_;
  std::multimap<std::size_t, std::byte*> free_;  // capacity -> block
  MemoryReport report_;
};

}  // namespace afterglow
