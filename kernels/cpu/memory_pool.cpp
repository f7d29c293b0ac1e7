#include "kernels/cpu/memory_pool.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <tuple>

namespace afterglow {
namespace {

constexpr std::size_t kAlignment = 64;

/// A free block serves a request that leaves at most a quarter of it unused: more would let the
/// peak grow.
bool fits(std::size_t capacity, std::size_t bytes) { return capacity - bytes <= capacity / 4; }

}  // namespace

MemoryPool::~MemoryPool() { trim(0); }

Buffer MemoryPool::allocate(std::size_t bytes) {
  const std::size_t wanted =
      std::max<std::size_t>((bytes + kAlignment - 1) / kAlignment, 1) * kAlignment;
  std::byte* data = nullptr;
  std::size_t capacity = wanted;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = free_.lower_bound(wanted);
    if (found != free_.end() && fits(found->first, wanted)) {
      std::tie(capacity, data) = *found;
      free_.erase(found);
    } else {
      // What is free and does not fit must not stand beside what is asked for anew: the process
      // would grow past its peak.
      const std::size_t needed = report_.in_use + wanted;
      trim(std::max(report_.peak_in_use, needed) - wanted);
      data = static_cast<std::byte*>(::operator new (wanted, std::align_val_t{kAlignment}));
      report_.reserved += wanted;
      ++report_.allocations;
    }
    report_.in_use += capacity;
    report_.peak_in_use = std::max(report_.peak_in_use, report_.in_use);
  }
  return {
      std::shared_ptr<std::byte>(data, [pool = shared_from_this(), capacity](
                                           std::byte* block) { pool->give_back(block, capacity); }),
      bytes};
}

MemoryReport MemoryPool::report() const {
  const std::scoped_lock lock(mutex_);
  return report_;
}

void MemoryPool::give_back(std::byte* data, std::size_t capacity) {
  const std::scoped_lock lock(mutex_);
  report_.in_use -= capacity;
  free_.emplace(capacity, data);
}

void MemoryPool::trim(std::size_t limit) {
  while (report_.reserved > limit && !free_.empty()) {
    const auto largest = std::prev(free_.end());
    ::operator delete (largest->second, std::align_val_t{kAlignment});
    report_.reserved -= largest->first;
    free_.erase(largest);
  }
}

}  // namespace afterglow
