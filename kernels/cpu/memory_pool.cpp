#include "kernels/cpu/memory_pool.hpp"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <new>
#include <optional>

namespace afterglow {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kGrowth = std::size_t{1} << 20;

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  if (bytes > std::numeric_limits<std::size_t>::max() - unit) throw std::bad_alloc();
  return (bytes + unit - 1) / unit * unit;
}

std::size_t physical_memory() {
  return std::size_t(sysconf(_SC_PHYS_PAGES)) * std::size_t(sysconf(_SC_PAGESIZE));
}

}  // namespace

MemoryPool::MemoryPool() : range_(round_up(2 * physical_memory(), kGrowth)) {
  // Address space only: it costs nothing until grow() opens it. A process with a limit on its
  // address space (ulimit -v) gets less.
  void* range = MAP_FAILED;
  while (range == MAP_FAILED) {
    range = mmap(nullptr, range_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED && (range_ = range_ / 2 / kGrowth * kGrowth) == 0)
      throw std::bad_alloc();
  }
  base_ = static_cast<std::byte*>(range);
}

MemoryPool::~MemoryPool() {
  ASAN_UNPOISON_MEMORY_REGION(base_, report_.reserved);  // the address may serve others
  munmap(base_, range_);
}

Buffer MemoryPool::allocate(std::size_t bytes) {
  const std::size_t size = round_up(std::max<std::size_t>(bytes, 1), kAlignment);
  std::size_t offset = 0;
  {
    const std::lock_guard lock(mutex_);
    offset = take(size);
  }
  // Blocks are neighbours: AddressSanitizer is told which bytes are in use (without it, nothing).
  ASAN_UNPOISON_MEMORY_REGION(base_ + offset, bytes);
  const auto release = [pool = shared_from_this(), offset, size](std::byte*) {
    ASAN_POISON_MEMORY_REGION(pool->base_ + offset, size);
    const std::lock_guard lock(pool->mutex_);
    pool->put_back(offset, size);
  };
  return {std::shared_ptr<std::byte>(base_ + offset, release), bytes};
}

MemoryReport MemoryPool::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

std::size_t MemoryPool::take(std::size_t size) {
  std::optional<std::size_t> offset = free_.take(size);
  if (!offset) {
    grow(size);
    offset = free_.take(size);
  }
  report_.in_use += size;
  report_.peak_in_use = std::max(report_.peak_in_use, report_.in_use);
  return *offset;
}

void MemoryPool::put_back(std::size_t offset, std::size_t size) {
  report_.in_use -= size;
  free_.give(offset, size);
}

// Opens so much of the range that a block of `size` fits at its end, and some more: steps that ask
// for the same blocks may break up what is free in different ways. Pages never touched cost
// nothing.
void MemoryPool::grow(std::size_t size) {
  constexpr std::size_t kMore = 16;  // a part of what there is
  const std::size_t start = report_.reserved - free_.free_before(report_.reserved);
  if (size > range_ - start) throw std::bad_alloc();
  const std::size_t end =
      std::min(round_up(start + size + report_.reserved / kMore, kGrowth), range_);
  const std::size_t more = end - report_.reserved;
  if (mprotect(base_ + report_.reserved, more, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  ASAN_POISON_MEMORY_REGION(base_ + report_.reserved, more);
  free_.give(report_.reserved, more);
  report_.reserved = end;
  ++report_.allocations;
}

}  // namespace afterglow
