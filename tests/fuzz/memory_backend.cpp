// In place of the CPU backend, whose kernels no file can reach: memory alone.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "support/forwarding_backend.hpp"

namespace afterglow {
namespace {

class MemoryBackend : public test::ForwardingBackend {
 public:
  MemoryBackend() : ForwardingBackend(nullptr) {}  // nothing is computed

  Device device() const override { return {}; }
  std::string description() const override { return "memory"; }
  ValueType activation_type() const override { return ValueType::kFloat32; }
  Buffer allocate(std::size_t bytes) override {
    constexpr std::size_t kAlignment = 64;
    const std::size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    auto* const data = static_cast<std::byte*>(std::aligned_alloc(kAlignment, size));
    if (data == nullptr) throw std::bad_alloc();
    return {std::shared_ptr<std::byte>(data, std::free), bytes};
  }
  void copy_from_host(std::span<const std::byte> host, std::byte* device) override {
    if (!host.empty()) std::memcpy(device, host.data(), host.size());
  }
  void copy_to_host(const std::byte* device, std::span<std::byte> host) override {
    if (!host.empty()) std::memcpy(host.data(), device, host.size());
  }
  void fill(Destination dst, float value) override { std::fill(dst.begin(), dst.end(), value); }
};

}  // namespace

std::shared_ptr<Backend> make_cpu_backend(ConvolutionChoice /*choice*/, Precision /*precision*/) {
  return std::make_shared<MemoryBackend>();
}

}  // namespace afterglow
