#include "kernels/cuda/arena.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace afterglow::cuda {
namespace {

constexpr std::size_t kAlignment = 512;
constexpr std::size_t kSegment = std::size_t{32} << 20;  // the smallest
constexpr std::size_t kGrowth = 4;  // recordings: a new segment is a quarter of all at least

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  if (bytes > std::numeric_limits<std::size_t>::max() / 2) throw RunError("cuda: absurd size");
  return (bytes + unit - 1) / unit * unit;
}

std::string mebibytes(std::size_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

bool arena_is_off() {
  const char* text = std::getenv("AFTERGLOW_CUDA_ARENA");
  return text != nullptr && std::string(text) == "off";
}

/// cudaMalloc, also while a stream is being captured: memory is no part of a graph. None when the
/// device has not so much left.
DeviceMemory allocate_segment(std::size_t size) {
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  AFTERGLOW_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  void* raw = nullptr;
  const cudaError_t status = dismissed(cudaMalloc(&raw, size));
  DeviceMemory memory(raw);
  AFTERGLOW_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  if (status == cudaErrorMemoryAllocation) return {};
  check(status, "cudaMalloc", __FILE__, __LINE__);
  return memory;
}

}  // namespace

void MemoryMeter::reserve(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  report_.reserved += bytes;
  ++report_.allocations;
}

void MemoryMeter::give_back(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  report_.reserved -= bytes;
}

void MemoryMeter::use(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  report_.in_use += bytes;
  report_.peak_in_use = std::max(report_.peak_in_use, report_.in_use);
}

void MemoryMeter::free(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  report_.in_use -= bytes;
}

MemoryReport MemoryMeter::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

Arena::Arena(int device, ArenaUse use, std::shared_ptr<MemoryMeter> meter)
    : device_(device),
      use_(use),
      in_segments_(use == ArenaUse::kRecordings || !arena_is_off()),
      meter_(std::move(meter)) {}

Arena::~Arena() {
  (void)dismissed(cudaSetDevice(device_));
  meter_->give_back(reserved_);
  if (use_ == ArenaUse::kRecordings) meter_->free(most_in_use_);
}

Buffer Arena::allocate(std::size_t bytes) {
  const std::size_t size = round_up(std::max<std::size_t>(bytes, 1), in_segments_ ? kAlignment : 1);
  const std::lock_guard lock(mutex_);
  if (!in_segments_) forget_free_segments();
  const std::size_t start = take(size);
  const auto release = [arena = shared_from_this(), start, size](std::byte*) {
    const std::lock_guard release_lock(arena->mutex_);
    arena->in_use_ -= size;
    arena->free_.give(start, size);
    if (arena->use_ == ArenaUse::kEagerWork) arena->meter_->free(size);
  };
  return {std::shared_ptr<std::byte>(address(start), release), bytes};
}

void Arena::give_back_free_segments() {
  const std::lock_guard lock(mutex_);
  AFTERGLOW_CUDA(cudaSetDevice(device_));
  forget_free_segments();
}

bool Arena::owns(const Buffer& buffer) const {
  const std::lock_guard lock(mutex_);
  const std::less<> before;
  return std::any_of(segments_.begin(), segments_.end(), [&](const auto& entry) {
    const auto* first = static_cast<const std::byte*>(entry.second.memory.get());
    return !before(buffer.data.get(), first) &&
           before(buffer.data.get(), first + entry.second.size);
  });
}

std::size_t Arena::take(std::size_t size) {
  std::optional<std::size_t> start = free_.take(size);
  if (!start) {
    grow(size);
    start = free_.take(size);
  }
  in_use_ += size;
  if (use_ == ArenaUse::kEagerWork) {
    meter_->use(size);
  } else if (in_use_ > most_in_use_) {
    meter_->use(in_use_ - most_in_use_);
  }
  most_in_use_ = std::max(most_in_use_, in_use_);
  return *start;
}

void Arena::grow(std::size_t size) {
  AFTERGLOW_CUDA(cudaSetDevice(device_));
  Segment segment;
  segment.size = in_segments_ ? round_up(size, kSegment) : size;
  // Longer batches may follow: few large segments serve recordings of different sizes better than
  // many that each fit one buffer.
  if (use_ == ArenaUse::kRecordings) {
    segment.size = std::max(segment.size, round_up(reserved_ / kGrowth, kSegment));
  }
  segment.memory = allocate_segment(segment.size);
  if (segment.memory.get() == nullptr) {
    if (use_ == ArenaUse::kEagerWork) forget_free_segments();
    segment.size = size;
    segment.memory = allocate_segment(segment.size);
  }
  if (segment.memory.get() == nullptr) {
    throw RunError("cuda:" + std::to_string(device_) + ": out of memory: " + mebibytes(size) +
                   " wanted, " + mebibytes(meter_->report().in_use) +
                   " in use by this program; use a smaller --batch");
  }
  const std::size_t bytes = segment.size;
  segments_.emplace(next_start_, std::move(segment));
  free_.give(next_start_, bytes);
  next_start_ += bytes + kAlignment;
  reserved_ += bytes;
  meter_->reserve(bytes);
}

void Arena::forget_free_segments() {
  for (auto at = segments_.begin(); at != segments_.end();) {
    const auto& [start, segment] = *at;
    if (!free_.is_free(start, segment.size)) {
      ++at;
      continue;
    }
    free_.forget(start, segment.size);
    reserved_ -= segment.size;
    meter_->give_back(segment.size);
    at = segments_.erase(at);  // cudaFree waits for the work that used it
  }
}

std::byte* Arena::address(std::size_t start) const {
  const auto& [first, segment] = *std::prev(segments_.upper_bound(start));
  return static_cast<std::byte*>(segment.memory.get()) + (start - first);
}

}  // namespace afterglow::cuda
