#include "kernels/cuda/transfers.hpp"

#include <algorithm>
#include <cstring>

namespace afterglow::cuda {
namespace {

constexpr std::size_t kStageBytes = std::size_t{4} << 20;

}  // namespace

Transfers::Stage& Transfers::next_stage() {
  Stage& stage = stages_[next_];
  next_ = (next_ + 1) % stages_.size();
  if (stage.memory.get() == nullptr) {
    stage.memory = make_pinned(kStageBytes);
    stage.done = make_event();
  } else {
    AFTERGLOW_CUDA(cudaEventSynchronize(stage.done.get()));
  }
  return stage;
}

void Transfers::to_device(cudaStream_t stream, std::span<const std::byte> host, std::byte* device) {
  for (std::size_t at = 0; at < host.size(); at += kStageBytes) {
    const std::size_t bytes = std::min(kStageBytes, host.size() - at);
    Stage& stage = next_stage();
    std::memcpy(stage.data(), host.data() + at, bytes);
    AFTERGLOW_CUDA(
        cudaMemcpyAsync(device + at, stage.data(), bytes, cudaMemcpyHostToDevice, stream));
    AFTERGLOW_CUDA(cudaEventRecord(stage.done.get(), stream));
  }
}

void Transfers::to_host(cudaStream_t stream, const std::byte* device, std::span<std::byte> host) {
  for (std::size_t at = 0; at < host.size(); at += kStageBytes) {
    const std::size_t bytes = std::min(kStageBytes, host.size() - at);
    Stage& stage = next_stage();
    AFTERGLOW_CUDA(
        cudaMemcpyAsync(stage.data(), device + at, bytes, cudaMemcpyDeviceToHost, stream));
    AFTERGLOW_CUDA(cudaEventRecord(stage.done.get(), stream));
    AFTERGLOW_CUDA(cudaEventSynchronize(stage.done.get()));
    std::memcpy(host.data() + at, stage.data(), bytes);
  }
}

}  // namespace afterglow::cuda
