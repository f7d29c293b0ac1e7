// Device and pinned memory: closed pages, guard words, poison, copies.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>

#include "softgpu/machine.hpp"

namespace softgpu {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlignment = 256;  // what cudaMalloc promises
// Fresh memory and guard words hold 0x7fa17fa1, a *signalling* NaN as float32 and, in halves, as
// bfloat16. A quiet one would come through "y[i] += x" with its bits unchanged, and a write past
// the end would not show.
constexpr unsigned char kPoison[2] = {0xa1, 0x7f};

unsigned char poison_at(const unsigned char* at) {
  return kPoison[reinterpret_cast<std::uintptr_t>(at) % 2];
}

struct sigaction previous_handler;

/// Says whose memory it was, then lets the fault take its course.
void on_fault(int, siginfo_t* info, void*) {
  const Machine& m = machine();
  const char* who = m.running != nullptr ? m.running : "host code";
  const auto* at = static_cast<const unsigned char*>(info->si_addr);
  const auto tell = [&](const Block& block, const char* kind) {
    if (at < block.map || at >= block.map + block.map_bytes) return;
    char text[256];
    const int length =
        std::snprintf(text, sizeof text, "softgpu: %s touched byte %td of %zu bytes of %s memory\n",
                      who, at - block.user, block.bytes, kind);
    if (length > 0 && write(STDERR_FILENO, text, static_cast<std::size_t>(length)) < 0) abort();
  };
  for (const auto& [user, block] : m.blocks) tell(block, block.pinned ? "pinned" : "device");
  for (const Block& block : m.freed) tell(block, "freed");
  sigaction(SIGSEGV, &previous_handler, nullptr);
}

void protect(const Block& block, int rights) {
  if (block.pinned) return;
  if (mprotect(block.map + kPage, block.map_bytes - 2 * kPage, rights) != 0) std::abort();
}

/// Checks the guard words of an open block.
void audit(Block& block, const char* who) {
  if (block.broken) return;
  const auto changed = [](const unsigned char* from, const unsigned char* to) {
    return std::any_of(from, to, [](const unsigned char& at) { return at != poison_at(&at); });
  };
  block.broken = changed(block.map + kPage, block.user) ||
                 changed(block.user + block.bytes, block.map + block.map_bytes - kPage);
  if (!block.broken) return;
  ++machine().broken_guards;
  std::fprintf(stderr, "softgpu: %s wrote outside %zu bytes of memory\n", who, block.bytes);
}

void* allocate(std::size_t bytes, bool pinned) {
  explain_faults();
  const std::size_t slot = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const std::size_t inner = (slot + kPage - 1) / kPage * kPage;
  void* mapped = mmap(nullptr, inner + 2 * kPage, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  Block block;
  block.map = static_cast<unsigned char*>(mapped);
  block.map_bytes = inner + 2 * kPage;
  block.user = block.map + kPage + inner - slot;  // its end close to the closed page
  block.bytes = bytes;
  block.pinned = pinned;
  unsigned char* first = block.map + kPage;
  if (mprotect(first, inner, PROT_READ | PROT_WRITE) != 0) std::abort();
  std::uint16_t word;
  std::memcpy(&word, kPoison, sizeof word);
  std::uninitialized_fill_n(reinterpret_cast<std::uint16_t*>(first), inner / 2, word);
  protect(block, PROT_NONE);
  machine().blocks[block.user] = block;
  if (!pinned) machine().device_bytes += bytes;
  return block.user;
}

void release(Block& block) {
  // Guards of device memory were checked behind every operation; pinned memory is always open.
  if (block.pinned) audit(block, "host code or an operation");
  // The pages go back to the system, the addresses stay taken.
  if (mmap(block.map, block.map_bytes, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED) {
    std::abort();
  }
  if (!block.pinned) machine().device_bytes -= block.bytes;
  machine().freed.push_back(block);
  machine().blocks.erase(machine().freed.back().user);
}

cudaError_t allocate_for(const Call& call, void** result, std::size_t bytes, bool pinned) {
  if (const cudaError_t e = call.refused(cudaErrorMemoryAllocation)) return e;
  if (const cudaError_t e = unsafe_call()) return e;
  if (result == nullptr) return fail(cudaErrorInvalidValue);
  *result = nullptr;
  if (bytes == 0) return cudaSuccess;
  const Machine& m = machine();
  if (!pinned && bytes > m.devices.memory - std::min(m.devices.memory, m.device_bytes)) {
    return fail(cudaErrorMemoryAllocation);
  }
  *result = allocate(bytes, pinned);
  return *result != nullptr ? cudaSuccess : fail(cudaErrorMemoryAllocation);
}

cudaError_t release_for(const Call& call, void* at, bool pinned) {
  if (!machine().devices.driver) return fail(cudaErrorInsufficientDriver);
  if (const cudaError_t e = unsafe_call()) return e;
  if (at == nullptr) return call.released();
  Block* block = find_block(at);
  if (block == nullptr || block->user != at || block->pinned != pinned) {
    return fail(cudaErrorInvalidValue);
  }
  // The real call waits for the device too; a program had better not count on it.
  if (!machine().pending.empty()) ++machine().implicit_syncs;
  wait_for(0);
  release(*block);
  return call.released();
}

bool capturing(cudaStream_t stream) {
  const CUstream_st* found = find_stream(stream);
  return found != nullptr && found->capture != nullptr;
}

cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                 cudaStream_t stream, const char* what) {
  if (bytes == 0) return cudaSuccess;
  if (to == nullptr || from == nullptr) return fail(cudaErrorInvalidValue);
  const Block* target = find_block(to);
  const Block* source = find_block(from);
  const bool to_device = target != nullptr && !target->pinned;
  const bool from_device = source != nullptr && !source->pinned;
  const cudaMemcpyKind truth = from_device
                                   ? (to_device ? cudaMemcpyDeviceToDevice : cudaMemcpyDeviceToHost)
                                   : (to_device ? cudaMemcpyHostToDevice : cudaMemcpyHostToHost);
  const bool fits = (target == nullptr || target->covers(to, bytes)) &&
                    (source == nullptr || source->covers(from, bytes));
  if ((kind != cudaMemcpyDefault && kind != truth) || !fits) return fail(cudaErrorInvalidValue);
  if (capturing(stream) && (target == nullptr || source == nullptr)) {
    // Stricter than documented: what a graph copies must be there when the graph runs.
    return spoil(*find_stream(stream)->capture, cudaErrorStreamCaptureUnsupported);
  }
  Operation operation{.what = what};
  if (target != nullptr) operation.access.push_back({to, bytes, true});
  if (source != nullptr) operation.access.push_back({from, bytes, false});
  if (source == nullptr) {
    // Pageable memory is staged before the call returns: the caller may change it at once.
    const auto* first = static_cast<const unsigned char*>(from);
    auto staged = std::make_shared<std::vector<unsigned char>>(first, first + bytes);
    operation.work = [to, staged] { std::memcpy(to, staged->data(), staged->size()); };
    return enqueue(stream, std::move(operation));
  }
  operation.work = [to, from, bytes] { std::memmove(to, from, bytes); };
  const cudaError_t error = enqueue(stream, std::move(operation));
  if (error != cudaSuccess || target != nullptr) return error;
  // Into pageable memory the real call returns when the bytes are there.
  ++machine().implicit_syncs;
  wait_for(find_stream(stream)->last);
  host_waited(find_stream(stream)->last);
  return fail(machine().fault);
}

/// The synchronous functions use the legacy stream, which must not be met by a capture.
cudaError_t copy_and_wait(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                          const char* what) {
  if (const cudaError_t e = unsafe_call()) return e;
  const cudaError_t error = copy(to, from, bytes, kind, nullptr, what);
  if (error != cudaSuccess) return error;
  const Block* target = find_block(to);
  const Block* source = find_block(from);
  const bool on_device =
      target != nullptr && source != nullptr && !target->pinned && !source->pinned;
  if (on_device) return cudaSuccess;  // does not wait for the host
  wait_for(machine().null_stream->last);
  host_waited(machine().null_stream->last);
  return fail(machine().fault);
}

cudaError_t set(void* at, int value, std::size_t bytes, cudaStream_t stream, const char* what) {
  if (bytes == 0) return cudaSuccess;
  const Block* block = find_block(at);
  if (block == nullptr || !block->covers(at, bytes)) return fail(cudaErrorInvalidValue);
  return enqueue(stream, {.what = what, .access = {{at, bytes, true}}, .work = [at, value, bytes] {
                            std::memset(at, value, bytes);
                          }});
}

}  // namespace

bool Block::covers(const void* at, std::size_t count) const {
  const auto* first = static_cast<const unsigned char*>(at);
  return first >= user && first <= user + bytes &&
         count <= static_cast<std::size_t>(user + bytes - first);
}

Block* find_block(const void* at) {
  Machine& m = machine();
  auto found = m.blocks.upper_bound(static_cast<const unsigned char*>(at));
  if (found == m.blocks.begin()) return nullptr;
  Block& block = (--found)->second;
  return block.covers(at, 1) ? &block : nullptr;
}

void explain_faults() {
  struct sigaction current {};
  if (sigaction(SIGSEGV, nullptr, &current) != 0) std::abort();
  if ((current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == on_fault) return;
  previous_handler = current;
  current = {};
  current.sa_sigaction = on_fault;
  current.sa_flags = SA_SIGINFO;
  if (sigaction(SIGSEGV, &current, nullptr) != 0) std::abort();
}

OpenMemory::OpenMemory(const Operation& operation) : what_(operation.what) {
  explain_faults();
  if (operation.everything) {
    for (auto& [at, block] : machine().blocks) open_[&block] = true;
  }
  for (const Access& access : operation.access) {
    Block* block = find_block(access.at);
    if (block == nullptr || !block->covers(access.at, access.bytes)) {
      char text[160];
      std::snprintf(text, sizeof text,
                    "%s was given %p with %zu bytes, which is not inside one live allocation",
                    what_, access.at, access.bytes);
      throw std::runtime_error(text);
    }
    open_[block] = open_[block] || access.write;
  }
  // What the operation before had open and this one has not is closed; what stays costs nothing.
  std::map<Block*, bool>& opened = machine().opened;
  for (const auto& [block, write] : opened) {
    if (!open_.contains(block)) protect(*block, PROT_NONE);
  }
  for (const auto& [block, write] : open_) {
    const auto before = opened.find(block);
    if (before != opened.end() && before->second == write) continue;
    protect(*block, write ? PROT_READ | PROT_WRITE : PROT_READ);
  }
  opened = open_;
}

OpenMemory::~OpenMemory() {
  for (const auto& [block, write] : open_) {
    if (write) audit(*block, what_);
  }
}

void close_memory() {
  for (const auto& [block, write] : machine().opened) protect(*block, PROT_NONE);
  machine().opened.clear();
}

}  // namespace softgpu

using softgpu::Call;
using softgpu::fail;
using softgpu::machine;

cudaError_t cudaMalloc(void** result, size_t bytes) {
  return softgpu::allocate_for(Call(__func__), result, bytes, false);
}

cudaError_t cudaMallocHost(void** result, size_t bytes) {
  return softgpu::allocate_for(Call(__func__), result, bytes, true);
}

cudaError_t cudaHostAlloc(void** result, size_t bytes, unsigned) {
  return softgpu::allocate_for(Call(__func__), result, bytes, true);
}

cudaError_t cudaFree(void* at) { return softgpu::release_for(Call(__func__), at, false); }

cudaError_t cudaFreeHost(void* at) { return softgpu::release_for(Call(__func__), at, true); }

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidValue)) return e;
  if (free == nullptr || total == nullptr) return fail(cudaErrorInvalidValue);
  *total = machine().devices.memory;
  *free = *total - std::min(*total, machine().device_bytes);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidValue)) return e;
  return softgpu::copy(to, from, bytes, kind, stream, __func__);
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidValue)) return e;
  return softgpu::copy_and_wait(to, from, bytes, kind, __func__);
}

cudaError_t cudaMemsetAsync(void* at, int value, size_t bytes, cudaStream_t stream) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidValue)) return e;
  return softgpu::set(at, value, bytes, stream, __func__);
}

cudaError_t cudaMemset(void* at, int value, size_t bytes) {
  const Call call(__func__);
  if (const cudaError_t e = call.refused(cudaErrorInvalidValue)) return e;
  if (const cudaError_t e = softgpu::unsafe_call()) return e;
  return softgpu::set(at, value, bytes, nullptr, __func__);
}
