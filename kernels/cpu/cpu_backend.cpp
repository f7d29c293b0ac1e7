#include "kernels/cpu/cpu_backend.hpp"

#include <omp.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "base/error.hpp"
#include "kernels/cpu/convolution.hpp"
#include "kernels/cpu/memory_pool.hpp"

namespace afterglow {
namespace {

/// The processor's name as the system gives it.
std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

const char* instruction_set() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "AVX-512";
  if (__builtin_cpu_supports("avx2")) return "AVX2";
#endif
  return "baseline instructions";
}

}  // namespace

CpuBackend::CpuBackend(ConvolutionChoice choice, Precision precision)
    : pool_(std::make_shared<MemoryPool>()),
      convolutions_(std::make_unique<ConvolutionCache>(
          [pool = pool_](std::size_t bytes) { return pool->allocate(bytes); }, choice, precision)) {
}

CpuBackend::~CpuBackend() = default;

Device CpuBackend::device() const { return {Device::Kind::kCpu, 0}; }

std::string CpuBackend::description() const {
  return "cpu: " + cpu_name() + ", " + instruction_set() + ", " +
         std::to_string(omp_get_max_threads()) + " threads";
}

Buffer CpuBackend::allocate(std::size_t bytes) { return pool_->allocate(bytes); }

void CpuBackend::copy_from_host(std::span<const std::byte> host, std::byte* device) {
  std::copy(host.begin(), host.end(), device);
}

void CpuBackend::copy_to_host(const std::byte* device, std::span<std::byte> host) {
  std::copy_n(device, host.size(), host.begin());
}

MemoryReport CpuBackend::memory() const { return pool_->report(); }

std::unique_ptr<Recording> CpuBackend::record(const std::function<void()>& /*work*/) {
  return nullptr;
}

std::shared_ptr<Backend> make_cpu_backend(ConvolutionChoice choice, Precision precision) {
  if (precision == Precision::kTf32) throw Unsupported("tf32 is a GPU's");
  if (precision == Precision::kBfloat16 && !bfloat16_rates()) {
    throw Unsupported("this CPU has neither AMX nor AMD's AVX512_BF16, and is faster with float32");
  }
  return std::make_shared<CpuBackend>(choice, precision);
}

}  // namespace afterglow
