#include "kernels/cuda/arena.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace afterglow::cuda {
namespace {

constexpr std::size_t kAlignment = 512;
constexpr std::size_t kSegment = std::size_t{32} << 20;  // the smallest

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) throw RunError("cuda: absurd size");
  return (bytes + unit - 1) / unit * unit;
}

std::string mebibytes(std::size_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

/// cudaMalloc, also while a stream is being captured: memory is no part of a graph. None when the
/// device has not so much left.
DeviceMemory allocate_segment(std::size_t size) {
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  AFTERGLOW_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  void* raw = nullptr;
  const cudaError_t status = cudaMalloc(&raw, size);
  DeviceMemory memory(raw);
  AFTERGLOW_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  if (status == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();  // it is dealt with
    return {};
  }
  check(status, "cudaMalloc", __FILE__, __LINE__);
  return memory;
}

}  // namespace

Arena::~Arena() { (void)cudaSetDevice(device_); }

Buffer Arena::allocate(std::size_t bytes) {
  const std::size_t size = round_up(std::max<std::size_t>(bytes, 1), kAlignment);
  const std::lock_guard lock(mutex_);
  const std::size_t start = take(size);
  const auto release = [arena = shared_from_this(), start, size](std::byte*) {
    const std::lock_guard release_lock(arena->mutex_);
    arena->report_.in_use -= size;
    arena->free_.give(start, size);
  };
  return {std::shared_ptr<std::byte>(address(start), release), bytes};
}

MemoryReport Arena::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

std::size_t Arena::take(std::size_t size) {
  std::optional<std::size_t> start = free_.take(size);
  if (!start) {
    grow(size);
    start = free_.take(size);
  }
  report_.in_use += size;
  report_.peak_in_use = std::max(report_.peak_in_use, report_.in_use);
  return *start;
}

void Arena::grow(std::size_t size) {
  AFTERGLOW_CUDA(cudaSetDevice(device_));
  Segment segment;
  segment.size = round_up(size, kSegment);
  segment.memory = allocate_segment(segment.size);
  if (segment.memory.get() == nullptr) {
    give_back_free_segments();
    segment.size = size;
    segment.memory = allocate_segment(segment.size);
  }
  if (segment.memory.get() == nullptr) {
    throw RunError("cuda:" + std::to_string(device_) + ": out of memory: " + mebibytes(size) +
                   " wanted, " + mebibytes(report_.in_use) +
                   " in use by this program; use a smaller --batch");
  }
  const std::size_t bytes = segment.size;
  segments_.emplace(next_start_, std::move(segment));
  free_.give(next_start_, bytes);
  next_start_ += bytes + kAlignment;
  report_.reserved += bytes;
  ++report_.allocations;
}

void Arena::give_back_free_segments() {
  for (auto at = segments_.begin(); at != segments_.end();) {
    const auto& [start, segment] = *at;
    if (!free_.is_free(start, segment.size)) {
      ++at;
      continue;
    }
    free_.forget(start, segment.size);
    report_.reserved -= segment.size;
    at = segments_.erase(at);  // cudaFree waits for the work that used it
  }
}

std::byte* Arena::address(std::size_t start) const {
  const auto& [first, segment] = *std::prev(segments_.upper_bound(start));
  return static_cast<std::byte*>(segment.memory.get()) + (start - first);
}

}  // namespace afterglow::cuda
